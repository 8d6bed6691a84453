/** Bytes beyond which an {@linkcode EarlyBytes} is full. */
const CAPACITY = 65_536;

/** The room that is made for the first bytes. */
const INITIAL_SIZE = 1_024;

/** Bytes that arrive before it is known who will read them, in one buffer however they are cut. */
export class EarlyBytes {
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** Whether no more should be pushed; what is already under way still may be. */
  get full(): boolean {
    return this.#length >= CAPACITY;
  }

  /** Keeps a copy of a chunk. */
  push(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length, INITIAL_SIZE));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** Hands all of it out, and forgets it. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }
}
