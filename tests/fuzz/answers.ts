/**
 * What an endpoint sends while it receives, and when that is written: pings are answered one by one
 * while little waits, and only the latest one while much does (RFC 6455 section 5.5.3).
 */

import { assert, assertEquals } from "@std/assert";
import type { RecordedProtocol } from "../protocol/frames.ts";
import { assertSame } from "./fuzzer.ts";
import { type ModelEvent, readWire } from "./model.ts";
import { Random } from "./random.ts";

/** Bytes waiting from which on a pong is held back: `PONG_LIMIT` of `Protocol`. */
const MUCH = 16_384;

/** Messages of the endpoint's own. */
const SIZES = [0, 10, 125, 126, 4_000, MUCH - 100, MUCH, 20_000, 70_000];

/** Bytes of such messages after which there are no more. */
const ENOUGH = 50_000;

/** The output of a protocol: takes some of it now and then, and knows what has to be in it. */
export class Answers {
  readonly #recorded: RecordedProtocol;
  /** Decides when something is sent and taken; `undefined` where all is taken at once. */
  readonly #random: Random | undefined;
  readonly #expected: ModelEvent[] = [];
  readonly #sent: number[] = [];
  /** How seldom something is sent, and how seldom a chunk is taken. */
  readonly #sends: number = 0;
  readonly #takes: number = 0;
  #budget = ENOUGH;
  /** Bytes that wait. */
  #waiting = 0;
  /** The ping whose pong is held back. */
  #due: number[] | undefined;
  #closed = false;
  /** Whether the application closed by itself. */
  closesFirst = false;

  /** A seed of 0 takes all at once, and sends nothing by itself. */
  constructor(recorded: RecordedProtocol, seed: number) {
    this.#recorded = recorded;
    if (seed === 0) return;
    this.#random = new Random(seed);
    this.#sends = this.#random.pick([2, 10, 100, 1000]);
    this.#takes = this.#random.pick([2, 10, 100, 1000]);
    // Little is missing, so that a few pongs more are too much.
    if (this.#random.chance(2)) this.#message(MUCH - this.#random.below(300));
  }

  /** A ping was told. */
  ping(payload: number[]): void {
    // Nothing is answered behind a Close.
    if (this.#closed) return;
    if (this.#waiting >= MUCH) this.#due = payload;
    else this.#expect({ pong: payload }, payload.length);
  }

  /** Something was told: the application may answer it, or close. */
  event(): void {
    const random = this.#random;
    if (random === undefined || this.#closed) return;
    if (random.chance(this.#sends)) this.#message(random.pick(SIZES));
    if (random.chance(40)) {
      this.#recorded.core.sendClose(1000, "enough");
      this.closesFirst = true;
      this.#noteClose();
    }
  }

  /** A chunk was received: the transport may take something. */
  written(): void {
    this.#noteClose();
    const random = this.#random;
    if (random === undefined) return this.takeAll();
    if (random.chance(this.#sends)) this.#message(random.pick(SIZES));
    while (random.chance(this.#takes)) this.#take();
  }

  /** The transport takes all that waits. */
  takeAll(): void {
    this.#noteClose();
    while (this.#take());
  }

  /** Compares all that was sent; to be called once all is taken. */
  check(): void {
    const answers = readWire(Uint8Array.from(this.#sent), {
      role: this.#recorded.role === "server" ? "client" : "server",
      maxMessageSize: Math.max(...SIZES),
      maxFragments: 1,
    });
    assertEquals(answers.failure, undefined, "what was sent breaks a rule");
    // One by one, since to tell the difference of lists as large as these takes long.
    answers.events.forEach((event, i) => assertSame(event, this.#expected[i], `frame ${i} sent`));
    assertEquals(answers.events.length, this.#expected.length, "frames sent");
  }

  #message(size: number): void {
    if (this.#closed || this.#budget < 0) return;
    this.#budget -= size;
    const bytes = new Uint8Array(size).fill(size);
    this.#recorded.core.sendBinary(bytes, false);
    this.#expect({ binary: Array.from(bytes) }, size);
  }

  /** Nothing follows a Close, so that a pong held back has to precede it. */
  #noteClose(): void {
    const close = this.#recorded.core.closeSent;
    if (close === undefined || this.#closed) return;
    this.#flushDue();
    this.#closed = true;
    const { code, reason } = close;
    const size = code === 1005 ? 0 : 2 + new TextEncoder().encode(reason).length;
    this.#expect({ close: code, reason }, size);
  }

  #flushDue(): void {
    if (this.#due === undefined) return;
    this.#expect({ pong: this.#due }, this.#due.length);
    this.#due = undefined;
  }

  /** A frame that is queued behind the others. */
  #expect(event: ModelEvent, size: number): void {
    this.#expected.push(event);
    const header = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    this.#waiting += header + (this.#recorded.role === "client" ? 4 : 0) + size;
  }

  /** Takes one chunk; `false` where there is none. */
  #take(): boolean {
    const { core } = this.#recorded;
    assertEquals(core.output.length, this.#waiting, "bytes that wait");
    core.flushPong();
    this.#flushDue();
    const chunk = core.output.take();
    if (chunk === undefined) {
      assertEquals(this.#waiting, 0, "nothing is taken of what waits");
      return false;
    }
    const length = core.output.takenLength;
    assert(length > 0, "an empty chunk is taken");
    for (let at = 0; at < length; at++) this.#sent.push(chunk[at]!);
    core.output.giveBack();
    this.#waiting -= length;
    return true;
  }
}
