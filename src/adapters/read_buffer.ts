/** The memory that a transport reads into. */

import { acquireBuffer, releaseBuffer } from "../protocol/buffer_pool.ts";
import { returnVectorBuffer, takeVectorBuffer } from "../protocol/vector_memory.ts";

/**
 * What an idle connection keeps for its next read, in bytes: enough for a ping or a short message.
 * Deno itself needs some 7.5 KiB a connection.
 */
const SMALL_SIZE = 256;

/**
 * The size of the first read, in bytes, which the head of a handshake comes with: a browser's has
 * some 500 bytes, and more with cookies.
 */
const FIRST_SIZE = 1024;

/**
 * Buffers for first reads that are out of use. Where many connections open at a time, as many as are
 * still in their handshakes are needed; without these each would leave a hole of 1 KiB between what
 * the others keep.
 */
const firsts: Uint8Array<ArrayBuffer>[] = [];
const MAX_FIRSTS = 256;

/** The largest read, in bytes, where no vector buffer is to be had. */
const LARGE_SIZE = 65536;

/** A read that fills the buffer multiplies its size by this. */
const GROWTH = 4;

/**
 * This many reads in a row that the small buffer would have held bring it back. A connection that
 * goes idle after a burst waits with a large buffer, since a pending read cannot be taken back; the
 * pings and pongs that keep it alive then count as small reads.
 */
const SMALL_READS_BEFORE_SHRINKING = 4;

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * A buffer that is small while little arrives and large while much does: 1 KiB for the first read,
 * then 256 bytes, 1, 4, 16 and 64 KiB, or a vector buffer of 128. It has no memory before the first
 * use, nor once released.
 */
export class ReadBuffer {
  #bytes = NOTHING;
  /** A view of {@linkcode #bytes}, or nothing. */
  #filled = NOTHING;
  #smallReads = 0;
  #isFirst = true;

  /** The memory for the next read. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) {
      this.#bytes = this.#isFirst ? obtainFirst() : new Uint8Array(SMALL_SIZE);
    }
    return this.#bytes;
  }

  /**
   * What the last read brought. The same view serves for as long as reads have the same length,
   * since making one takes 90 ns: whoever is lent it must not keep it.
   */
  filled(length: number): Uint8Array<ArrayBuffer> {
    if (this.#filled.length !== length) this.#filled = this.#bytes.subarray(0, length);
    return this.#filled;
  }

  /** Fits the size to a read that brought `length` bytes, which are no longer needed. */
  fit(length: number): void {
    const size = this.#bytes.length;
    if (this.#isFirst && length < size) this.release();
    else if (length === size) {
      this.#smallReads = 0;
      if (size < LARGE_SIZE) {
        this.#bytes = obtain(size * GROWTH);
        this.#filled = NOTHING;
      }
    } else if (length > SMALL_SIZE) {
      this.#smallReads = 0;
    } else if (size > SMALL_SIZE && ++this.#smallReads === SMALL_READS_BEFORE_SHRINKING) {
      this.release();
    }
    this.#isFirst = false;
  }

  /** Gives the memory up. No read may be pending. */
  release(): void {
    if (this.#isFirst) keepFirst(this.#bytes);
    else if (this.#bytes.length >= LARGE_SIZE) keep(this.#bytes);
    this.#bytes = this.#filled = NOTHING;
    this.#smallReads = 0;
  }
}

function obtainFirst(): Uint8Array<ArrayBuffer> {
  return firsts.pop() ?? new Uint8Array(FIRST_SIZE);
}

function keepFirst(first: Uint8Array<ArrayBuffer>): void {
  if (first.length > 0 && firsts.length < MAX_FIRSTS) firsts.push(first);
}

function obtain(size: number): Uint8Array<ArrayBuffer> {
  if (size < LARGE_SIZE) return new Uint8Array(size);
  return takeVectorBuffer("read") ?? acquireBuffer(size);
}

function keep(large: Uint8Array<ArrayBuffer>): void {
  if (!returnVectorBuffer(large)) releaseBuffer(large);
}
