import { assertEquals } from "@std/assert";
import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  distanceSymbol,
  FIXED_LITERAL_LENGTHS,
  LENGTH_BASE,
  LENGTH_EXTRA,
  SYMBOL_OF_LENGTH,
} from "../../src/deflate/alphabet.ts";
import { test } from "../harness.ts";

test("LENGTH_BASE and LENGTH_EXTRA are the table of lengths (RFC 1951 3.2.5)", () => {
  const base =
    "3 4 5 6 7 8 9 10 11 13 15 17 19 23 27 31 35 43 51 59 67 83 99 115 131 163 195 227 258";
  const extra = "0 0 0 0 0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4 5 5 5 5 0";
  assertEquals(LENGTH_BASE.join(" "), base);
  assertEquals(LENGTH_EXTRA.join(" "), extra);
});

test("DISTANCE_BASE and DISTANCE_EXTRA are the table of distances (RFC 1951 3.2.5)", () => {
  const base =
    "1 2 3 4 5 7 9 13 17 25 33 49 65 97 129 193 257 385 513 769 1025 1537 2049 3073 4097 " +
    "6145 8193 12289 16385 24577";
  const extra = "0 0 0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9 10 10 11 11 12 12 13 13";
  assertEquals(DISTANCE_BASE.join(" "), base);
  assertEquals(DISTANCE_EXTRA.join(" "), extra);
});

test("SYMBOL_OF_LENGTH finds the symbol whose range a length is in", () => {
  for (let length = 3; length <= 258; length++) {
    const symbol = SYMBOL_OF_LENGTH[length]!;
    const past = length - LENGTH_BASE[symbol]!;
    assertEquals(past >= 0 && past < 1 << LENGTH_EXTRA[symbol]!, true, `length ${length}`);
  }
  assertEquals(SYMBOL_OF_LENGTH[257], 27);
  assertEquals(SYMBOL_OF_LENGTH[258], 28);
});

test("distanceSymbol finds the symbol whose range a distance is in", () => {
  for (let distance = 1; distance <= 32768; distance++) {
    const symbol = distanceSymbol(distance);
    const past = distance - DISTANCE_BASE[symbol]!;
    if (past < 0 || past >= 1 << DISTANCE_EXTRA[symbol]!) {
      throw new Error(`distance ${distance} has symbol ${symbol}`);
    }
  }
});

test("FIXED_LITERAL_LENGTHS are those of the fixed code (RFC 1951 3.2.6)", () => {
  const lengths = [...FIXED_LITERAL_LENGTHS];
  assertEquals(lengths.lastIndexOf(8, 150), 143);
  assertEquals(lengths.indexOf(9), 144);
  assertEquals(lengths.lastIndexOf(9), 255);
  assertEquals([lengths.indexOf(7), lengths.lastIndexOf(7)], [256, 279]);
  assertEquals(lengths.slice(280), new Array(8).fill(8));
});
