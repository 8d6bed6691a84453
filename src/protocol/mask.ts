/**
 * Masking (RFC 6455 section 5.3): the payload XOR a key of four bytes, in place.
 *
 * A key travels as one 32-bit integer whose lowest byte masks the first payload byte.
 */

import { LITTLE_ENDIAN } from "./copy.ts";

/**
 * From this length on whole words are faster than bytes: 64 KiB take 4 µs against 19 in
 * JavaScriptCore, 7 against 24 in V8; 125 bytes 19 ns against 44, and 20 against 60.
 */
export const WORDS_FROM = 64;

/** The view of words that {@linkcode applyMask} works on. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >>> 2);
}

/**
 * Masks or unmasks `bytes[start, end)` in place, the first byte with the key's lowest one. Who does so
 * several times in one array makes its words once, since they take as long as 200 bytes.
 */
export function applyMask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  words?: Int32Array,
): void {
  if (end - start < WORDS_FROM || !LITTLE_ENDIAN) {
    maskBytes(bytes, start, end, key);
    return;
  }
  const offset = bytes.byteOffset;
  const misaligned = (offset + start) & 3;
  if (misaligned !== 0) {
    const head = 4 - misaligned;
    maskBytes(bytes, start, start + head, key);
    start += head;
    key = rotateKey(key, head);
  }
  words ??= wordsOf(bytes);
  key |= 0;
  const stop = (offset + end) >>> 2;
  let i = (offset + start) >>> 2;
  // Eight a step: four take 1.4 times as long in JavaScriptCore, and sixteen are no faster.
  for (; i + 7 < stop; i += 8) {
    words[i]! ^= key;
    words[i + 1]! ^= key;
    words[i + 2]! ^= key;
    words[i + 3]! ^= key;
    words[i + 4]! ^= key;
    words[i + 5]! ^= key;
    words[i + 6]! ^= key;
    words[i + 7]! ^= key;
  }
  for (; i < stop; i++) words[i]! ^= key;
  maskBytes(bytes, stop * 4 - offset, end, key);
}

/** The key for the bytes behind the first `count` ones of a payload. */
export function rotateKey(key: number, count: number): number {
  const bits = (count & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  const b0 = key & 0xff, b1 = (key >>> 8) & 0xff, b2 = (key >>> 16) & 0xff, b3 = key >>> 24;
  let at = start;
  for (; at + 3 < end; at += 4) {
    bytes[at]! ^= b0;
    bytes[at + 1]! ^= b1;
    bytes[at + 2]! ^= b2;
    bytes[at + 3]! ^= b3;
  }
  if (at < end) bytes[at]! ^= b0;
  if (at + 1 < end) bytes[at + 1]! ^= b1;
  if (at + 2 < end) bytes[at + 2]! ^= b2;
}

/** Keys are drawn in blocks, since one call of the generator costs as much as many bytes of it. */
const KEYS_PER_DRAW = 256;
const keys = new Uint32Array(KEYS_PER_DRAW);
let nextKey = KEYS_PER_DRAW;

/** A fresh, unpredictable key (RFC 6455 sections 5.3 and 10.3); none is used twice. */
export function createMaskKey(): number {
  if (nextKey === KEYS_PER_DRAW) {
    crypto.getRandomValues(keys);
    nextKey = 0;
  }
  return keys[nextKey++]!;
}
