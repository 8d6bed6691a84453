import { assert, assertEquals } from "@std/assert";
import { constants, deflateRawSync } from "node:zlib";
import { BlockWriter } from "../../src/deflate/block_writer.ts";
import { randomSource, test } from "../harness.ts";
import { concat, FINAL_BLOCK, hex, kinds, platformInflate, utf8 } from "./helpers.ts";

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;

/** The output for blocks of literals, without the flush. */
function writeLiterals(...parts: Uint8Array[]): Uint8Array {
  const writer = new BlockWriter();
  writer.begin();
  for (const part of parts) writer.writeBlock(Int32Array.from(part), part);
  writer.writeFlush();
  const { output } = writer;
  assertEquals(output.slice(-4), hex("00 00 ff ff"));
  return output.slice();
}

test("BlockWriter takes the form that costs least", () => {
  const cases: [string, Uint8Array, number][] = [
    ["a byte", utf8("a"), FIXED],
    ["a short text", utf8("Hello, hello, and hello again"), FIXED],
    ["random bytes", kinds.random!(1000), STORED],
    ["text", kinds.text!(1000), DYNAMIC],
    ["few different bytes", new Uint8Array(500).map((_, i) => 200 + i % 3), DYNAMIC],
  ];
  for (const [name, raw, form] of cases) {
    assertEquals(writeLiterals(raw)[0]! >> 1 & 3, form, name);
  }
});

test("BlockWriter passes over no code of its own that would be shorter, as zlib makes them", () => {
  const below = randomSource(13);
  const options = { strategy: constants.Z_HUFFMAN_ONLY, finishFlush: constants.Z_SYNC_FLUSH };
  let larger = 0;
  for (let round = 0; round < 3_000; round++) {
    // A few values, some of them much more frequent than others.
    const values = Array.from({ length: 1 + below(40) }, () => below(256));
    const skew = 1 + below(6);
    const pick = () => Math.min(...Array.from({ length: skew }, () => below(values.length)));
    const raw = new Uint8Array(1 + below(400)).map(() => values[pick()]!);
    const ours = writeLiterals(raw).length;
    const theirs = deflateRawSync(raw, options).length;
    assert(
      ours <= theirs + 1,
      `round ${round}: ${raw.length} bytes made ${ours}, by zlib ${theirs}`,
    );
    if (ours > theirs) larger++;
  }
  assert(larger < 30, `${larger} are a byte larger than zlib's`);
});

test("BlockWriter's blocks are what the platform reads", async () => {
  const below = randomSource(11);
  for (const make of Object.values(kinds)) {
    const parts = [1, 40, 300, 5000].map((size) => make(below(size) + 1));
    const data = writeLiterals(...parts);
    assertEquals(await platformInflate(concat(data, FINAL_BLOCK)), concat(...parts));
  }
});

test("BlockWriter describes any set of symbols, in runs and without (RFC 1951 3.2.7)", async () => {
  const below = randomSource(12);
  for (let round = 0; round < 60; round++) {
    // A few ranges of byte values, each as frequent as the others.
    const values = Array.from({ length: 1 + below(4) }, () => {
      const from = below(256);
      return Array.from({ length: 1 + below(20) }, (_, i) => from + i & 255);
    }).flat();
    const raw = new Uint8Array(2000).map(() => values[below(values.length)]!);
    const data = writeLiterals(raw);
    assertEquals(data.length < raw.length, true);
    assertEquals(await platformInflate(concat(data, FINAL_BLOCK)), raw, `round ${round}`);
  }
});

test("BlockWriter cuts stored bytes into blocks of 65535 (RFC 1951 3.2.4)", async () => {
  for (const size of [65534, 65535, 65536, 131070, 131071]) {
    const raw = kinds.random!(size);
    const data = writeLiterals(raw);
    assertEquals(data.length, size + 5 * Math.ceil(size / 65535) + 5);
    assertEquals(await platformInflate(concat(data, FINAL_BLOCK)), raw);
  }
});

test("BlockWriter writes a flush alone as an empty stored block (RFC 7692 7.2.3.6)", () => {
  const writer = new BlockWriter();
  writer.begin();
  writer.writeFlush();
  assertEquals(writer.output, hex("00 00 00 ff ff"));
});
