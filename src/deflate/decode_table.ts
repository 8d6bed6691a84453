/**
 * Decoding tables for canonical Huffman codes (RFC 1951 3.2.2).
 *
 * A table maps the next bits of the input to an entry, an `int32`:
 *
 * | bits  | meaning                                                                        |
 * | ----- | ------------------------------------------------------------------------------ |
 * | 0–4   | bits of the code, all of which are to be dropped                               |
 * | 5–8   | extra bits that follow it; in a link, the index bits of the subtable           |
 * | 9–24  | base value of the length or distance; in a link, the start of the subtable     |
 * | 25    | end of block                                                                   |
 * | 26    | a link: the code is longer than the root table's index, and goes on elsewhere  |
 * | 30    | literal, its value in bits 5–12                                                |
 * | 31    | exceptional: end of block, a link, or a code that means nothing                |
 *
 * No entry is 0, and the low five bits can be used as a shift count without masking them.
 */
import {
  CODE_LENGTH_EXTRA,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LENGTH_BASE,
  LENGTH_EXTRA,
  LITERAL_SYMBOLS,
  MAX_CODE_BITS,
} from "./alphabet.ts";

/** The entry is a literal. */
export const LITERAL: number = 1 << 30;
/** The entry ends the block. */
export const BLOCK_END: number = 1 << 25;
/** The entry points to a subtable. */
export const LINK: number = 1 << 26;

const EXCEPTIONAL = 1 << 31;

/** What a table decodes. */
export interface DecodeAlphabet {
  /** The entry of each symbol, without the length of its code. */
  readonly symbols: Int32Array;
  /** Index bits of the root table; longer codes go on in a subtable. */
  readonly rootBits: number;
  /** Entries that suffice for any complete code over the alphabet, subtables included. */
  readonly size: number;
  /** Whether a code of a single symbol, one bit long, and a code of none are legal. */
  readonly mayBeIncomplete: boolean;
}

function baseEntry(base: number, extra: number): number {
  return base << 9 | extra << 5;
}

const literalSymbols = new Int32Array(LITERAL_SYMBOLS).fill(EXCEPTIONAL);
for (let symbol = 0; symbol < END_OF_BLOCK; symbol++) {
  literalSymbols[symbol] = LITERAL | symbol << 5;
}
literalSymbols[END_OF_BLOCK] = EXCEPTIONAL | BLOCK_END;
LENGTH_BASE.forEach((base, i) => {
  literalSymbols[END_OF_BLOCK + 1 + i] = baseEntry(base, LENGTH_EXTRA[i]!);
});

const distanceSymbols = new Int32Array(DISTANCE_SYMBOLS).fill(EXCEPTIONAL);
DISTANCE_BASE.forEach((base, i) => distanceSymbols[i] = baseEntry(base, DISTANCE_EXTRA[i]!));

const codeLengthSymbols = new Int32Array(CODE_LENGTH_SYMBOLS);
CODE_LENGTH_EXTRA.forEach((extra, i) => codeLengthSymbols[i] = baseEntry(i, extra));

/** Literals and lengths. */
export const LITERAL_ALPHABET: DecodeAlphabet = {
  symbols: literalSymbols,
  rootBits: 9,
  size: 854, // what Mark Adler's `enough 288 9 15` computes
  mayBeIncomplete: true,
};

/** Distances. */
export const DISTANCE_ALPHABET: DecodeAlphabet = {
  symbols: distanceSymbols,
  rootBits: 8,
  size: 402, // `enough 32 8 15`
  mayBeIncomplete: true,
};

/** Code lengths: the base value of an entry is the symbol. */
export const CODE_LENGTH_ALPHABET: DecodeAlphabet = {
  symbols: codeLengthSymbols,
  rootBits: 7,
  size: 128, // no code is longer than 7 bits: there are no subtables
  mayBeIncomplete: false,
};

// Used within `build` only, which never yields.
const counts = new Uint16Array(MAX_CODE_BITS + 1);
const offsets = new Uint16Array(MAX_CODE_BITS + 2);
const symbolsUsed = new Uint16Array(LITERAL_SYMBOLS);
const sorted = new Uint16Array(LITERAL_SYMBOLS);

/** A table for one alphabet, built anew for each block that describes its own codes. */
export class DecodeTable {
  /** The root table, at index 0, and the subtables that its links point to. */
  readonly entries: Int32Array;
  /** Index bits of the root table as built: at most those of the alphabet. */
  rootBits = 0;
  readonly #alphabet: DecodeAlphabet;

  /** Creates a table that has to be built before it is used. */
  constructor(alphabet: DecodeAlphabet) {
    this.entries = new Int32Array(alphabet.size);
    this.#alphabet = alphabet;
  }

  /**
   * Builds the table for `count` code lengths (0: no code) from `start` in `lengths`, none above
   * 15. False if no prefix code has these lengths, or an incomplete one that the alphabet does not
   * allow; the table cannot be used then.
   */
  build(lengths: Uint8Array, start: number, count: number): boolean {
    counts.fill(0);
    let used = 0;
    for (let i = 0; i < count; i++) {
      const bits = lengths[start + i]!;
      if (bits === 0) continue;
      counts[bits]!++;
      symbolsUsed[used++] = i;
    }

    let unused = 1; // codes of the present length that are still to be had
    let longest = 0;
    for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
      unused = unused * 2 - counts[bits]!;
      if (unused < 0) return false;
      if (counts[bits] !== 0) longest = bits;
    }
    if (unused > 0) {
      if (!this.#alphabet.mayBeIncomplete || longest > 1) return false;
      this.rootBits = 1;
      this.entries.fill(EXCEPTIONAL | 1, 0, 2);
      if (longest === 0) return true;
    } else {
      this.rootBits = Math.min(longest, this.#alphabet.rootBits);
    }

    offsets[1] = 0;
    for (let bits = 1; bits <= longest; bits++) offsets[bits + 1] = offsets[bits]! + counts[bits]!;
    for (let i = 0; i < used; i++) {
      const symbol = symbolsUsed[i]!;
      sorted[offsets[lengths[start + symbol]!]!++] = symbol;
    }
    this.#fill(longest);
    return true;
  }

  /** Enters the symbols, which are in `sorted` by code length, and then by value. */
  #fill(longest: number): void {
    const { entries, rootBits } = this;
    const { symbols } = this.#alphabet;
    let code = 0; // the next code, first bit lowest, as the input has it
    let next = 0; // index in `sorted`

    // Codes no longer than the index. A table for codes of up to n bits, put behind itself, is the
    // table for an index of n + 1 bits: every entry is written once, and copied in bulk.
    let bits = 1;
    while (counts[bits] === 0) bits++;
    for (; bits <= rootBits; bits++) {
      const high = 1 << (bits - 1);
      for (let left = counts[bits]!; left > 0; left--) {
        entries[code] = symbols[sorted[next++]!]! | bits;
        code = successor(code, high);
      }
      if (bits < rootBits) entries.copyWithin(1 << bits, 0, 1 << bits);
    }

    // Longer ones: those which share their first `rootBits` bits share a subtable.
    const rootMask = (1 << rootBits) - 1;
    let root = -1;
    let table = 0;
    let tableBits = rootBits;
    for (; bits <= longest; bits++) {
      for (; counts[bits]! > 0; counts[bits]!--) {
        if ((code & rootMask) !== root) {
          root = code & rootMask;
          table += 1 << tableBits;
          tableBits = subtableBits(bits, rootBits, longest);
          entries[root] = EXCEPTIONAL | LINK | table << 9 | tableBits << 5 | rootBits;
        }
        const entry = symbols[sorted[next++]!]! | bits;
        const step = 1 << (bits - rootBits);
        const end = table + (1 << tableBits);
        for (let i = table + (code >> rootBits); i < end; i += step) entries[i] = entry;
        code = successor(code, 1 << (bits - 1));
      }
    }
  }
}

/** The code that follows `code`, whose last bit is `high`: one more, counted from the high end. */
function successor(code: number, high: number): number {
  while ((code & high) !== 0) {
    code ^= high;
    high >>= 1;
  }
  return code | high;
}

/** Index bits of a subtable whose shortest code has `bits` bits: as many as its codes fill. */
function subtableBits(bits: number, rootBits: number, longest: number): number {
  let width = bits - rootBits;
  let free = 1 << width;
  while (width + rootBits < longest) {
    free -= counts[width + rootBits]!;
    if (free <= 0) break;
    width++;
    free <<= 1;
  }
  return width;
}

/** The table of one of the two fixed codes (RFC 1951 3.2.6). */
export function fixedTable(alphabet: DecodeAlphabet, lengths: Uint8Array): DecodeTable {
  const table = new DecodeTable(alphabet);
  table.build(lengths, 0, lengths.length);
  return table;
}
