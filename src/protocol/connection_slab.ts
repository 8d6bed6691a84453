/** Copies of the small payloads of one connection that come alone, or few with a read. */

import { applyMask, copyUnmasked, UNMASKED_WHILE_COPIED } from "./mask.ts";

/** The most bytes of a payload that goes here. */
export const LARGEST_SMALL: number = UNMASKED_WHILE_COPIED.V8;

/** Who has the {@linkcode ConnectionSlab} of a connection, made when it is first asked for. */
export interface ConnectionSlabOwner {
  readonly connectionSlab: ConnectionSlab;
}

/** The sizes of buffers: for payloads of up to 64 bytes, and for larger ones. */
const SMALL_BUFFER = 512, LARGE_BUFFER = 2048;
const SMALL_BUFFER_UNTIL = 64;

/**
 * Memory that the small messages of one connection share across reads: 32 of 16 bytes, or 8 of 256.
 * With a buffer for each, an echo of 16 bytes by a handler took 1058 ns on Deno, without the socket,
 * and took 626 with one; of 125 bytes, on another machine, 460 and 210.
 */
export class ConnectionSlab {
  #buffer: ArrayBuffer | undefined;
  #words: Int32Array | undefined;
  #used = 0;

  /**
   * A copy of `chunk[start, end)`, at most {@linkcode LARGEST_SMALL} bytes, unmasked with `key` on
   * the way.
   */
  extract(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array<ArrayBuffer> {
    const size = end - start;
    const copy = this.#cut(size);
    if (size <= SMALL_BUFFER_UNTIL) {
      copyUnmasked(chunk, start, copy, key);
    } else {
      copy.set(chunk.subarray(start, end));
      if (key !== 0) applyMask(copy, 0, size, key, this.#words ??= new Int32Array(copy.buffer));
    }
    return copy;
  }

  #cut(size: number): Uint8Array<ArrayBuffer> {
    if (this.#buffer === undefined || this.#used + size > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(size <= SMALL_BUFFER_UNTIL ? SMALL_BUFFER : LARGE_BUFFER);
      this.#words = undefined;
      this.#used = 0;
    }
    const view = new Uint8Array(this.#buffer, this.#used, size);
    // Views start at multiples of eight, so that arrays of any type fit over them.
    this.#used += (size + 7) & ~7;
    return view;
  }
}
