import { MAX_MATCH } from "./alphabet.ts";

/** How hard a {@linkcode MatchFinder} tries. */
export interface Effort {
  /** Candidates looked at for one position. */
  readonly chain: number;
  /** A match this long, in bytes, is good enough to look at a quarter of them for a better one. */
  readonly good: number;
  /** A match this long is taken without a look at the next position; 0: every match is. */
  readonly lazy: number;
  /** A match this long ends the search. */
  readonly nice: number;
  /** The positions inside a longer match are not entered into the tables. */
  readonly insert: number;
  /** Of those inside other matches, one in so many is. */
  readonly step: number;
}

/** Shortest match looked for: what is hashed. A match of three bytes seldom saves anything. */
const MIN_MATCH = 4;

/** Four bytes are read at a time: up to three beyond the last that counts. */
const PADDING = 3;

/** Spreads four bytes over the high bits: 2^32 divided by the golden ratio. */
const HASH_FACTOR = 0x9e3779b1;

/** A window of fewer bytes is not worth growing from. */
const MIN_WINDOW_BITS = 10;

/** Beyond the end of what can be referred to, the window array has room for this much input. */
function slack(windowSize: number): number {
  return Math.max(windowSize >> 1, 4 * MAX_MATCH);
}

/**
 * Finds repetitions: cuts input into tokens, each a literal, its value, or a match,
 * `length << 16 | distance`. Chains of positions with equal hashes, as in zlib's deflate.
 *
 * The input is copied into a window array, after what came before. `#at` is the next byte to be
 * turned into a token; before it, from `#start` on, lies the history; after it, up to `#end`, the
 * input loaded.
 *
 * The tables hold the low 16 bits of positions, `index + #offset`, and distances between them, so
 * that neither sliding the window nor forgetting it touches them. An entry may therefore be a stale
 * one; what it points to is refused outside of the history, and compared like any other within.
 *
 * Invariant between calls: `#start` ≤ `#hashed` ≤ `#at` ≤ `#end` ≤ `#capacity`, and the positions
 * from `#start` to before `#hashed` are in the tables, except for those that `insert` and `step`
 * pass over.
 *
 * Memory for a window of 2^15 bytes, once that much was seen: window array 48 KiB, chains 64 KiB,
 * hash table 64 KiB; for 2^12 bytes 6, 8 and 16 KiB, for 2^10 bytes 2, 2 and 4 KiB. A finder begins
 * with 2^10, and doubles it as long as its history outgrows it.
 */
export class MatchFinder {
  readonly #windowBits: number;
  #tableBits = 0;
  #window: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#window.buffer);
  /** By position modulo its size: how far back the previous position with this hash is; 0: none. */
  #chain: Uint16Array = new Uint16Array(0);
  /** By hash: the last position. */
  #heads: Uint16Array = new Uint16Array(0);
  /** Bytes the window array takes in. */
  #capacity = 0;
  #start = 0;
  #hashed = 0;
  #at = 0;
  #end = 0;
  #offset = 0;

  /** Creates a finder whose matches lie at most 2^`windowBits` bytes back. */
  constructor(windowBits: number) {
    this.#windowBits = windowBits;
  }

  /** Bytes loaded that no token stands for yet. */
  get pending(): number {
    return this.#end - this.#at;
  }

  /** Bytes of memory held. */
  get allocated(): number {
    return this.#window.length + this.#chain.byteLength + this.#heads.byteLength;
  }

  /** Forgets the history, but keeps the memory. There must be nothing pending. */
  forget(): void {
    this.#offset = (this.#offset + this.#end) & 0xffff;
    this.#start = 0;
    this.#hashed = 0;
    this.#at = 0;
    this.#end = 0;
  }

  /**
   * Takes as much of `input`, from `from` on, as there is room for. Returns the number of bytes.
   */
  load(input: Uint8Array, from: number): number {
    const wanted = input.length - from;
    if (this.#end + wanted > this.#capacity) this.#makeRoom(wanted);
    const count = Math.min(wanted, this.#capacity - this.#end);
    this.#window.set(input.subarray(from, from + count), this.#end);
    this.#end += count;
    return count;
  }

  #makeRoom(wanted: number): void {
    let bits = Math.max(this.#tableBits, Math.min(MIN_WINDOW_BITS, this.#windowBits));
    while (bits < this.#windowBits && this.#end + wanted > 1 << bits) bits++;
    if (bits > this.#tableBits) this.#grow(bits);
    if (this.#end + wanted <= this.#capacity) return;

    const shift = this.#at - (1 << this.#windowBits);
    if (shift <= 0) return;
    this.#window.copyWithin(0, shift, this.#end);
    this.#offset = (this.#offset + shift) & 0xffff;
    this.#start = Math.max(0, this.#start - shift);
    this.#hashed = Math.max(0, this.#hashed - shift);
    this.#at -= shift;
    this.#end -= shift;
  }

  #grow(bits: number): void {
    const size = 1 << bits;
    this.#capacity = bits < this.#windowBits ? size : size + slack(size);
    const window = new Uint8Array(this.#capacity + PADDING);
    window.set(this.#window.subarray(0, this.#end));
    this.#window = window;
    this.#view = new DataView(window.buffer);
    this.#chain = new Uint16Array(size);
    this.#heads = new Uint16Array(Math.min(2 * size, 1 << 15));
    this.#tableBits = bits;
    this.#hashed = this.#start;
  }

  /**
   * Turns pending input into tokens, into `tokens` from `count` on, until it is full or too little
   * input is left to find the longest matches, or with `flush` none. Returns the new count.
   */
  search(tokens: Int32Array, count: number, { effort, flush }: SearchOptions): number {
    // One loop with its state in local variables: with a method that looks for one match, a 2 KiB
    // message took 1.7 times as long.
    const window = this.#window;
    const view = this.#view;
    const chain = this.#chain;
    const heads = this.#heads;
    const offset = this.#offset;
    const start = this.#start;
    const end = this.#end;
    const mask = chain.length - 1;
    const shift = Math.clz32(heads.length) + 1;
    const stop = flush ? end : end - MAX_MATCH - MIN_MATCH;
    const lastHashed = end - MIN_MATCH;
    const room = tokens.length;
    const { good, lazy } = effort;
    let at = this.#at;

    for (let i = this.#hashed; i < at && i <= lastHashed; i++) {
      const hash = Math.imul(view.getInt32(i, true), HASH_FACTOR) >>> shift;
      chain[i + offset & mask] = i + offset - heads[hash]!;
      heads[hash] = i + offset;
    }

    // The match that begins at the byte before `at`, where there is one (`distance` is not 0).
    let length = MIN_MATCH - 1;
    let distance = 0;
    while (distance !== 0 || (at < stop && count < room)) {
      // Is there a longer match here?
      let found = 0;
      if (at <= lastHashed) {
        const quad = view.getInt32(at, true);
        const hash = Math.imul(quad, HASH_FACTOR) >>> shift;
        let back = at + offset - heads[hash]! & 0xffff;
        chain[at + offset & mask] = back;
        heads[hash] = at + offset;

        const longest = Math.min(MAX_MATCH, end - at);
        const nice = Math.min(effort.nice, longest);
        const oldest = Math.max(start, at - mask - 1);
        let left = length < nice ? length >= good ? effort.chain >> 2 : effort.chain : 0;
        // A longer match has the byte after the present length in common.
        let last = window[at + length];
        for (let from = at - back; back !== 0 && from >= oldest && left > 0; from -= back, left--) {
          if (window[from + length] === last && view.getInt32(from, true) === quad) {
            let same = MIN_MATCH;
            while (same < longest) {
              const differing = view.getInt32(from + same, true) ^ view.getInt32(at + same, true);
              if (differing !== 0) {
                // The lowest bit set is in the first byte that differs.
                same += 31 - Math.clz32(differing & -differing) >> 3;
                break;
              }
              same += 4;
            }
            if (same > longest) same = longest;
            if (same > length) {
              length = same;
              found = at - from;
              if (same >= nice) break;
              last = window[at + length];
            }
          }
          back = chain[from + offset & mask]!;
        }
      }

      if (found !== 0) {
        // It makes the match before, where there is one, a literal.
        if (distance !== 0) tokens[count++] = window[at - 1]!;
        distance = found;
        at++;
        if (length < lazy && count < room - 1) continue;
      } else if (distance === 0) {
        tokens[count++] = window[at++]!;
        continue;
      }

      tokens[count++] = length << 16 | distance;
      const next = at - 1 + length;
      // Without a longer match `at` has been entered already; otherwise it is next.
      if (length <= effort.insert) {
        const last = Math.min(next - 1, lastHashed);
        for (let i = found === 0 ? at + 1 : at; i <= last; i += effort.step) {
          const hash = Math.imul(view.getInt32(i, true), HASH_FACTOR) >>> shift;
          chain[i + offset & mask] = i + offset - heads[hash]!;
          heads[hash] = i + offset;
        }
      }
      at = next;
      length = MIN_MATCH - 1;
      distance = 0;
    }
    this.#at = at;
    this.#hashed = Math.max(this.#hashed, Math.min(at, lastHashed + 1));
    return count;
  }
}

/** How {@linkcode MatchFinder.search} works. */
export interface SearchOptions {
  /** How hard to try. */
  readonly effort: Effort;
  /** Whether the input loaded ends here. */
  readonly flush: boolean;
}
