/** Huffman codes made for given symbol frequencies, of limited length (RFC 1951 3.2.2). */

/** A code to encode with: for each symbol `bits << 4 | length`, first bit lowest; 0 has no code. */
export type CodeEntries = Int32Array;

const MAX_SYMBOLS = 288;
const MAX_BITS = 15;
const SYMBOL_BITS = 9;

// Used within one call only; none of the functions yields.
const used = new Uint16Array(MAX_SYMBOLS);
const sorted = new Int32Array(MAX_SYMBOLS);
const unsorted = new Int32Array(MAX_SYMBOLS);
const nodes = new Int32Array(MAX_SYMBOLS);
const lengthCounts = new Int32Array(MAX_BITS + 1);
const nextCodes = new Int32Array(MAX_BITS + 1);

/**
 * Frequencies below this are sorted by counting: 200 B of JSON took up to 10 % longer by `sort`.
 */
const COUNTED = 256;
const placesOfCounts = new Int32Array(COUNTED);

/**
 * Gives each symbol that occurs a code of at most `maxBits` bits, such that the whole is as short
 * as can be, or nearly so where the limit makes itself felt. Returns the bits that all symbols take
 * together. Frequencies are below 2^22.
 *
 * At least two symbols get a code: some decoders refuse an incomplete one.
 */
export function makeCode(
  entries: CodeEntries,
  { frequencies, maxBits }: { frequencies: Int32Array; maxBits: number },
): number {
  const count = sortSymbols(frequencies, entries.length);
  for (let i = 0; i < count; i++) nodes[i] = sorted[i]! >>> SYMBOL_BITS;
  computeDepths(count);
  countLengths(count, maxBits);

  entries.fill(0);
  let cost = 0;
  let next = 0;
  for (let bits = maxBits; bits > 0; bits--) {
    // The rarest symbols come first in `sorted`, and get the longest codes.
    for (let left = lengthCounts[bits]!; left > 0; left--) {
      const symbol = sorted[next++]! & (1 << SYMBOL_BITS) - 1;
      entries[symbol] = bits;
      cost += frequencies[symbol]! * bits;
    }
  }
  assignBits(entries, count);
  return cost;
}

/** Turns code lengths into the canonical code that has them. */
export function codeOfLengths(lengths: Uint8Array): CodeEntries {
  const entries = Int32Array.from(lengths);
  let count = 0;
  lengthCounts.fill(0);
  lengths.forEach((bits, symbol) => {
    if (bits === 0) return;
    used[count++] = symbol;
    lengthCounts[bits]!++;
  });
  assignBits(entries, count);
  return entries;
}

/**
 * Puts the symbols that occur into `used`, and into `sorted` by rising frequency, as
 * `frequency << SYMBOL_BITS | symbol`. Returns their number.
 */
function sortSymbols(frequencies: Int32Array, size: number): number {
  let count = 0;
  let most = 0;
  for (let symbol = 0; symbol < size; symbol++) {
    const frequency = frequencies[symbol]!;
    if (frequency === 0) continue;
    if (frequency > most) most = frequency;
    used[count] = symbol;
    sorted[count++] = frequency << SYMBOL_BITS | symbol;
  }
  if (count < 2) {
    // Another symbol, or the first two, take part as if they occurred.
    const only = count === 1 ? used[0]! : 1;
    const other = only === 0 ? 1 : 0;
    used[0] = Math.min(only, other);
    used[1] = Math.max(only, other);
    sorted[0] = 1 << SYMBOL_BITS | used[0]!;
    sorted[1] = 1 << SYMBOL_BITS | used[1]!;
    return 2;
  }
  if (most < COUNTED) sortByCounting(count, most);
  else sorted.subarray(0, count).sort();
  return count;
}

/**
 * Sorts the first `count` entries of `sorted`, whose symbols rise, by frequency, which is at most
 * `most`.
 */
function sortByCounting(count: number, most: number): void {
  placesOfCounts.fill(0, 0, most + 1);
  for (let i = 0; i < count; i++) {
    unsorted[i] = sorted[i]!;
    placesOfCounts[sorted[i]! >>> SYMBOL_BITS]!++;
  }
  let place = 0;
  for (let frequency = 0; frequency <= most; frequency++) {
    const symbols = placesOfCounts[frequency]!;
    placesOfCounts[frequency] = place;
    place += symbols;
  }
  for (let i = 0; i < count; i++) {
    const frequency = unsorted[i]! >>> SYMBOL_BITS;
    sorted[placesOfCounts[frequency]!++] = unsorted[i]!;
  }
}

/**
 * Replaces the rising frequencies in `nodes` by the depths of their leaves in the Huffman tree,
 * which fall: the in-place algorithm of Moffat and Katajainen (1995). `count` ≥ 2.
 */
function computeDepths(count: number): void {
  // First pass, left to right: an inner node takes the place of a leaf that is used up. It holds
  // its weight until it is used up in turn, then the index of its parent.
  let leaf = 0;
  let root = 0;
  for (let node = 0; node < count - 1; node++) {
    let weight = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= count || (root < node && nodes[root]! < nodes[leaf]!)) {
        weight += nodes[root]!;
        nodes[root++] = node;
      } else {
        weight += nodes[leaf++]!;
      }
    }
    nodes[node] = weight;
  }

  // Second pass, right to left: the parent's index becomes the depth of the inner node.
  nodes[count - 2] = 0;
  for (let node = count - 3; node >= 0; node--) nodes[node] = nodes[nodes[node]!]! + 1;

  // Third pass, right to left: whatever places at a depth inner nodes do not take are leaves.
  let inner = count - 2;
  let at = count - 1;
  let places = 1;
  for (let depth = 0; places > 0; depth++) {
    let taken = 0;
    while (inner >= 0 && nodes[inner] === depth) {
      taken++;
      inner--;
    }
    for (; places > taken; places--) nodes[at--] = depth;
    places = 2 * taken;
  }
}

/** Counts the depths in `nodes` by length into `lengthCounts`, with none above `maxBits`. */
function countLengths(count: number, maxBits: number): void {
  lengthCounts.fill(0);
  // The codes taken, of all there are with `maxBits` bits.
  let taken = 0;
  for (let i = 0; i < count; i++) {
    const bits = Math.min(nodes[i]!, maxBits);
    lengthCounts[bits]!++;
    taken += 1 << (maxBits - bits);
  }
  // Cutting the longest codes took too many. Each step frees one: a code of `bits` bits gives way
  // to two of one bit more, one of which is for itself, the other for one of the longest.
  for (; taken > 1 << maxBits; taken--) {
    let bits = maxBits - 1;
    while (lengthCounts[bits] === 0) bits--;
    lengthCounts[bits]!--;
    lengthCounts[bits + 1]! += 2;
    lengthCounts[maxBits]!--;
  }
}

/**
 * Puts the bits of the canonical code above the lengths in `entries`, those of the first `count`
 * symbols in `used`, which rise; `lengthCounts` has them counted.
 */
function assignBits(entries: CodeEntries, count: number): void {
  let code = 0;
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    code = code + lengthCounts[bits - 1]! << 1;
    nextCodes[bits] = code;
  }
  for (let i = 0; i < count; i++) {
    const symbol = used[i]!;
    const bits = entries[symbol]!;
    entries[symbol] = reverse(nextCodes[bits]!++, bits) << 4 | bits;
  }
}

/** The lowest `count` (≤ 16) bits of `bits` in reverse order. */
function reverse(bits: number, count: number): number {
  bits = (bits & 0x5555) << 1 | bits >>> 1 & 0x5555;
  bits = (bits & 0x3333) << 2 | bits >>> 2 & 0x3333;
  bits = (bits & 0x0f0f) << 4 | bits >>> 4 & 0x0f0f;
  bits = (bits & 0x00ff) << 8 | bits >>> 8;
  return bits >>> 16 - count;
}
