/** `Deflater` by inflating what it makes: with the platform's zlib, and bit by bit within its window. */

import { assert, assertEquals } from "@std/assert";
import { constants, inflateRawSync } from "node:zlib";
import { Deflater } from "../../src/deflate/deflate.ts";
import { assertSameBytes, type Fuzzer, Settings } from "./fuzzer.ts";
import { modelInflate } from "./model_inflate.ts";
import { Random } from "./random.ts";

/** Beyond this the model, which is slow, looks at the beginning of a series only. */
const MODEL_LIMIT = 20_000;

/** How many bytes a block of incompressible data may cost besides its own, and each message. */
const STORED_OVERHEAD = 5;
const TAIL = [0, 0, 0xff, 0xff];

/**
 * Input that hashing and matching find hard: long chains of equal hashes that differ late, matches
 * that end at every window size's edge.
 */
function adversarial(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const windowSize = 1 << random.between(8, 15);
  const distance = windowSize + random.between(-4, 4);
  switch (random.below(3)) {
    case 0: {
      const prefix = random.bytes(random.between(3, 8));
      const step = prefix.length + random.between(1, 4);
      return bytes.map((_, i) => i % step < prefix.length ? prefix[i % step]! : random.below(256));
    }
    case 1:
      for (let at = 0; at < length; at++) {
        bytes[at] = at >= distance && !random.chance(60)
          ? bytes[at - distance]!
          : random.below(256);
      }
      return bytes;
    default: {
      // Fibonacci frequencies make the longest codes.
      let at = 0;
      for (let symbol = 0, a = 1, b = 1; at < length; symbol++, [a, b] = [b, a + b]) {
        bytes.fill(symbol, at, at += Math.min(a, length - at));
      }
      for (let i = length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [bytes[i], bytes[j]] = [bytes[j]!, bytes[i]!];
      }
      return bytes;
    }
  }
}

/** The data of one message, from four bytes of settings: how it is made, its seed, its length. */
function readData(settings: Settings): Uint8Array<ArrayBuffer> {
  const kind = settings.byte();
  const random = new Random(settings.byte());
  const length = settings.word() * ((kind & 2) === 0 ? 1 : 4);
  return (kind & 1) === 0 ? random.data(length) : adversarial(random, length);
}

/** Compression at all levels and windows, with and without a context. */
export const deflateFuzzer: Fuzzer = {
  name: "deflate",

  generate(random) {
    const input = [random.below(9), random.below(8), random.below(2)];
    for (let count = random.between(1, 4); count > 0; count--) {
      const length = random.length(random.chance(10) ? 65_535 : 2_000);
      const kind = random.below(2) | (random.chance(20) ? 2 : 0);
      input.push(kind, random.below(256), length >> 8, length & 0xff);
    }
    return Uint8Array.from(input);
  },

  check(input) {
    const settings = new Settings(input);
    const level = settings.byte() % 9 + 1;
    const windowBits = 15 - settings.byte() % 8;
    const contextTakeover = settings.byte() % 2 === 0;
    const deflater = new Deflater({ level, windowBits });
    const stream: number[] = [];
    let history: number[] = [];
    let total = 0;
    const plain: number[] = [];

    while (settings.more) {
      const data = readData(settings);
      const before = data.slice();
      const output = Uint8Array.from(deflater.deflate(data));
      assertSameBytes(data, before, "the input was changed");
      assertEquals(Array.from(output.subarray(-4)), TAIL, "the end of a message");
      const blocks = 1 + Math.ceil(data.length / 16_384) + Math.ceil(data.length / 65_535);
      const most = data.length + STORED_OVERHEAD * (blocks + 1) + 1;
      assert(output.length <= most, `${data.length} bytes became ${output.length}`);

      total += data.length;
      if (total <= MODEL_LIMIT) {
        const model = modelInflate(output, history, { windowBits, maxLength: data.length });
        assertEquals(model.status, "ok", "the model refuses it");
        assertSameBytes(model.output, data);
        history = [...history, ...data].slice(-(1 << windowBits));
      }
      for (const byte of data) plain.push(byte);
      for (const byte of output) stream.push(byte);
      if (!contextTakeover) {
        deflater.reset();
        history = [];
      }
    }
    const options = { finishFlush: constants.Z_SYNC_FLUSH };
    const inflated = inflateRawSync(Uint8Array.from(stream), options);
    assertSameBytes(inflated, plain, "what zlib makes of it");
  },
};
