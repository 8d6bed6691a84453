/** Dynamic blocks of DEFLATE (RFC 1951 3.2.7) of all shapes, more of them than any compressor makes. */

import type { Random } from "./random.ts";

/** Section 3.2.7. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A complete code over all 19 code length symbols: thirteen of 4 bits, six of 5. */
const LENGTH_CODE = ORDER.map((_, symbol) => symbol < 13 ? 4 : 5);

/** Bits, the lowest first. */
class Bits {
  readonly bits: number[] = [];

  put(value: number, count: number): void {
    for (let i = 0; i < count; i++) this.bits.push((value >> i) & 1);
  }

  /** A symbol in the code above; codes have their highest bit first. */
  putLengthSymbol(symbol: number): void {
    const code = symbol < 13 ? symbol : 26 + symbol - 13;
    for (let i = LENGTH_CODE[symbol]! - 1; i >= 0; i--) this.bits.push((code >> i) & 1);
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.bits.length / 8));
    this.bits.forEach((bit, i) => bytes[i >> 3]! |= bit << (i & 7));
    return bytes;
  }
}

/** Lengths of a complete code for some of `symbols` symbols, `wanted` among them. */
function completeCode(random: Random, symbols: number, wanted?: number): number[] {
  const leaves = [1, 1];
  const count = random.pick([2, random.between(2, 20), random.between(2, symbols)]);
  while (leaves.length < count) {
    // Splitting the last one found makes codes as long as they can be.
    const at = random.chance(2) ? leaves.length - 1 : random.below(leaves.length);
    if (leaves[at]! === 15) {
      if (leaves.every((length) => length === 15)) break;
      continue;
    }
    leaves[at]!++;
    leaves.push(leaves[at]!);
  }
  const lengths = new Array<number>(symbols).fill(0);
  const free = lengths.map((_, symbol) => symbol);
  const take = (symbol: number, length: number): void => {
    lengths[symbol] = length;
    free.splice(free.indexOf(symbol), 1);
  };
  if (wanted !== undefined) take(wanted, leaves.pop()!);
  for (const length of leaves) take(random.pick(free), length);
  return lengths;
}

/** A dynamic block with codes of any shape, mostly sound ones, and noise in them. */
export function dynamicBlock(random: Random): Uint8Array {
  const out = new Bits();
  out.put(0b100, 3);
  const literalCount = random.pick([257, 286, random.between(257, 288)]);
  const distanceCount = random.pick([1, 30, random.between(1, 32)]);
  out.put(literalCount - 257, 5);
  out.put(distanceCount - 1, 5);
  out.put(ORDER.length - 4, 4);
  for (const symbol of ORDER) out.put(LENGTH_CODE[symbol]!, 3);

  const lengths = completeCode(random, literalCount, random.chance(20) ? undefined : 256);
  if (distanceCount > 1 && !random.chance(4)) lengths.push(...completeCode(random, distanceCount));
  else lengths.push(...new Array<number>(distanceCount).fill(random.pick([0, 1])));
  for (let at = 0; at < lengths.length; at++) {
    // Now and then something is repeated that should not be, or what there is not.
    if (random.chance(200) || (at === 0 && random.chance(20))) {
      const symbol = random.between(16, 18);
      out.putLengthSymbol(symbol);
      out.put(random.below(8), symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
    }
    out.putLengthSymbol(lengths[at]!);
  }
  for (const byte of random.bytes(random.below(80))) out.put(byte, 8);
  return out.bytes;
}
