import { assert, assertEquals } from "@std/assert";
import {
  applyMask,
  copyUnmasked,
  copyUnmaskedWords,
  createMaskKey,
  rotateKey,
  unmaskText,
  wordsOf,
} from "../../src/protocol/mask.ts";
import { returnVectorBuffer, takeVectorBuffer } from "../../src/protocol/vector_memory.ts";
import { test } from "../harness.ts";
import { KEY, maskNaively } from "./frames.ts";

const key = toNumber(KEY);
/** One whose number has the sign bit set. */
const SIGNED_KEY = [0x37, 0xfa, 0x21, 0x9d];
const signedKey = toNumber(SIGNED_KEY);

function toNumber(bytes: readonly number[]): number {
  return bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
}

function createBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i + 1);
}

test("applyMask equals a plain loop at every length and every alignment (RFC 6455 5.3)", () => {
  for (let length = 0; length <= 200; length++) {
    for (let alignment = 0; alignment < 8; alignment++) {
      for (const start of [0, 1, 2, 3]) {
        const whole = new Uint8Array(256).map((_, i) => i * 7);
        const view = whole.subarray(alignment, alignment + start + length + 5);
        const expected = view.slice();
        expected.set(maskNaively(view.slice(start, start + length), KEY), start);
        const before = whole.slice(0, alignment);
        const after = whole.slice(alignment + view.length);

        applyMask(view, start, start + length, key);

        assertEquals(view, expected, `length ${length}, alignment ${alignment}, start ${start}`);
        assertEquals(whole.slice(0, alignment), before);
        assertEquals(whole.slice(alignment + view.length), after);

        applyMask(view, start, start + length, key, wordsOf(whole));
        expected.set(maskNaively(expected.slice(start, start + length), KEY), start);
        assertEquals(view, expected, `length ${length}, words made before`);
      }
    }
  }
});

test("applyMask undoes itself on a large payload, at odd offsets", () => {
  for (const offset of [0, 1, 2, 3]) {
    const original = new Uint8Array(70_003 + offset).map((_, i) => i % 251);
    const bytes = original.slice();
    applyMask(bytes, offset, bytes.length, key);
    assertEquals(bytes.subarray(offset), maskNaively(original.subarray(offset), KEY));
    applyMask(bytes, offset, bytes.length, key);
    assertEquals(bytes, original);
  }
});

test("applyMask does the same by vectors, where the bytes are in memory for that", () => {
  const buffer = takeVectorBuffer("read")!;
  try {
    for (const length of [64, 511, 512, 513, 575, 576, 1000, 65_536, 70_001]) {
      for (const start of [0, 1, 2, 3, 14]) {
        const bytes = createBytes(start + length + 9);
        for (const words of [undefined, wordsOf(buffer)]) {
          const expected = bytes.slice();
          expected.set(maskNaively(bytes.slice(start, start + length), SIGNED_KEY), start);
          buffer.set(bytes);
          applyMask(buffer.subarray(0, bytes.length), start, start + length, signedKey, words);
          assertEquals(buffer.subarray(0, bytes.length), expected, `${length} from ${start}`);
        }
      }
    }
  } finally {
    returnVectorBuffer(buffer);
  }
});

test("unmaskText unmasks as applyMask does, and tells how far it saw ASCII on the way", () => {
  const buffer = takeVectorBuffer("text")!;
  try {
    for (const length of [0, 1, 63, 64, 65, 600, 5_000]) {
      for (const start of [0, 1, 14]) {
        for (const bad of [undefined, 0, 63, 64, length - 1]) {
          const text = new Uint8Array(start + length + 9).fill(0x61);
          if (bad !== undefined && bad >= 0 && bad < length) text[start + bad] = 0x80;
          const seen = length - length % 64;
          const isAscii = bad === undefined || !(bad >= 0 && bad < seen);
          for (
            const [target, until] of [[buffer, isAscii ? seen : 0], [new Uint8Array(6_000), 0]]
          ) {
            for (const  of of[[0, 0, 0, 0], SIGNED_KEY]) {
              const bytes = target as Uint8Array;
              bytes.set(text);
              bytes.set(maskNaively(text.slice(start, start + length), of), start);
              const told = unmaskText(bytes, start, start + length, toNumber(of));
              const label = `${length} from ${start}, bad at ${bad}`;
              assertEquals(told, start + (until as number), label);
              assertEquals(bytes.subarray(0, text.length), text, label);
            }
          }
        }
      }
    }
  } finally {
    returnVectorBuffer(buffer);
  }
});

test("applyMask takes keys with the sign bit set and with zero bytes", () => {
  for (const bytes of [[0, 0, 0, 0], [255, 255, 255, 255], [1, 0, 0, 128], [0, 128, 0, 0]]) {
    const number = toNumber(bytes);
    for (const length of [3, 95, 96, 101]) {
      const payload = new Uint8Array(length).map((_, i) => i);
      const expected = maskNaively(payload, bytes);
      for (const form of [number, number >>> 0]) {
        const masked = payload.slice();
        applyMask(masked, 0, length, form);
        assertEquals(masked, expected, `${bytes} at ${length}`);
      }
    }
  }
});

test("copyUnmasked fills its target from any place, and unmasks (RFC 6455 5.3)", () => {
  for (let length = 0; length <= 70; length++) {
    for (let start = 0; start < 5; start++) {
      const source = createBytes(start + length + 3);
      const target = new Uint8Array(length);
      copyUnmasked(source, start, target, signedKey);
      assertEquals(target, maskNaively(source.slice(start, start + length), SIGNED_KEY));
    }
  }
});

test("copyUnmaskedWords does the same by words, and touches nothing else", () => {
  for (let length = 0; length <= 70; length++) {
    for (let start = 0; start < 5; start++) {
      const source = createBytes(start + length + 3);
      const buffer = new ArrayBuffer(88);
      const target = new Uint8Array(buffer, 8, length);
      const view = new DataView(source.buffer, source.byteOffset, source.length);
      copyUnmaskedWords(view, start, new Int32Array(buffer), 2, target, signedKey);
      const unmasked = maskNaively(source.slice(start, start + length), SIGNED_KEY);
      const expected = new Uint8Array(88);
      expected.set(unmasked, 8);
      assertEquals(new Uint8Array(buffer), expected, `length ${length}, start ${start}`);
    }
  }
});

test("rotateKey gives the key for the rest of a payload cut anywhere", () => {
  const payload = new Uint8Array(300).map((_, i) => i);
  const expected = maskNaively(payload, KEY);
  for (let cut = 0; cut <= 300; cut++) {
    const bytes = payload.slice();
    applyMask(bytes, 0, cut, key);
    applyMask(bytes, cut, 300, rotateKey(key, cut));
    assertEquals(bytes, expected, `cut at ${cut}`);
  }
});

test("createMaskKey draws a fresh key each time (RFC 6455 5.3, 10.3)", () => {
  const drawn = Array.from({ length: 10_000 }, () => createMaskKey());
  assert(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32));
  // Among 10,000 random values of 32 bits more than four repeats are out of the question.
  assert(new Set(drawn).size >= 9_996);
  for (let bit = 0; bit < 32; bit++) {
    const ones = drawn.filter((value) => (value >>> bit) & 1).length;
    assert(ones > 4_500 && ones < 5_500, `bit ${bit} is set in ${ones} of 10000 keys`);
  }
});

test("createMaskKey takes its keys from crypto.getRandomValues (RFC 6455 10.3)", () => {
  const original = crypto.getRandomValues;
  let draws = 0;
  crypto.getRandomValues = ((array: Uint32Array<ArrayBuffer>) => {
    draws++;
    return original.call(crypto, array);
  }) as typeof crypto.getRandomValues;
  try {
    for (let i = 0; i < 1024; i++) createMaskKey();
  } finally {
    crypto.getRandomValues = original;
  }
  assert(draws >= 2);
});
