/**
 * Whatever is sent, in both roles and with every parameter of permessage-deflate: the model reads it
 * off the wire, within the windows agreed, and so does the library's other side.
 */

import { assertEquals } from "@std/assert";
import type { PermessageDeflateParameters } from "../../src/extensions/permessage_deflate_negotiation.ts";
import { frameFor, PING, RecordedProtocol } from "../protocol/frames.ts";
import { assertSame, assertSameBytes, Chunking, type Fuzzer } from "./fuzzer.ts";
import { randomChunking, Settings } from "./fuzzer.ts";
import { type ModelEvent, readWire } from "./model.ts";
import { toEvent } from "./protocol.ts";
import { Random } from "./random.ts";

const THRESHOLDS = [256, 0, 20];
const COPY_LIMITS = [65_536, 0, 100];
const COMPRESS = [undefined, true, false] as const;
const LIMITS = { maxMessageSize: 10_485_760, maxFragments: 131_072 };

/** How both sides are set up, from the front of an input. */
function readSetup(settings: Settings) {
  const flags = settings.byte();
  const windows = settings.byte();
  const parameters: PermessageDeflateParameters = {
    serverNoContextTakeover: (flags & 4) !== 0,
    clientNoContextTakeover: (flags & 8) !== 0,
    serverMaxWindowBits: 15 - (windows & 7),
    clientMaxWindowBits: 15 - ((windows >> 3) & 7),
  };
  const level = settings.byte() % 9 + 1;
  const threshold = settings.pick(THRESHOLDS);
  return {
    sender: (flags & 1) === 0 ? "client" : "server",
    compression: (flags & 2) === 0 ? undefined : { parameters, level, threshold },
    copyLimit: settings.pick(COPY_LIMITS),
    chunking: new Chunking(settings),
  } as const;
}

/** Sends what the settings say, and notes what should arrive. */
class Sender {
  readonly protocol: RecordedProtocol;
  readonly expected: ModelEvent[] = [];
  readonly wire: number[] = [];
  readonly #lent: { readonly bytes: Uint8Array; readonly copy: Uint8Array }[] = [];

  constructor(protocol: RecordedProtocol) {
    this.protocol = protocol;
  }

  /** One message, in one frame or several; or one control frame. */
  send(settings: Settings): void {
    const operation = settings.byte();
    const compress = settings.pick(COMPRESS);
    const random = new Random(settings.byte());
    const length = settings.word();
    switch (operation % 6) {
      case 0: {
        const text = random.text(length);
        this.expected.push({ text });
        return this.protocol.core.sendText(text, compress);
      }
      case 1:
        return this.protocol.core.sendBinary(this.#data(random, length), compress);
      case 2:
        return this.#sendFragments(random, { length, compress });
      case 3:
        return this.#ping(random);
      case 4: {
        const payload = random.bytes(random.below(126));
        this.expected.push({ pong: Array.from(payload) });
        // Where much waits to be written, only the latest ping would be answered.
        this.drain();
        return void this.protocol.receive(frameFor(this.protocol.role, PING, payload));
      }
      default:
        return this.drain();
    }
  }

  close(settings: Settings): void {
    const code = settings.pick([1005, 1000, 1014, 3000, 4999]);
    const reason = code === 1005 ? "" : new Random(settings.byte()).text(40);
    this.expected.push({ close: code, reason });
    this.protocol.core.sendClose(code, reason);
  }

  drain(): void {
    for (const byte of this.protocol.takeOutput()) this.wire.push(byte);
    for (const { bytes, copy } of this.#lent) assertSameBytes(bytes, copy, "the caller's data");
  }

  #data(random: Random, length: number): Uint8Array {
    const bytes = random.data(length);
    this.expected.push({ binary: Array.from(bytes) });
    this.#lent.push({ bytes, copy: bytes.slice() });
    return bytes;
  }

  #ping(random: Random): void {
    const payload = random.bytes(random.below(126));
    this.expected.push({ ping: Array.from(payload) });
    this.protocol.core.sendPing(payload);
  }

  #sendFragments(
    random: Random,
    { length, compress }: { length: number; compress: boolean | undefined },
  ): void {
    const type = random.pick(["text", "binary"] as const);
    const bytes = type === "text"
      ? new TextEncoder().encode(random.text(length))
      : random.data(length);
    const pieces = [...random.pieces(bytes, Math.max(1, length))];
    this.protocol.core.beginMessage(type, pieces.shift() ?? new Uint8Array(0), compress);
    for (const piece of pieces) {
      if (random.chance(3)) this.#ping(random);
      if (random.chance(4)) this.drain();
      this.protocol.core.sendFragment(piece, false);
    }
    const last = random.pick(["", "!"]);
    this.protocol.core.sendFragment(new TextEncoder().encode(last), true);
    const whole = Uint8Array.from([...bytes, ...new TextEncoder().encode(last)]);
    this.expected.push(
      type === "text"
        ? { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole) }
        : { binary: Array.from(whole) },
    );
  }
}

/** Sending and receiving. */
export const roundTripFuzzer: Fuzzer = {
  name: "round-trip",

  generate(random) {
    const input = [random.below(16), random.below(64), random.below(9)];
    input.push(random.below(3), random.below(3), ...randomChunking(random));
    input.push(random.below(5), random.below(256));
    for (let count = random.below(10); count > 0; count--) {
      const length = random.length(random.chance(30) ? 65_535 : 600);
      input.push(random.below(6), random.below(3), random.below(256), length >> 8, length & 0xff);
    }
    return Uint8Array.from(input);
  },

  check(input) {
    const settings = new Settings(input);
    const { sender: role, compression, copyLimit, chunking } = readSetup(settings);
    const closing = new Settings(Uint8Array.of(settings.byte(), settings.byte()));
    const sender = new Sender(new RecordedProtocol(role, { compression, copyLimit }));
    while (settings.more) sender.send(settings);
    sender.close(closing);
    sender.drain();

    const wire = Uint8Array.from(sender.wire);
    const receiver = role === "client" ? "server" : "client";
    const { parameters } = compression ?? {};
    const read = readWire(wire, {
      role: receiver,
      ...LIMITS,
      compression: parameters && (role === "client"
        ? {
          windowBits: parameters.clientMaxWindowBits,
          contextTakeover: !parameters.clientNoContextTakeover,
        }
        : {
          windowBits: parameters.serverMaxWindowBits,
          contextTakeover: !parameters.serverNoContextTakeover,
        }),
    });
    assertEquals(read.failure, undefined, "the model refuses the wire");
    assertSame(read.events, sender.expected);

    const peer = new RecordedProtocol(receiver, { compression });
    for (const chunk of chunking.cut(wire)) {
      peer.core.receiveData(chunk);
      chunk.fill(0xee);
    }
    peer.assertOpen("the other side refuses the wire");
    const { code, reason } = peer.core.closeReceived!;
    assertSame([...peer.events.map(toEvent), { close: code, reason }], sender.expected);
  },
};
