/**
 * Copies of small payloads that arrived together, in one buffer.
 *
 * In V8 an array of 16 bytes with a buffer of its own costs 250 ns, a view of a common one 25 ns; the
 * whole rest of receiving a small message costs 60. So the payloads of one read share buffers, as
 * those of Node's `Buffer` do: small ones, so that one message kept does not keep much else alive,
 * and never across reads, let alone connections. In JavaScriptCore, where an array of its own costs
 * 13 ns and a view 35, each payload has one.
 */

import { applyMask } from "./mask.ts";

/** The size of a shared buffer, at most. */
const SLAB_SIZE = 8 * 1024;
/** Larger payloads have a buffer of their own. */
const LARGEST = 1024;
/** A chunk is kept for a payload only where it is no more than so many times as large. */
const KEPT_AT_MOST = 2;
/** A frame that follows has at least a header; less than this behind a payload is the end of it. */
const SMALLEST_FRAME = 2;

/** Up to here a loop copies faster than `set`, which needs a view. */
const LOOP_UNTIL = 64;

function copyMasked(source: Uint8Array, start: number, target: Uint8Array, key: number): void {
  const size = target.length;
  let i = 0;
  for (; i + 3 < size; i += 4) {
    target[i] = source[start + i]! ^ key;
    target[i + 1] = source[start + i + 1]! ^ (key >>> 8);
    target[i + 2] = source[start + i + 2]! ^ (key >>> 16);
    target[i + 3] = source[start + i + 3]! ^ (key >>> 24);
  }
  for (; i < size; i++) target[i] = source[start + i]! ^ (key >>> ((i & 3) << 3));
}

/** Copies payloads out of the chunks of one connection. */
export class PayloadSlab {
  /** Whether payloads share buffers at all. */
  sharing = true;
  /** Whether chunks are ours to keep: a payload that is much of one is then a view of it. */
  keepsChunks = false;
  #slab: ArrayBuffer | undefined;
  #used = 0;

  /**
   * A copy of `chunk[start, end)`, unmasked with `key` on the way; what follows in the chunk tells
   * whether others will share its buffer.
   */
  copy(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array<ArrayBuffer> {
    const size = end - start;
    if (this.keepsChunks && size > LARGEST && size * KEPT_AT_MOST >= chunk.buffer.byteLength) {
      return this.#keep(chunk, start, end, key);
    }
    const rest = chunk.length - end;
    const copy = this.sharing && size <= LARGEST &&
        (this.#slab !== undefined || rest > SMALLEST_FRAME)
      ? this.#cut(size, rest)
      : new Uint8Array(size);
    if (size <= LOOP_UNTIL) {
      copyMasked(chunk, start, copy, key);
    } else {
      copy.set(chunk.subarray(start, end));
      if (key !== 0) applyMask(copy, 0, size, key);
    }
    return copy;
  }

  /** Spares a large payload its copy, and the array that this needs. */
  #keep(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array<ArrayBuffer> {
    if (key !== 0) applyMask(chunk, start, end, key);
    const buffer = chunk.buffer as ArrayBuffer;
    return new Uint8Array(buffer, chunk.byteOffset + start, end - start);
  }

  #cut(size: number, rest: number): Uint8Array<ArrayBuffer> {
    // Views start at multiples of eight, so that arrays of any type fit over them.
    const space = (size + 7) & ~7;
    if (this.#slab === undefined || this.#slab.byteLength - this.#used < space) {
      this.#slab = new ArrayBuffer(Math.min(SLAB_SIZE, space + rest));
      this.#used = 0;
    }
    const view = new Uint8Array(this.#slab, this.#used, size);
    this.#used += space;
    return view;
  }

  /** The chunk is decoded: the next one begins a buffer of its own. */
  drop(): void {
    this.#slab = undefined;
  }
}
