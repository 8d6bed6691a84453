/** Copying payloads. */

/**
 * Up to here a loop copies at least as fast as `set`: an echo of 16 bytes takes 65 ns with it and 71
 * without on Bun; on Deno it makes no difference.
 */
const LOOP_UNTIL = 64;

/** Copies `source` to `target[at…]`. */
export function copyBytes(source: Uint8Array, target: Uint8Array, at: number): void {
  const length = source.length;
  if (length > LOOP_UNTIL) {
    target.set(source, at);
  } else {
    for (let i = 0; i < length; i++) target[at + i] = source[i]!;
  }
}
