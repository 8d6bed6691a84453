import { assertEquals } from "@std/assert";
import { codeOfLengths, makeCode } from "../../src/deflate/huffman.ts";
import { randomSource, test } from "../harness.ts";

function lengthsOf(entries: Int32Array): number[] {
  return Array.from(entries, (entry) => entry & 15);
}

/** The sum of 2^-length; 1 for a complete code. */
function kraftSum(lengths: number[]): number {
  return lengths.reduce((sum, bits) => bits === 0 ? sum : sum + 2 ** -bits, 0);
}

function cost(frequencies: number[], lengths: number[]): number {
  return frequencies.reduce((sum, frequency, symbol) => sum + frequency * lengths[symbol]!, 0);
}

/** The cost of a Huffman code, by definition: the sum of all inner nodes. */
function leastCost(frequencies: number[]): number {
  const nodes = frequencies.filter((frequency) => frequency > 0);
  let sum = 0;
  while (nodes.length > 1) {
    nodes.sort((a, b) => b - a);
    const inner = nodes.pop()! + nodes.pop()!;
    sum += inner;
    nodes.push(inner);
  }
  return sum;
}

test("makeCode gives a complete code of least cost", () => {
  const below = randomSource(1);
  for (let round = 0; round < 200; round++) {
    const size = 2 + below(284);
    // Such even frequencies make no tree of more than 15 levels, so that the limit does not matter.
    const frequencies = Array.from({ length: size }, () => below(2) * below(30));
    frequencies[0] = frequencies[1] = 1;
    const entries = new Int32Array(size);
    makeCode(entries, { frequencies: Int32Array.from(frequencies), maxBits: 15 });
    const lengths = lengthsOf(entries);
    assertEquals(kraftSum(lengths), 1, `round ${round}`);
    assertEquals(cost(frequencies, lengths), leastCost(frequencies), `round ${round}`);
    assertEquals(lengths.map((bits) => bits > 0), frequencies.map((frequency) => frequency > 0));
  }
});

test("makeCode keeps to the longest code allowed", () => {
  // Fibonacci numbers make the deepest of trees.
  const frequencies = new Int32Array(24).fill(1);
  for (let i = 2; i < frequencies.length; i++) {
    frequencies[i] = frequencies[i - 1]! + frequencies[i - 2]!;
  }
  for (const maxBits of [5, 7, 15]) {
    const entries = new Int32Array(frequencies.length);
    makeCode(entries, { frequencies, maxBits });
    const lengths = lengthsOf(entries);
    assertEquals(Math.max(...lengths), maxBits);
    assertEquals(kraftSum(lengths), 1);
    assertEquals(lengths.toSorted((a, b) => b - a), lengths, "rarer symbols have longer codes");
  }
});

test("makeCode gives two symbols a code where fewer occur", () => {
  const cases: [number[], number[]][] = [
    [[0, 0, 0, 0], [1, 1, 0, 0]],
    [[9, 0, 0, 0], [1, 1, 0, 0]],
    [[0, 0, 9, 0], [1, 0, 1, 0]],
  ];
  for (const [frequencies, lengths] of cases) {
    const entries = new Int32Array(4);
    makeCode(entries, { frequencies: Int32Array.from(frequencies), maxBits: 15 });
    assertEquals(lengthsOf(entries), lengths);
  }
});

test("codeOfLengths makes the canonical code, first bit lowest (RFC 1951 3.2.2)", () => {
  // The example of the section: A to H have the lengths 3, 3, 3, 3, 3, 2, 4, 4.
  const entries = codeOfLengths(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4));
  const codes = Array.from(entries, (entry) => {
    const bits = (entry >>> 4).toString(2).padStart(entry & 15, "0");
    return [...bits].reverse().join("");
  });
  assertEquals(codes, ["010", "011", "100", "101", "110", "00", "1110", "1111"]);
});
