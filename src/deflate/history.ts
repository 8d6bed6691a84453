/** The last bytes of the messages before the present one, which it may refer to. */
export class History {
  /** Bytes kept at most, a power of two. */
  readonly capacity: number;
  // While `#length` is below `capacity`, the bytes lie from index 0 on, in an array grown as
  // needed; from then on the array is a ring, and `#end` is where its newest byte ends and the
  // oldest begins.
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  #end = 0;

  /** Creates an empty history, which holds no memory yet. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Bytes at hand. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory held: never more than twice those seen, and never more than `capacity`. */
  get allocated(): number {
    return this.#bytes.length;
  }

  /** Adds bytes; the oldest ones make room for them. */
  append(bytes: Uint8Array): void {
    const { capacity } = this;
    if (bytes.length > capacity) bytes = bytes.subarray(bytes.length - capacity);
    const length = Math.min(capacity, this.#length + bytes.length);
    if (length > this.#bytes.length) this.#grow(length);

    const first = Math.min(bytes.length, capacity - this.#end);
    if (first === bytes.length) {
      this.#bytes.set(bytes, this.#end);
    } else {
      this.#bytes.set(bytes.subarray(0, first), this.#end);
      this.#bytes.set(bytes.subarray(first), 0);
    }
    this.#end = (this.#end + bytes.length) & (capacity - 1);
    this.#length = length;
  }

  #grow(length: number): void {
    const grown = new Uint8Array(
      Math.min(this.capacity, Math.max(length, 2 * this.#bytes.length)),
    );
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /**
   * Copies `count` bytes, of which the oldest lies `back` bytes before the end, to `target` at
   * `at`. `count` ≤ `back` ≤ `length`. (With the last two in an object, messages of 2 KiB that
   * refer to others took 1.04 times as long to decompress.)
   */
  copyTo(target: Uint8Array, at: number, back: number, count: number): void {
    const mask = this.capacity - 1;
    const bytes = this.#bytes;
    let from = this.#end - back;
    for (const end = at + count; at < end;) target[at++] = bytes[from++ & mask]!;
  }
}
