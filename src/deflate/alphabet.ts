/**
 * The alphabets of DEFLATE (RFC 1951 3.2.5 and 3.2.7): which symbol stands for which lengths and
 * distances, and how many extra bits follow it.
 */

/** Literals 0–255, end of block 256, lengths 257–285; 286 and 287 have a fixed code, but no meaning. */
export const LITERAL_SYMBOLS = 288;

/** The symbol that ends a block. */
export const END_OF_BLOCK = 256;

/** Length symbols that mean something. */
const LENGTH_SYMBOLS = 29;

/** Distance symbols 0–29; 30 and 31 have a fixed code, but no meaning. */
export const DISTANCE_SYMBOLS = 32;

/** Symbols of the code that code lengths are written in. */
export const CODE_LENGTH_SYMBOLS = 19;

/** Longest code of a literal, length or distance symbol, in bits. */
export const MAX_CODE_BITS = 15;

/** Shortest match, in bytes. */
const MIN_MATCH = 3;
/** Longest match, in bytes. */
export const MAX_MATCH = 258;

/** The shortest length each length symbol stands for, by symbol − 257. */
export const LENGTH_BASE: Uint16Array = new Uint16Array(LENGTH_SYMBOLS);

/** The extra bits of each length symbol, by symbol − 257. */
export const LENGTH_EXTRA: Uint8Array = new Uint8Array(LENGTH_SYMBOLS);

/** The shortest distance each distance symbol stands for. */
export const DISTANCE_BASE: Uint16Array = new Uint16Array(30);

/** The extra bits of each distance symbol. */
export const DISTANCE_EXTRA: Uint8Array = new Uint8Array(30);

/** The order in which the lengths of the code length code are written. */
export const CODE_LENGTH_ORDER: Uint8Array = Uint8Array.of(
  ...[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15],
);

/** The extra bits of each code length symbol: those of the three repeat symbols 16, 17 and 18. */
export const CODE_LENGTH_EXTRA: Uint8Array = new Uint8Array(CODE_LENGTH_SYMBOLS);
CODE_LENGTH_EXTRA.set([2, 3, 7], 16);

/** The code lengths of the fixed literal/length code (RFC 1951 3.2.6). */
export const FIXED_LITERAL_LENGTHS: Uint8Array = new Uint8Array(LITERAL_SYMBOLS).fill(8)
  .fill(9, 144, 256).fill(7, 256, 280);

/** The code lengths of the fixed distance code. */
export const FIXED_DISTANCE_LENGTHS: Uint8Array = new Uint8Array(DISTANCE_SYMBOLS).fill(5);

// Both alphabets follow one rule: groups of symbols (4 for lengths, 2 for distances) that share a
// number of extra bits, each group with one more than the last. The first two groups have none.
for (let symbol = 0, base = MIN_MATCH; symbol < LENGTH_SYMBOLS; symbol++) {
  LENGTH_EXTRA[symbol] = Math.max(0, (symbol >> 2) - 1);
  LENGTH_BASE[symbol] = base;
  base += 1 << LENGTH_EXTRA[symbol]!;
}
for (let symbol = 0, base = 1; symbol < DISTANCE_BASE.length; symbol++) {
  DISTANCE_EXTRA[symbol] = Math.max(0, (symbol >> 1) - 1);
  DISTANCE_BASE[symbol] = base;
  base += 1 << DISTANCE_EXTRA[symbol]!;
}
// The exception to the rule: the longest match has a symbol of its own.
LENGTH_BASE[LENGTH_SYMBOLS - 1] = MAX_MATCH;
LENGTH_EXTRA[LENGTH_SYMBOLS - 1] = 0;

/** The length symbol, less 257, by length. */
export const SYMBOL_OF_LENGTH: Uint8Array = new Uint8Array(MAX_MATCH + 1);
LENGTH_BASE.forEach((base, symbol) => SYMBOL_OF_LENGTH.fill(symbol, base));

/**
 * The symbol of a distance: from the third on, the two highest bits of the distance less 1. (With
 * the usual table of 512, blocks of 64 KiB of JSON took 1.1 times as long to write in Deno.)
 */
export function distanceSymbol(distance: number): number {
  const past = distance - 1;
  if (past < 2) return past;
  const high = 31 - Math.clz32(past);
  return 2 * high + (past >> high - 1 & 1);
}
