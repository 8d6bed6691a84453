/**
 * Bytes on their way out: what is encoded in one turn gathers in one buffer and leaves in one
 * write.
 */

import { acquireBuffer, releaseBuffer } from "./buffer_pool.ts";

/** The most that gathers in one buffer; a larger one is for a single large reservation. */
const LARGEST = 64 * 1024;
/** Only up to this size is a buffer chosen by what was written before. */
const MOST_EXPECTED = 32 * 1024;

/** The first `length` bytes of an array that goes back to the pool or belongs to somebody else. */
type Chunk =
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly length: number; readonly pooled: true }
  | { readonly bytes: Uint8Array; readonly length: number; readonly pooled: false };

/** The tail while nothing is reserved. */
const EMPTY = new Uint8Array(0);

/**
 * A queue of bytes whose tail is written in place:
 * `offset = reserve(n)`, write at `buffer[offset…]`, `commit(n)`.
 *
 * Buffers start small and are traded for the next size as they fill, so that a connection whose
 * peer is slow holds at most four times what it has to send.
 *
 * `take` gives the next chunk to write; it stays the queue's until `giveBack`.
 */
export class ByteQueue {
  /** The tail; holds what was committed since it was acquired. */
  #tail: Uint8Array<ArrayBuffer> = EMPTY;
  #tailLength = 0;
  /** Chunks before the tail. */
  #ready: Chunk[] | undefined;
  /** The buffer of the chunk that was taken and not yet given back. */
  #lent: Uint8Array<ArrayBuffer> | undefined;
  #takenLength = 0;
  /** The length of the last chunk that was gathered here: the next is often as long. */
  #expected = 0;
  #length = 0;

  /** Bytes queued, without the chunk that is taken. */
  get length(): number {
    return this.#length;
  }

  /** The buffer to write into after {@linkcode reserve}. */
  get buffer(): Uint8Array {
    return this.#tail;
  }

  /** Makes room for `size` bytes and returns where they go in {@linkcode buffer}. */
  reserve(size: number): number {
    if (this.#tail.length - this.#tailLength < size) this.#grow(size);
    return this.#tailLength;
  }

  /** Counts `size` bytes, written where {@linkcode reserve} said, as queued. */
  commit(size: number): void {
    this.#tailLength += size;
    this.#length += size;
  }

  /** Queues a chunk without copying it. It must not change until it is written. */
  append(chunk: Uint8Array): void {
    // An empty chunk is not queued: `take`, which goes by the bytes queued, would see an empty
    // queue.
    if (chunk.length === 0) return;
    this.#sealTail();
    (this.#ready ??= []).push({ bytes: chunk, length: chunk.length, pooled: false });
    this.#length += chunk.length;
  }

  /**
   * The next chunk to write, or `undefined`: the first {@linkcode takenLength} bytes of the array
   * returned. At most one is taken at a time.
   */
  take(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    const first = this.#ready?.shift();
    if (first !== undefined) {
      if (first.pooled) {
        this.#lent = first.bytes;
        this.#expected = first.length;
      }
      this.#takenLength = first.length;
      this.#length -= first.length;
      return first.bytes;
    }
    this.#lent = this.#tail;
    this.#takenLength = this.#expected = this.#tailLength;
    this.#tail = EMPTY;
    this.#tailLength = 0;
    this.#length = 0;
    return this.#lent;
  }

  /** The length of the chunk taken last. */
  get takenLength(): number {
    return this.#takenLength;
  }

  /** The chunk taken last is written: its buffer may serve again. */
  giveBack(): void {
    if (this.#lent === undefined) return;
    releaseBuffer(this.#lent);
    this.#lent = undefined;
  }

  /** Forgets everything. */
  clear(): void {
    if (this.#tail !== EMPTY) releaseBuffer(this.#tail);
    this.#tail = EMPTY;
    this.#tailLength = 0;
    this.#ready = undefined;
    this.#length = 0;
  }

  #grow(size: number): void {
    const needed = this.#tailLength + size;
    if (this.#tailLength > 0 && needed > LARGEST) {
      this.#sealTail();
      this.#tail = acquireBuffer(size);
      return;
    }
    const old = this.#tail;
    const expected = old === EMPTY && this.#expected <= MOST_EXPECTED ? this.#expected : 0;
    this.#tail = acquireBuffer(Math.max(needed, expected));
    if (this.#tailLength > 0) this.#tail.set(old.subarray(0, this.#tailLength));
    if (old !== EMPTY) releaseBuffer(old);
  }

  #sealTail(): void {
    if (this.#tailLength > 0) {
      (this.#ready ??= []).push({ bytes: this.#tail, length: this.#tailLength, pooled: true });
    } else if (this.#tail !== EMPTY) {
      releaseBuffer(this.#tail);
    }
    this.#tail = EMPTY;
    this.#tailLength = 0;
  }
}
