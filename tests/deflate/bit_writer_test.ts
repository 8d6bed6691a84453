import { assertEquals } from "@std/assert";
import { FIXED_DISTANCE_LENGTHS, FIXED_LITERAL_LENGTHS } from "../../src/deflate/alphabet.ts";
import { BitWriter } from "../../src/deflate/bit_writer.ts";
import { codeOfLengths } from "../../src/deflate/huffman.ts";
import { randomSource, test } from "../harness.ts";
import { bits, hex } from "./helpers.ts";

test("BitWriter puts bits in from the lowest of each byte up (RFC 1951 3.1.1)", () => {
  const below = randomSource(5);
  for (let round = 0; round < 50; round++) {
    const writer = new BitWriter();
    writer.reserve(200);
    const fields: string[] = [];
    for (let i = 0; i < 80; i++) {
      const count = below(17);
      const value = below(2 ** count);
      writer.put(value, count);
      fields.push(count === 0 ? "" : value.toString(2).padStart(count, "0"));
    }
    assertEquals(writer.bitOffset, fields.join("").length % 8);
    writer.align();
    assertEquals(writer.output, bits(...fields), `round ${round}`);
  }
});

test("BitWriter aligns bytes, and begins anew when cleared", () => {
  const writer = new BitWriter();
  writer.reserve(10);
  writer.put(1, 1);
  writer.putBytes(Uint8Array.of(7, 8));
  assertEquals(writer.output, Uint8Array.of(1, 7, 8));
  writer.put(1, 1);
  writer.clear(0);
  writer.reserve(1);
  writer.put(2, 2);
  writer.align();
  assertEquals(writer.output, Uint8Array.of(2));
});

test("BitWriter keeps what was written when it grows", () => {
  const writer = new BitWriter();
  for (let i = 0; i < 20_000; i++) {
    writer.reserve(2);
    writer.put(i, 16);
  }
  const view = new DataView(writer.output.slice().buffer);
  for (let i = 0; i < 20_000; i++) assertEquals(view.getUint16(2 * i, true), i);
});

test("BitWriter writes tokens and the end of the block (RFC 1951 3.2.5)", () => {
  const codes = {
    literals: codeOfLengths(FIXED_LITERAL_LENGTHS),
    distances: codeOfLengths(FIXED_DISTANCE_LENGTHS),
  };
  const writer = new BitWriter();
  writer.reserve(20);
  writer.put(0b010, 3);
  writer.putTokens(Int32Array.from([72, 101, 108, 108, 111]), codes);
  writer.align();
  assertEquals(writer.output, hex("f2 48 cd c9 c9 07 00"));

  writer.clear(4096);
  writer.reserve(20);
  writer.putTokens(Int32Array.of(258 << 16 | 32768, 130 << 16 | 1), codes);
  writer.align();
  // Extra bits have their lowest first, codes their highest: as they are written here, reversed.
  const far = ["10100011", "10111", "1111111111111"]; // 285, no extra bits, 29, and 8191
  const near = ["00000011", "1111", "00000"]; // 280, and 15, 0
  assertEquals(writer.output, bits(...far, ...near, "0000000"));
});
