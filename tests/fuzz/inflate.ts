/** `Inflater` against RFC 1951 read bit by bit, and against the platform's zlib. */

import { assert, assertEquals } from "@std/assert";
import { constants, inflateRawSync } from "node:zlib";
import { Inflater, InflateStatus } from "../../src/deflate/inflate.ts";
import { dynamicBlock } from "./blocks.ts";
import { assertSameBytes, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import { modelInflate } from "./model_inflate.ts";
import type { Random } from "./random.ts";
import { PeerCompressor } from "./wire.ts";

const LIMITS = [1 << 20, 1 << 20, 1000, 258, 10, 0];
const TAIL = [0, 0, 0xff, 0xff];

/** Messages in an input are a length of two bytes each, and as many bytes. */
function* readMessages(settings: Settings): Generator<Uint8Array> {
  while (settings.more) {
    const length = settings.word();
    const message: number[] = [];
    while (message.length < length && settings.more) message.push(settings.byte());
    yield Uint8Array.from(message);
  }
}

/**
 * What zlib makes of a message; `undefined` where it refuses it. The history goes before it as a stored
 * block, since Deno's zlib refuses some sound data that refers to a preset dictionary.
 */
function platformInflate(message: Uint8Array, history: number[]): Uint8Array | undefined {
  const { length } = history;
  const stored = [0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff];
  try {
    return inflateRawSync(Uint8Array.from([...stored, ...history, ...message, ...TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
    }).subarray(length);
  } catch {
    return undefined;
  }
}

/** Bits that no compressor makes. */
function noise(random: Random): Uint8Array {
  const bytes = random.bytes(random.length(200));
  // Most noise ends early in a dynamic block.
  if (bytes.length > 0 && random.chance(2)) bytes[0] = bytes[0]! & 0xf8 | 2;
  return bytes;
}

/** Data whose matches are as long as they can be, and end where an array's size may: at powers of two. */
function longMatches(random: Random): Uint8Array {
  const period = random.pick([
    random.between(4, 300),
    2 ** random.between(12, 13) % 258 + random.between(-2, 2),
  ]);
  const pattern = random.bytes(period);
  return new Uint8Array(random.between(4_000, 9_000)).map((_, i) => pattern[i % period]!);
}

/** Decompression, message after message. */
export const inflateFuzzer: Fuzzer = {
  name: "inflate",

  generate(random) {
    const windowBits = random.pick([15, 15, 8, random.between(8, 15)]);
    const contextTakeover = random.chance(2);
    // Some peers refer further back than they may.
    const peerBits = random.chance(3) ? 15 : windowBits;
    const compressor = new PeerCompressor(random, { windowBits: peerBits, contextTakeover });
    const input = [15 - windowBits, contextTakeover ? 0 : 1, random.below(256)];
    input.push(...randomChunking(random));
    for (let count = random.between(1, 4); count > 0; count--) {
      let message = random.pick([
        () => noise(random),
        () => dynamicBlock(random),
        () => compressor.compress(longMatches(random)),
        () => compressor.compress(random.data(random.length(random.chance(20) ? 40_000 : 2_000))),
        () => compressor.compress(random.data(random.length(700))),
        () => compressor.compress(random.data(random.length(700))),
      ])();
      if (random.chance(4)) message = random.mutate(message);
      message = message.subarray(0, 65_535);
      input.push(message.length >> 8, message.length & 0xff, ...message);
    }
    return Uint8Array.from(input);
  },

  check(input) {
    const settings = new Settings(input);
    const windowBits = 15 - settings.byte() % 8;
    const keepWindow = settings.byte() % 2 === 0;
    const maxLength = settings.pick(LIMITS);
    const chunking = new Chunking(settings);
    // Takes the decoder that is kept for whoever is next, so that each case begins with a new one.
    new Inflater().push(new Uint8Array(0), 0);
    const inflater = new Inflater({ windowBits });
    let history: number[] = [];
    const delivered: { output: Uint8Array; expected: number[] }[] = [];

    for (const message of readMessages(settings)) {
      const expected = modelInflate(message, history, { windowBits, maxLength });
      if (windowBits === 15) comparePlatform(message, history);

      let status: InflateStatus = InflateStatus.Ok;
      for (const chunk of chunking.cut(message)) {
        status = inflater.push(chunk, maxLength);
        chunk.fill(0xee);
        if (status !== InflateStatus.Ok) break;
      }
      const wanted = { ok: 0, corrupt: 1, large: 2 }[expected.status];
      assertEquals(status, wanted, `status, where the model says ${expected.status}`);
      if (status === InflateStatus.Ok) {
        assertSameBytes(inflater.output, expected.output);
      }
      const finished = inflater.finish({ keepWindow });
      const sound = expected.status === "ok" && expected.mayEnd;
      assertEquals(finished.status, sound ? 0 : wanted || 1, "status at the end");
      if (!sound) {
        assertEquals(inflater.push(Uint8Array.of(0), maxLength), finished.status);
        break;
      }
      delivered.push({ output: finished.output, expected: expected.output });
      history = keepWindow ? [...history, ...expected.output].slice(-(1 << windowBits)) : [];
    }
    // Only now, since a later message must leave the output of an earlier one alone.
    for (const { output, expected } of delivered) assertSameBytes(output, expected);
  },
};

/**
 * Where no last block (BFINAL) ends the stream for zlib, it has to agree with the model; but zlib may
 * see later that data is corrupt, and wait for more until then.
 */
function comparePlatform(message: Uint8Array, history: number[]): void {
  const model = modelInflate(message, history, { windowBits: 15, maxLength: 1 << 22 });
  if (model.finals > 0 || model.status === "large") return;
  const platform = platformInflate(message, history);
  if (model.mayEnd) assert(platform !== undefined, "zlib refuses what the model takes");
  if (platform === undefined) return;
  if (model.status === "corrupt") assertSameBytes(platform, model.output.slice(0, platform.length));
  else if (model.mayEnd) assertSameBytes(platform, model.output);
}
