import {
  CODE_LENGTH_EXTRA,
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_EXTRA,
  DISTANCE_SYMBOLS,
  distanceSymbol,
  END_OF_BLOCK,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  LENGTH_EXTRA,
  LITERAL_SYMBOLS,
  MAX_CODE_BITS,
  SYMBOL_OF_LENGTH,
} from "./alphabet.ts";
import { BitWriter, type TokenCodes } from "./bit_writer.ts";
import { codeOfLengths, makeCode } from "./huffman.ts";

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;

/** Longest stored block, in bytes. */
const MAX_STORED = 0xffff;

/** Longest code of a code length symbol, in bits. */
const MAX_CODE_LENGTH_BITS = 7;

/** The writer keeps an output array up to this size for the next message, in bytes. */
const KEPT_OUTPUT = 1 << 20;

/**
 * The bits that the description of a dynamic block takes, and those for each symbol that has a
 * code: an estimate from below. Of the blocks of JSON measured, from 60 B to 64 KiB, none took
 * less; one that did would come out a few bits larger than necessary.
 */
const LEAST_DESCRIPTION = 100;
const LEAST_FOR_SYMBOL = 2;

/** `count * Math.log2(count)` by count. */
const ENTROPY_TERMS: Float64Array = Float64Array.from(
  { length: 256 },
  (_, count) => count === 0 ? 0 : count * Math.log2(count),
);

const EMPTY = new Uint8Array(0);

const fixedCodes: TokenCodes = {
  literals: codeOfLengths(FIXED_LITERAL_LENGTHS),
  distances: codeOfLengths(FIXED_DISTANCE_LENGTHS),
};

/** Writes the blocks of one message at a time, each in the cheapest of the three forms. */
export class BlockWriter {
  readonly #bits: BitWriter = new BitWriter();
  readonly #literalFrequencies: Int32Array = new Int32Array(LITERAL_SYMBOLS);
  readonly #distanceFrequencies: Int32Array = new Int32Array(DISTANCE_SYMBOLS);
  readonly #codeLengthFrequencies: Int32Array = new Int32Array(CODE_LENGTH_SYMBOLS);
  readonly #codes: TokenCodes = {
    literals: new Int32Array(LITERAL_SYMBOLS),
    distances: new Int32Array(DISTANCE_SYMBOLS),
  };
  readonly #codeLengthCode: Int32Array = new Int32Array(CODE_LENGTH_SYMBOLS);
  /** The code lengths of the block as written: `repeat count << 5 | code length symbol`. */
  readonly #runs: Int32Array = new Int32Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);
  #runCount = 0;
  #literalCount = 0;
  #distanceCount = 0;
  #codeLengthCount = 0;

  /** What was written since `begin`: a view, to be used before the next call. */
  get output(): Uint8Array {
    return this.#bits.output;
  }

  /** Begins a message. */
  begin(): void {
    this.#bits.clear(KEPT_OUTPUT);
  }

  /**
   * Writes a block that `tokens` describe, and that stands for the bytes `raw`.
   *
   * The codes of a dynamic block are only made where it may be shorter than one of fixed codes. For
   * most short messages that repeat earlier ones it cannot be: one of 200 B, with the window kept,
   * took 9.0 µs on Deno with codes made for all blocks and takes 4.9 now, on Bun 8.9 and 4.4, and
   * comes out as large.
   */
  writeBlock(tokens: Int32Array, raw: Uint8Array): void {
    const extraBits = this.#countSymbols(tokens);
    const symbols = this.#estimate();
    const fixedBits = 3 + extraBits + symbols.fixed;
    const isFixed = symbols.leastDynamic >= symbols.fixed;
    const dynamicBits = isFixed ? Infinity : 3 + extraBits + this.#makeCodes();
    const codedBits = Math.min(fixedBits, dynamicBits);
    if (this.#storedCost(raw.length) <= codedBits) {
      this.#writeStored(raw);
      return;
    }
    this.#bits.reserve((codedBits >>> 3) + 2);
    if (fixedBits <= dynamicBits) {
      this.#bits.put(FIXED << 1, 3);
      this.#bits.putTokens(tokens, fixedCodes);
    } else {
      this.#bits.put(DYNAMIC << 1, 3);
      this.#writeCodeDescription();
      this.#bits.putTokens(tokens, this.#codes);
    }
  }

  /** Ends the message with an empty stored block, which brings the output to a byte boundary. */
  writeFlush(): void {
    this.#writeStored(EMPTY);
  }

  /** Counts how often each symbol occurs. Returns the number of extra bits. */
  #countSymbols(tokens: Int32Array): number {
    const literals = this.#literalFrequencies.fill(0);
    const distances = this.#distanceFrequencies.fill(0);
    let extraBits = 0;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      if (token < 256) {
        literals[token]!++;
      } else {
        const near = SYMBOL_OF_LENGTH[token >>> 16]!;
        const far = distanceSymbol(token & 0xffff);
        literals[END_OF_BLOCK + 1 + near]!++;
        distances[far]!++;
        extraBits += LENGTH_EXTRA[near]! + DISTANCE_EXTRA[far]!;
      }
    }
    literals[END_OF_BLOCK] = 1;
    return extraBits;
  }

  /**
   * The bits that the symbols counted take in the fixed codes, and the least that they take in
   * codes of their own, which have to be described: what their entropy says.
   */
  #estimate(): { readonly fixed: number; readonly leastDynamic: number } {
    const literals = estimateCode(this.#literalFrequencies, FIXED_LITERAL_LENGTHS);
    const distances = estimateCode(this.#distanceFrequencies, FIXED_DISTANCE_LENGTHS);
    return {
      fixed: literals.fixed + distances.fixed,
      leastDynamic: LEAST_DESCRIPTION + literals.least + distances.least,
    };
  }

  /** The bits of stored blocks: header, padding, two length words, bytes. */
  #storedCost(length: number): number {
    const first = 3 + this.#bits.bitOffset;
    const padding = -first & 7;
    const further = Math.max(0, Math.ceil(length / MAX_STORED) - 1);
    return 3 + padding + 32 + further * 40 + length * 8;
  }

  #writeStored(raw: Uint8Array): void {
    this.#bits.reserve(raw.length + 5 * (1 + Math.floor(raw.length / MAX_STORED)) + 1);
    let at = 0;
    do {
      const part = raw.subarray(at, at + MAX_STORED);
      this.#bits.put(STORED << 1, 3);
      this.#bits.align();
      this.#bits.put(part.length, 16);
      this.#bits.put(~part.length & 0xffff, 16);
      this.#bits.putBytes(part);
      at += part.length;
    } while (at < raw.length);
  }

  /** Makes the codes of a dynamic block. Returns the bits of their description and the symbols. */
  #makeCodes(): number {
    const { literals, distances } = this.#codes;
    let bits = makeCode(literals, {
      frequencies: this.#literalFrequencies,
      maxBits: MAX_CODE_BITS,
    });
    bits += makeCode(distances, {
      frequencies: this.#distanceFrequencies,
      maxBits: MAX_CODE_BITS,
    });
    this.#literalCount = usedCount(literals, END_OF_BLOCK + 1);
    this.#distanceCount = usedCount(distances, 1);

    const frequencies = this.#codeLengthFrequencies.fill(0);
    this.#runCount = 0;
    this.#addRuns(literals, this.#literalCount);
    this.#addRuns(distances, this.#distanceCount);
    bits += makeCode(this.#codeLengthCode, { frequencies, maxBits: MAX_CODE_LENGTH_BITS });
    let count = CODE_LENGTH_SYMBOLS;
    while (count > 4 && this.#codeLengthCode[CODE_LENGTH_ORDER[count - 1]!] === 0) count--;
    this.#codeLengthCount = count;
    for (let symbol = 16; symbol < CODE_LENGTH_SYMBOLS; symbol++) {
      bits += frequencies[symbol]! * CODE_LENGTH_EXTRA[symbol]!;
    }
    return bits + 5 + 5 + 4 + 3 * count;
  }

  /** Appends the first `count` code lengths to the description, run-length encoded. */
  #addRuns(entries: Int32Array, count: number): void {
    for (let from = 0, to = 0; from < count; from = to) {
      const bits = entries[from]! & 15;
      while (++to < count && (entries[to]! & 15) === bits);
      let left = to - from;
      if (bits !== 0) {
        this.#addRun(bits, 0);
        left--;
        while (left >= 3) left -= this.#addRun(16, Math.min(left, 6) - 3) + 3;
      } else {
        while (left >= 11) left -= this.#addRun(18, Math.min(left, 138) - 11) + 11;
        if (left >= 3) left -= this.#addRun(17, left - 3) + 3;
      }
      for (; left > 0; left--) this.#addRun(bits, 0);
    }
  }

  /** Appends one code length symbol; returns its repeat count. */
  #addRun(symbol: number, repeat: number): number {
    this.#codeLengthFrequencies[symbol]!++;
    this.#runs[this.#runCount++] = repeat << 5 | symbol;
    return repeat;
  }

  #writeCodeDescription(): void {
    const code = this.#codeLengthCode;
    this.#bits.put(this.#literalCount - 257, 5);
    this.#bits.put(this.#distanceCount - 1, 5);
    this.#bits.put(this.#codeLengthCount - 4, 4);
    for (let i = 0; i < this.#codeLengthCount; i++) {
      this.#bits.put(code[CODE_LENGTH_ORDER[i]!]! & 15, 3);
    }
    for (let i = 0; i < this.#runCount; i++) {
      const symbol = this.#runs[i]! & 31;
      this.#bits.put(code[symbol]! >>> 4, code[symbol]! & 15);
      this.#bits.put(this.#runs[i]! >>> 5, CODE_LENGTH_EXTRA[symbol]!);
    }
  }
}

/**
 * The bits of all symbols by `lengths`, and the least by a code of their own, its description
 * included.
 */
function estimateCode(
  frequencies: Int32Array,
  lengths: Uint8Array,
): { readonly fixed: number; readonly least: number } {
  let fixed = 0, total = 0, saved = 0, used = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    const count = frequencies[symbol]!;
    if (count === 0) continue;
    fixed += count * lengths[symbol]!;
    total += count;
    saved += ENTROPY_TERMS[count] ?? count * Math.log2(count);
    used++;
  }
  const entropy = total === 0 ? 0 : total * Math.log2(total) - saved;
  return { fixed, least: entropy + used * LEAST_FOR_SYMBOL };
}

/** How many code lengths are to be written: all up to the last that is not 0, `least` or more. */
function usedCount(entries: Int32Array, least: number): number {
  let count = entries.length;
  while (count > least && entries[count - 1] === 0) count--;
  return count;
}
