/** The suite's side of one connection, which does what a script says. */

import type { Script, Step } from "./case.ts";
import { Countdown } from "./countdown.ts";
import { Deflater } from "./deflate.ts";
import type { Parameters } from "./negotiation.ts";
import { Observer } from "./observer.ts";
import { fragments, opcodeOf } from "./steps.ts";
import type { RawSocket } from "./raw_socket.ts";
import { isRefuted, judge, type Outcome } from "./verdict.ts";
import { CLOSE, encodeFrame, join, PING, type Role } from "./frames.ts";

/** How long the endpoint is waited for, in milliseconds. */
export interface Patience {
  /** Without a byte from it, until it counts as hung. */
  readonly silence: number;
  /** Until a failure that is due before more is sent counts as late. */
  readonly failFast: number;
}

/** Milliseconds between writes that are to arrive by themselves, where the first may be too much. */
const MOMENT = 2;

/** The payload of a ping that asks whether anybody still answers. */
const PROBE = new TextEncoder().encode("still there?");

/** Milliseconds in which an endpoint that has to wait may not move. */
const QUIET = 100;

/** Plays a script. */
export class Peer {
  readonly #socket: RawSocket;
  readonly #script: Script;
  /** The side that is tested, and the one that plays. */
  readonly #tested: Role;
  readonly #role: Role;
  readonly #patience: Patience;
  readonly #observer: Observer;
  readonly #deflater: Deflater | undefined;
  #closeSent = false;
  #timedOut = false;
  #late = false;
  #hasty = false;
  #wake: () => void = () => {};
  /** How long the endpoint may still say nothing, where it is waited for. */
  #silence: Countdown | undefined;

  /** `tested` is the role of the endpoint, `agreed` the compression agreed on, if any. */
  constructor(
    socket: RawSocket,
    script: Script,
    { tested, agreed, patience }: {
      readonly tested: Role;
      readonly agreed: Parameters | undefined;
      readonly patience: Patience;
    },
  ) {
    this.#socket = socket;
    this.#script = script;
    this.#tested = tested;
    this.#role = tested === "server" ? "client" : "server";
    this.#patience = patience;
    this.#observer = new Observer(tested, agreed);
    this.#deflater = agreed && createDeflater(this.#role, agreed);
  }

  /** Plays, lets the endpoint finish, and judges; `head` goes out first. */
  async play(head: Uint8Array = new Uint8Array(0)): Promise<Outcome> {
    const { withHandshake = false } = this.#script;
    this.#socket.listen(
      (bytes) => {
        this.#silence?.restart();
        this.#observer.receive(bytes);
        this.#wake();
      },
      (how) => {
        this.#observer.end(how);
        this.#wake();
      },
    );
    if (!withHandshake && head.length > 0) await this.#send(head);
    await this.#run(withHandshake ? head : new Uint8Array(0));
    await this.#finish();
    const course = { timedOut: this.#timedOut, late: this.#late, hasty: this.#hasty };
    return judge(this.#script, this.#observer, course);
  }

  async #run(head: Uint8Array): Promise<void> {
    let gathered: Uint8Array[] = head.length > 0 ? [head] : [];
    const { writes = "steps" } = this.#script;
    for (const step of this.#script.steps) {
      if (this.#isOver) return;
      const bytes = this.#encode(step);
      if (bytes !== undefined) {
        gathered.push(bytes);
        // The first frames share a write with the head that they are to arrive with.
        if (writes !== "steps" || (head.length > 0 && gathered.length === 1)) continue;
      }
      await this.#write(gathered);
      gathered = [];
      if (bytes === undefined) await this.#wait(step);
    }
    if (!this.#isOver) await this.#write(gathered);
  }

  /** Whether going on is of no use: the endpoint has said all that it will, or too much. */
  get #isOver(): boolean {
    const { ended, closeCode } = this.#observer;
    const hasFailed = closeCode !== undefined && this.#script.expect.end.kind === "failed";
    return this.#timedOut || ended !== undefined || hasFailed ||
      isRefuted(this.#script, this.#observer);
  }

  /** The bytes of a step, unless it is one of waiting. */
  #encode(step: Step): Uint8Array | undefined {
    switch (step.kind) {
      case "frame":
        if (step.frame.opcode === CLOSE) this.#closeSent = true;
        return encodeFrame(step.frame, this.#role);
      case "bytes":
        return step.bytes;
      case "compressed":
        return this.#encodeCompressed(step);
      default:
        return undefined;
    }
  }

  #encodeCompressed({ data, fragmentSize }: Step & { readonly kind: "compressed" }): Uint8Array {
    const payload = this.#deflater!.deflate(data.payload);
    const size = fragmentSize ?? payload.length;
    const count = Math.max(0, Math.ceil(payload.length / size) - 1);
    const message = { type: data.type, payload };
    const frames = fragments(message, new Array<number>(count).fill(size));
    return join(frames.map((step, i) => {
      const { frame } = step as Step & { readonly kind: "frame" };
      const first = i === 0 ? { opcode: opcodeOf(data), reserved: 4 } : {};
      return encodeFrame({ ...frame, ...first }, this.#role);
    }));
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    const bytes = pieces.length === 1 ? pieces[0]! : join(pieces);
    const { writes = "steps" } = this.#script;
    if (bytes.length === 0) return;
    if (typeof writes === "string") return await this.#send(bytes);
    const cuts = typeof writes === "number"
      ? Array.from({ length: Math.ceil(bytes.length / writes) - 1 }, (_, i) => (i + 1) * writes)
      : writes.cuts.filter((cut) => cut < bytes.length);
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      await this.#send(bytes.subarray(from, cut));
      from = cut;
      // So that what was written can be read before more is there; and so that one who fails the
      // connection can do so before what comes behind resets its socket.
      if (this.#script.expect.end.kind === "failed") {
        await this.#until(() => this.#isEnding, MOMENT);
      } else {
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (this.#isOver) return;
    }
  }

  /** Hands bytes to the system; one who does not read them in time counts as hung. */
  async #send(bytes: Uint8Array): Promise<void> {
    let isTaken = false;
    void this.#socket.write(bytes).then(() => {
      isTaken = true;
      this.#wake();
    });
    if (!await this.#until(() => isTaken)) this.#timedOut = true;
  }

  async #wait(step: Step): Promise<void> {
    const observer = this.#observer;
    switch (step.kind) {
      case "await": {
        const isThere = () =>
          observer.messages.length >= step.messages && observer.pongs.length >= step.pongs;
        if (!await this.#until(() => isThere() || this.#isEnding)) this.#timedOut = true;
        return;
      }
      case "await failure": {
        const failed = await this.#until(() => this.#isEnding, this.#patience.failFast);
        if (!failed) this.#late = true;
        return;
      }
      case "quiet":
        if (await this.#until(() => observer.ended !== undefined, QUIET)) this.#hasty = true;
        return;
      case "end":
        this.#socket.end();
        return;
    }
  }

  /** Whether the endpoint ends the connection, or nothing else can come of it. */
  get #isEnding(): boolean {
    return this.#observer.closeCode !== undefined || this.#observer.ended !== undefined ||
      isRefuted(this.#script, this.#observer);
  }

  /** The end of the connection: what is still owed by our side, and the endpoint's own end. */
  async #finish(): Promise<void> {
    if (!this.#timedOut && !await this.#until(() => this.#isEnding)) {
      this.#timedOut = true;
      await this.#probe();
    }
    if (this.#observer.closeCode !== undefined && !this.#closeSent) {
      await this.#send(
        encodeFrame({ opcode: CLOSE, payload: new Uint8Array(0) }, this.#role),
      );
    }
    // A client leaves the end of the transport to the server.
    if (this.#tested === "client" && !isRefuted(this.#script, this.#observer)) this.#socket.end();
    if (!this.#timedOut && !isRefuted(this.#script, this.#observer)) {
      if (!await this.#until(() => this.#observer.ended !== undefined)) this.#timedOut = true;
    }
  }

  /** Finds out whether one who should have failed the connection just goes on, or does nothing more. */
  async #probe(): Promise<void> {
    if (this.#script.expect.end.kind !== "failed") return;
    await this.#send(encodeFrame({ opcode: PING, payload: PROBE }, this.#role));
    await this.#until(() => this.#isEnding, this.#patience.failFast);
  }

  /** Waits for something; without a time, as long as the endpoint is not silent for too long. */
  async #until(isMet: () => boolean, time?: number): Promise<boolean> {
    if (isMet()) return true;
    let isOver = false;
    const countdown = new Countdown(time ?? this.#patience.silence, () => {
      isOver = true;
      this.#wake();
    });
    this.#silence = time === undefined ? countdown : undefined;
    while (!isMet() && !isOver) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#silence = undefined;
    countdown.stop();
    return isMet();
  }
}

function createDeflater(role: Role, agreed: Parameters): Deflater {
  const server = role === "server";
  const forgets = server ? agreed.serverNoContextTakeover : agreed.clientNoContextTakeover;
  const bits = server ? agreed.serverMaxWindowBits : agreed.clientMaxWindowBits;
  return new Deflater(bits ?? 15, !forgets);
}
