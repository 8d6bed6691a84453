import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  distanceSymbol,
  END_OF_BLOCK,
  LENGTH_BASE,
  LENGTH_EXTRA,
  SYMBOL_OF_LENGTH,
} from "./alphabet.ts";
import type { CodeEntries } from "./huffman.ts";

const INITIAL_CAPACITY = 4096;

/**
 * Bits, lowest first, into a growing array of bytes.
 *
 * Invariant between calls: fewer than 16 bits wait in `#hold`, and the bits above them are 0.
 */
export class BitWriter {
  #bytes: Uint8Array = new Uint8Array(INITIAL_CAPACITY);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;
  #hold = 0;
  #held = 0;

  /** The whole bytes written since `clear`: a view, to be used before the next call. */
  get output(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Bits written since the last byte boundary, 0 to 7. */
  get bitOffset(): number {
    return this.#held & 7;
  }

  /** Begins anew. Lets go of an array larger than `keep` bytes. */
  clear(keep: number): void {
    this.#length = 0;
    if (this.#bytes.length > keep) this.#allocate(INITIAL_CAPACITY);
    this.#hold = 0;
    this.#held = 0;
  }

  /** Makes room for `count` bytes. Everything that writes needs the room to be there. */
  reserve(count: number): void {
    // Up to two bytes may still be held, and four are written at a time.
    const needed = this.#length + count + 6;
    if (needed > this.#bytes.length) this.#allocate(Math.max(needed, 2 * this.#bytes.length));
  }

  /** Replaces the array, with what was written so far. */
  #allocate(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.output);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  /** Writes the lowest `count` (≤ 16) bits of `bits`; those above must be 0. */
  put(bits: number, count: number): void {
    this.#hold |= bits << this.#held;
    this.#held += count;
    if (this.#held >= 16) {
      this.#bytes[this.#length] = this.#hold;
      this.#bytes[this.#length + 1] = this.#hold >>> 8;
      this.#length += 2;
      this.#hold >>>= 16;
      this.#held -= 16;
    }
  }

  /** Fills the last byte up with zeros. */
  align(): void {
    for (; this.#held > 0; this.#held -= 8) {
      this.#bytes[this.#length++] = this.#hold;
      this.#hold >>>= 8;
    }
    this.#hold = 0;
    this.#held = 0;
  }

  /** Writes bytes, from a byte boundary on. */
  putBytes(bytes: Uint8Array): void {
    this.align();
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes tokens (see `MatchFinder`) and the end of the block in the codes given. */
  putTokens(tokens: Int32Array, { literals, distances }: TokenCodes): void {
    // After each part four bytes are written, of which only the full ones count: no branch depends
    // on how many bits are held, and there is room for 25 more. With a branch, once 16 are held,
    // blocks of 64 KiB of JSON took 1.2 times as long to write.
    const view = this.#view;
    let at = this.#length;
    let hold = this.#hold;
    let held = this.#held;
    view.setInt32(at, hold, true);
    at += held >> 3;
    hold >>>= held & 8;
    held &= 7;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      if (token < 256) {
        const entry = literals[token]!;
        hold |= entry >>> 4 << held;
        held += entry & 15;
        view.setInt32(at, hold, true);
        at += held >> 3;
        hold >>>= held & 24;
        held &= 7;
        continue;
      }

      const length = token >>> 16;
      const near = SYMBOL_OF_LENGTH[length]!;
      const nearEntry = literals[END_OF_BLOCK + 1 + near]!;
      hold |= nearEntry >>> 4 << held;
      held += nearEntry & 15;
      hold |= length - LENGTH_BASE[near]! << held;
      held += LENGTH_EXTRA[near]!;
      view.setInt32(at, hold, true);
      at += held >> 3;
      hold >>>= held & 24;
      held &= 7;

      const distance = token & 0xffff;
      const far = distanceSymbol(distance);
      const farEntry = distances[far]!;
      hold |= farEntry >>> 4 << held;
      held += farEntry & 15;
      view.setInt32(at, hold, true);
      at += held >> 3;
      hold >>>= held & 24;
      held &= 7;
      hold |= distance - DISTANCE_BASE[far]! << held;
      held += DISTANCE_EXTRA[far]!;
      view.setInt32(at, hold, true);
      at += held >> 3;
      hold >>>= held & 24;
      held &= 7;
    }
    this.#length = at;
    this.#hold = hold;
    this.#held = held;
    this.put(literals[END_OF_BLOCK]! >>> 4, literals[END_OF_BLOCK]! & 15);
  }
}

/** The two codes of a block. */
export interface TokenCodes {
  /** The code of literals, lengths and the end of the block. */
  readonly literals: CodeEntries;
  /** The code of distances. */
  readonly distances: CodeEntries;
}
