/**
 * Buffers that serve again, for all connections of the process together. What they hold is no
 * secret within the process.
 *
 * A fresh buffer of 64 KiB costs V8 10 to 25 µs, and a fresh one of 1 MiB some 200: its pages
 * have to come from the system and be zeroed, and memory outside of V8's heap makes it collect the
 * sooner. An echo of a text of 1 MiB, for which one buffer is gathered in and one written from,
 * takes 817 µs on Deno and 726 on Bun with fresh ones, and 407 and 570 with these.
 */

/**
 * So that a buffer is at most four times as large as what it was asked for, beyond the smallest. A
 * broadcast takes one for each of its connections, which is why so many of the small ones are kept:
 * zeroing as many fresh ones of 4 KiB took 4 % of a broadcast of 16 B to a thousand connections on
 * Bun.
 */
const SIZES = [
  512,
  2 * 1024,
  8 * 1024,
  32 * 1024,
  64 * 1024,
  128 * 1024,
  512 * 1024,
  2 * 1024 * 1024,
  8 * 1024 * 1024,
] as const;
/** How many of each size are kept: at most 7 MiB of those that are not held weakly. */
const KEPT = [1024, 512, 64, 32, 48, 8, 8, 8, 8] as const;
/**
 * From this size on they are held weakly: the collector may have them, so that a server which is
 * idle again does not keep what a few large messages took. They are as fast as if they were held.
 */
const WEAK_FROM = 512 * 1024;

/** The largest buffer that serves again. */
export const LARGEST_POOLED: number = SIZES[SIZES.length - 1]!;

const pools: Uint8Array<ArrayBuffer>[][] = SIZES.map(() => []);
const weakPools: WeakRef<Uint8Array<ArrayBuffer>>[][] = SIZES.map(() => []);

/** A buffer of at least so many bytes, with anything in it. */
export function acquireBuffer(atLeast: number): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < SIZES.length; i++) {
    const size = SIZES[i]!;
    if (size < atLeast) continue;
    return (size < WEAK_FROM ? pools[i]!.pop() : popLiving(weakPools[i]!)) ?? new Uint8Array(size);
  }
  return new Uint8Array(atLeast);
}

/** Gives back a buffer of which nobody has a view any more. One of another size is let go. */
export function releaseBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  const size = SIZES.indexOf(buffer.length as typeof SIZES[number]);
  if (size < 0) return;
  if (buffer.length < WEAK_FROM) {
    if (pools[size]!.length < KEPT[size]!) pools[size]!.push(buffer);
  } else if (weakPools[size]!.length < KEPT[size]! && typeof WeakRef === "function") {
    // Workers have none before the compatibility date 2025-05-05.
    weakPools[size]!.push(new WeakRef(buffer));
  }
}

function popLiving(
  pool: WeakRef<Uint8Array<ArrayBuffer>>[],
): Uint8Array<ArrayBuffer> | undefined {
  for (let next = pool.pop(); next !== undefined; next = pool.pop()) {
    const buffer = next.deref();
    if (buffer !== undefined) return buffer;
  }
  return undefined;
}
