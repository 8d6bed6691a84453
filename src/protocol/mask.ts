/**
 * Masking (RFC 6455 section 5.3): the payload XOR a key of four bytes, in place or as it is copied.
 *
 * A key travels as one 32-bit integer whose lowest byte masks the first payload byte.
 */

import type { Engine } from "../engine.ts";
import { endOfVectors, maskVectors, VECTORS_FROM } from "./vector_memory.ts";

/** Whether the first byte of a word is its lowest. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * Up to this length the payload of a binary message is unmasked as it is copied; a longer one is
 * unmasked in place before that.
 */
export const UNMASKED_WHILE_COPIED: Readonly<Record<Engine, number>> = {
  V8: 256,
  JavaScriptCore: 63,
};

/**
 * From this length on whole words are faster than bytes: 64 KiB take 4 µs against 19 in
 * JavaScriptCore, 7 against 24 in V8; 125 bytes 19 ns against 44, and 20 against 60.
 */
export const WORDS_FROM = 64;

/** The view of words that {@linkcode applyMask} works on. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const { buffer } = bytes;
  return new Int32Array(buffer, 0, buffer.byteLength >>> 2);
}

/**
 * Masks or unmasks `bytes[start, end)` in place, the first byte with the key's lowest one. Whoever
 * does so several times in one array makes its words once, since they take as long as 200 bytes.
 */
export function applyMask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  words?: Int32Array,
): void {
  if (end - start >= VECTORS_FROM) {
    const stop = endOfVectors(bytes, start, end);
    if (stop > start) maskVectors(bytes, start, stop, key);
    start = stop;
  }
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
  // Eight per step: four take 1.4 times as long in JavaScriptCore, and sixteen are no faster.
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

/**
 * Unmasks a piece of text in place, and returns up to where it was seen to be ASCII on the way:
 * `start` where that was not seen.
 */
export function unmaskText(bytes: Uint8Array, start: number, end: number, key: number): number {
  const stop = endOfVectors(bytes, start, end);
  const isAscii = stop > start && maskVectors(bytes, start, stop, key);
  if (key !== 0) applyMask(bytes, stop, end, key);
  return isAscii ? stop : start;
}

/** Copies `source[start…]` to fill the whole of `target`, unmasked with `key` on the way. */
export function copyUnmasked(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  key: number,
): void {
  const length = target.length;
  const key1 = key >>> 8, key2 = key >>> 16, key3 = key >>> 24;
  let i = 0;
  while (i + 7 < length) {
    target[i] = source[start]! ^ key;
    target[i + 1] = source[start + 1]! ^ key1;
    target[i + 2] = source[start + 2]! ^ key2;
    target[i + 3] = source[start + 3]! ^ key3;
    target[i + 4] = source[start + 4]! ^ key;
    target[i + 5] = source[start + 5]! ^ key1;
    target[i + 6] = source[start + 6]! ^ key2;
    target[i + 7] = source[start + 7]! ^ key3;
    i += 8;
    start += 8;
  }
  for (; i < length; i++) target[i] = source[start++]! ^ (key >>> ((i & 3) << 3));
}

/**
 * Like {@linkcode copyUnmasked}, four bytes at a time, to the memory that begins at `words[word]`
 * and that `target` is a view of. In V8 60 bytes take 123 ns that way, including the arrays made
 * for them, and 208 where they are unmasked in place and then copied. It is of no use in
 * JavaScriptCore, where an array has a buffer only once that is asked for.
 */
export function copyUnmaskedWords(
  source: DataView,
  start: number,
  words: Int32Array,
  word: number,
  target: Uint8Array,
  key: number,
): void {
  const length = target.length;
  const wordKey = LITTLE_ENDIAN ? key : swapBytes(key);
  let i = 0;
  for (; i + 15 < length; i += 16, start += 16, word += 4) {
    words[word] = source.getInt32(start, LITTLE_ENDIAN) ^ wordKey;
    words[word + 1] = source.getInt32(start + 4, LITTLE_ENDIAN) ^ wordKey;
    words[word + 2] = source.getInt32(start + 8, LITTLE_ENDIAN) ^ wordKey;
    words[word + 3] = source.getInt32(start + 12, LITTLE_ENDIAN) ^ wordKey;
  }
  for (; i + 3 < length; i += 4, start += 4) {
    words[word++] = source.getInt32(start, LITTLE_ENDIAN) ^ wordKey;
  }
  for (; i < length; i++) target[i] = source.getUint8(start++) ^ (key >>> ((i & 3) << 3));
}

/** The key for the bytes after the first `count` of a payload. */
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

function swapBytes(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24);
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
