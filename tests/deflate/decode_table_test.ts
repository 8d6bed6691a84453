import { assertEquals } from "@std/assert";
import { FIXED_LITERAL_LENGTHS } from "../../src/deflate/alphabet.ts";
import {
  BLOCK_END,
  CODE_LENGTH_ALPHABET,
  type DecodeAlphabet,
  DecodeTable,
  DISTANCE_ALPHABET,
  fixedTable,
  LINK,
  LITERAL,
  LITERAL_ALPHABET,
} from "../../src/deflate/decode_table.ts";
import { codeOfLengths, makeCode } from "../../src/deflate/huffman.ts";
import { randomSource, test } from "../harness.ts";

/** The entry that `bits` lead to, as a decoder finds it. */
function lookUp(table: DecodeTable, bits: number): number {
  const entry = table.entries[bits & ((1 << table.rootBits) - 1)]!;
  if ((entry & LINK) === 0) return entry;
  const index = bits >>> table.rootBits & ((1 << (entry >>> 5 & 15)) - 1);
  return table.entries[(entry >>> 9 & 0xffff) + index]!;
}

/** Checks that every code, whatever follows it, leads to the entry of its symbol. */
function assertDecodes(table: DecodeTable, alphabet: DecodeAlphabet, lengths: Uint8Array): void {
  codeOfLengths(lengths).forEach((entry, symbol) => {
    const bits = entry & 15;
    if (bits === 0) return;
    for (const rest of [0, 0x5555, 0xffff]) {
      assertEquals(
        lookUp(table, entry >>> 4 | rest << bits),
        alphabet.symbols[symbol]! | bits,
        `symbol ${symbol}`,
      );
    }
  });
}

test("DecodeTable finds every symbol of random complete codes", () => {
  const below = randomSource(3);
  for (const [alphabet, maxBits] of [[LITERAL_ALPHABET, 15], [DISTANCE_ALPHABET, 15]] as const) {
    const table = new DecodeTable(alphabet);
    for (let round = 0; round < 100; round++) {
      const size = 2 + below(alphabet.symbols.length - 1);
      // Powers of two make long codes, and so subtables of all sizes.
      const frequencies = new Int32Array(size).map(() => below(3) === 0 ? 0 : 1 << below(18));
      const entries = new Int32Array(size);
      makeCode(entries, { frequencies, maxBits });
      const lengths = Uint8Array.from(entries, (entry) => entry & 15);
      const padded = new Uint8Array(size + 5);
      padded.set(lengths, 5);
      assertEquals(table.build(padded, 5, size), true);
      assertDecodes(table, alphabet, lengths);
    }
  }
});

test("DecodeTable has room for the codes that need the largest tables", () => {
  // A root table full of links: as many different lengths as there can be below each.
  const table = new DecodeTable(LITERAL_ALPHABET);
  const lengths = new Uint8Array(288);
  let at = 0;
  for (let bits = 1; bits <= 9; bits++) lengths[at++] = bits;
  for (; at < 9 + 14; at++) lengths[at] = 14; // 2^-9 in all needs 2^-9 / 2^-14 = 32
  for (; at < 9 + 32; at++) lengths[at] = 14;
  assertEquals(table.build(lengths, 0, 288), true);
  assertDecodes(table, LITERAL_ALPHABET, lengths);
});

test("DecodeTable refuses code lengths that no prefix code has", () => {
  const cases: [string, DecodeAlphabet, number[], boolean][] = [
    ["complete", LITERAL_ALPHABET, [1, 2, 2], true],
    ["over-subscribed at one bit", LITERAL_ALPHABET, [1, 1, 1], false],
    ["over-subscribed at two bits", LITERAL_ALPHABET, [1, 2, 2, 2], false],
    ["over-subscribed at fifteen bits", LITERAL_ALPHABET, [1, 1, 15], false],
    ["incomplete", LITERAL_ALPHABET, [2, 2, 2], false],
    ["incomplete by one long code", LITERAL_ALPHABET, [1, 2, 3], false],
    ["a single code of one bit", DISTANCE_ALPHABET, [0, 1], true],
    ["a single code of two bits", DISTANCE_ALPHABET, [2], false],
    ["no code", DISTANCE_ALPHABET, [0, 0], true],
    ["no code for code lengths", CODE_LENGTH_ALPHABET, [0, 0], false],
    ["a single code for code lengths", CODE_LENGTH_ALPHABET, [1], false],
    ["complete code for code lengths", CODE_LENGTH_ALPHABET, [1, 1], true],
  ];
  for (const [name, alphabet, lengths, valid] of cases) {
    const table = new DecodeTable(alphabet);
    assertEquals(table.build(Uint8Array.from(lengths), 0, lengths.length), valid, name);
  }
});

test("DecodeTable makes entries that mean nothing of the codes left over", () => {
  const table = new DecodeTable(DISTANCE_ALPHABET);
  table.build(Uint8Array.of(0, 1), 0, 2);
  assertEquals(lookUp(table, 0), DISTANCE_ALPHABET.symbols[1]! | 1);
  assertEquals(lookUp(table, 1) < 0, true);
  table.build(Uint8Array.of(0, 0), 0, 2);
  assertEquals(lookUp(table, 0) < 0, true);
  assertEquals(lookUp(table, 1) < 0, true);
});

test("fixedTable tells literals, the end of the block, and lengths apart (RFC 1951 3.2.6)", () => {
  const table = fixedTable(LITERAL_ALPHABET, FIXED_LITERAL_LENGTHS);
  const end = lookUp(table, 0);
  assertEquals([end < 0, end & BLOCK_END, end & 31], [true, BLOCK_END, 7]);
  const zero = lookUp(table, 0b00001100);
  assertEquals([zero & LITERAL, zero >>> 5 & 255, zero & 31], [LITERAL, 0, 8]);
  const three = lookUp(table, 0b1000000);
  assertEquals([three >>> 9, three >>> 5 & 15, three & 31], [3, 0, 7]);
});
