/** Copying payloads. */

/**
 * Up to here a loop copies at least as fast as `set`, in which V8 takes 60 ns for the call alone:
 * 16 bytes take 15 ns so in JavaScriptCore and 28 by `set`.
 */
const LOOP_UNTIL = 64;

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
