/** Copying payloads. */

import type { Engine } from "../engine.ts";

/** Whether the first byte of a word is its lowest. */
export const LITTLE_ENDIAN: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * Up to here the payload of a binary message is unmasked as it is copied; a longer one before, in place.
 */
export const UNMASKED_WHILE_COPIED: Readonly<Record<Engine, number>> = {
  V8: 256,
  JavaScriptCore: 63,
};

/**
 * Up to here a loop copies faster than `set`, which takes 25 ns for any few bytes: 16 of them take 10 ns
 * so in JavaScriptCore and 17 in V8, 60 of them 32 and 57.
 */
const LOOP_UNTIL = 24;

/**
 * Copies `source` to `target[at…]`; eight bytes a step, since the check of the loop otherwise takes
 * as long as the bytes do, 25 ns in place of 15 for 16 of them in JavaScriptCore.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array, at: number): void {
  const length = source.length;
  if (length > LOOP_UNTIL) {
    target.set(source, at);
    return;
  }
  let i = 0;
  for (; i + 7 < length; i += 8, at += 8) {
    target[at] = source[i]!;
    target[at + 1] = source[i + 1]!;
    target[at + 2] = source[i + 2]!;
    target[at + 3] = source[i + 3]!;
    target[at + 4] = source[i + 4]!;
    target[at + 5] = source[i + 5]!;
    target[at + 6] = source[i + 6]!;
    target[at + 7] = source[i + 7]!;
  }
  while (i < length) target[at++] = source[i++]!;
}

/** Copies `source[start…]` to fill the whole of `target`, unmasked with `key` on the way; see above. */
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
 * As {@linkcode copyUnmasked}, four bytes at a time, to what begins at `words[word]` and `target` is a
 * view of: 60 bytes take V8 123 ns so, the arrays made for them included, and 208 where they are
 * unmasked in place and then copied.
 * JavaScriptCore has no use for it, in which arrays have a buffer only once it is asked for.
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

function swapBytes(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24);
}
