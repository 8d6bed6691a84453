import { assertEquals } from "@std/assert";
import { BlockDecoder, InflateStatus } from "../../src/deflate/block_decoder.ts";
import { History } from "../../src/deflate/history.ts";
import { chunkings, test } from "../harness.ts";
import { bits, hex, utf8 } from "./helpers.ts";

const LIMIT = 1000;

/** Decodes a message that comes in pieces. */
function decode(
  pieces: Uint8Array[],
  { windowSize = 32768, history, limit = LIMIT }: {
    windowSize?: number;
    history?: History;
    limit?: number;
  } = {},
): { status: InflateStatus; output: Uint8Array; atEnd: boolean } {
  const decoder = new BlockDecoder();
  decoder.begin(windowSize, history);
  let status: InflateStatus = InflateStatus.Ok;
  for (const piece of pieces) {
    status = decoder.run(piece, limit);
    if (status !== InflateStatus.Ok) break;
  }
  return { status, output: decoder.output, atEnd: decoder.atEnd };
}

// Pieces of blocks, in the order of the stream; Huffman codes therefore stand with their bits reversed.
const fixed = "010";
const dynamic = "100";
const end = "0000000";
const A = "10001110"; // the literal "A", 01110001
const nine = "000010011"; // the literal 144, 110010000
const three = "1000000"; // length 3
const one = "00000"; // distance 1

/** HCLEN and lengths such that the code length symbols 1, 2 and 18 have codes: 10, 11 and 0. */
const codeLengths = ["1110"].concat(
  [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1].map((symbol) =>
    symbol === 18 ? "001" : symbol === 1 || symbol === 2 ? "010" : "000"
  ),
);
const length1 = "01";
const length2 = "11";
/** A run of zeros, 11 to 138. */
const zeros = (count: number) => (count - 11).toString(2).padStart(7, "0") + "0";

const corrupt: Record<string, Uint8Array> = {
  "a block type that does not exist": bits("110"),
  "a stored block whose length and complement differ": hex("00 01 00 ff ff"),
  "a stored block whose complement is not one": hex("00 04 00 00 fb"),
  "too many literal and length symbols (287)": bits(dynamic, "11110", "00000", "0000"),
  "too many literal and length symbols (288)": bits(dynamic, "11111", "00000", "0000"),
  "too many distance symbols (31)": bits(dynamic, "00000", "11110", "0000"),
  "too many distance symbols (32)": bits(dynamic, "00000", "11111", "0000"),
  "no code for code lengths": bits(dynamic, "00000", "00000", "0000", "000", "000", "000", "000"),
  "an incomplete code for code lengths": bits(
    ...[dynamic, "00000", "00000", "0000", "001", "000", "000", "000"],
  ),
  "an over-subscribed code for code lengths": bits(
    ...[dynamic, "00000", "00000", "0000", "001", "001", "001", "000"],
  ),
  "a repetition with nothing before it": bits(
    ...[dynamic, "00000", "00000", "0000", "001", "000", "001", "000", "00" + "0"],
  ),
  "more zeros than there are lengths": bits(
    ...[dynamic, "00000", "00000", ...codeLengths, zeros(138), zeros(138)],
  ),
  "no end of block": bits(
    ...[dynamic, "00000", "00000", ...codeLengths],
    ...[length1, length1, zeros(138), zeros(117), length1],
  ),
  "an over-subscribed literal code": bits(
    ...[dynamic, "00000", "00000", ...codeLengths],
    ...[length1, length1, zeros(138), zeros(116), length1, length1],
  ),
  "an incomplete literal code": bits(
    ...[dynamic, "00000", "00000", ...codeLengths],
    ...[length2, zeros(138), zeros(117), length2, length1],
  ),
  "an incomplete distance code": bits(
    ...[dynamic, "00000", "00001", ...codeLengths],
    ...[length1, zeros(138), zeros(117), length1, length2, length2],
  ),
  "an over-subscribed distance code": bits(
    ...[dynamic, "00000", "00010", ...codeLengths],
    ...[length1, zeros(138), zeros(117), length1, length1, length1, length1],
  ),
  "length symbol 286": bits(fixed, A, "01100011"),
  "length symbol 287": bits(fixed, A, "11100011"),
  "distance symbol 30": bits(fixed, A, three, "01111"),
  "distance symbol 31": bits(fixed, A, three, "11111"),
  "a distance beyond the beginning": bits(fixed, A, three, "10000"),
  "a distance at the beginning": bits(fixed, three, one),
  "a code that stands for nothing, of two": bits(
    // The literals' only code is the end of block, 0; a bit 1 begins none.
    ...[dynamic, "00000", "00000", ...codeLengths, zeros(138), zeros(118), length1, length1, "1"],
  ),
  "a distance where there is no distance code": bits(
    // End of block is 0 and length 3 is 1; the last run of zeros is the distance's length too.
    ...[dynamic, "11101", "00000", ...codeLengths],
    ...[zeros(138), zeros(118), length1, length1, zeros(29), "1", "0"],
  ),
};

test("BlockDecoder finds every fault of the data, wherever the input is cut", () => {
  for (const [fault, data] of Object.entries(corrupt)) {
    for (const pieces of chunkings(data)) {
      assertEquals(decode(pieces).status, InflateStatus.Corrupt, fault);
    }
    // With enough behind it for the fast loop.
    const { status } = decode([new Uint8Array([...data, ...new Uint8Array(40)])]);
    assertEquals(status, InflateStatus.Corrupt, `${fault}, and more`);
  }
});

const sound: Record<string, [Uint8Array, string]> = {
  "a fixed block": [bits(fixed, A, A, end), "AA"],
  "a match": [bits(fixed, A, three, one, end), "AAAA"],
  "a stored block": [hex("00 05 00 fa ff 48 65 6c 6c 6f"), "Hello"],
  "an empty stored block, then a fixed one": [hex("00 00 00 ff ff f2 48 cd c9 c9 07 00"), "Hello"],
  "bits that mean nothing before a stored block": [hex("f8 05 00 fa ff 48 65 6c 6c 6f"), "Hello"],
  "a block with BFINAL, then another at the next byte": [
    hex("f3 48 05 00 ca c9 c9 07 00"),
    "Hello",
  ],
  "a block of nothing but its end, in a code of one bit": [
    bits(
      ...[dynamic, "00000", "00000", ...codeLengths, zeros(138), zeros(118), length1, length1, "0"],
    ),
    "",
  ],
  "literals in a code of one bit, and no distance code": [
    bits(
      ...[dynamic, "11101", "00000", ...codeLengths],
      ...[zeros(65), length1, zeros(138), zeros(52), length1, zeros(30), "0", "0", "1"],
    ),
    "AA",
  ],
};

test("BlockDecoder decodes every form of block, wherever the input is cut", () => {
  for (const [form, [data, text]] of Object.entries(sound)) {
    for (const pieces of chunkings(data)) {
      const { status, output } = decode(pieces);
      assertEquals([status, output], [InflateStatus.Ok, utf8(text)], form);
    }
  }
});

test("BlockDecoder knows where a message may end (RFC 7692 7.2.1)", () => {
  const cases: [string, Uint8Array, boolean][] = [
    ["nothing", hex(""), false],
    ["the header of a stored block", hex("00"), true],
    ["a block, and that header", hex("f2 48 cd c9 c9 07 00"), true],
    ["a block alone, up to its last bit", bits(fixed, ...new Array(6).fill(nine), end), false],
    ["a last block, and that header", hex("f3 48 cd c9 c9 07 00 00"), true],
    ["a last block alone", hex("f3 48 cd c9 c9 07 00"), true],
    ["the length of a stored block", hex("00 00"), false],
    ["an empty stored block", hex("00 00 00 ff ff"), false],
    ["stored bytes", hex("00 05 00 fa ff 48"), false],
    ["the middle of a block", hex("f2 48"), false],
  ];
  for (const [name, data, may] of cases) {
    for (const pieces of chunkings(data)) assertEquals(decode(pieces).atEnd, may, name);
  }
});

test("BlockDecoder refuses distances beyond the window, and beyond the history", () => {
  const history = new History(256);
  history.append(utf8("0123456789"));
  const distanceTen = ["01100", "01"]; // symbol 6: 9 to 12
  const cases: [string[], { windowSize: number; history?: History }, string | undefined][] = [
    [[three, ...distanceTen, end], { windowSize: 256, history }, "012"],
    [[A, three, ...distanceTen, end], { windowSize: 256, history }, "A123"],
    [
      [A, A, A, A, A, A, A, A, three, ...distanceTen, end],
      { windowSize: 256, history },
      "A".repeat(8) + "89A",
    ],
    [[three, ...distanceTen, end], { windowSize: 256 }, undefined],
    [[three, ...distanceTen, end], { windowSize: 8, history }, undefined],
    [[three, "01100", "10", end], { windowSize: 256, history }, undefined],
  ];
  for (const [symbols, options, text] of cases) {
    for (const pieces of chunkings(bits(fixed, ...symbols))) {
      const { status, output } = decode(pieces, options);
      if (text === undefined) assertEquals(status, InflateStatus.Corrupt);
      else assertEquals([status, output], [InflateStatus.Ok, utf8(text)]);
    }
  }
});

test("BlockDecoder stops at the limit, and not before", () => {
  const forms = {
    literals: bits(fixed, ...new Array(20).fill(A), end),
    match: bits(fixed, A, three, one, end),
    stored: hex("00 05 00 fa ff 48 65 6c 6c 6f"),
  };
  for (const [form, data] of Object.entries(forms)) {
    const { length } = decode([data]).output;
    for (const pieces of chunkings(data)) {
      assertEquals(decode(pieces, { limit: length }).status, InflateStatus.Ok, form);
      const over = decode(pieces, { limit: length - 1 });
      assertEquals(over.status, InflateStatus.TooLarge, form);
      assertEquals(over.output.length < length, true, form);
    }
  }
});

test("BlockDecoder lets go of an output array that is larger than told", () => {
  const decoder = new BlockDecoder();
  decoder.begin(32768, undefined);
  const stored = new Uint8Array(65540);
  stored.set(hex("00 ff ff 00 00"));
  assertEquals(decoder.run(stored, 65535), InflateStatus.Ok);
  assertEquals(decoder.capacity, 65535);
  decoder.release(65535);
  assertEquals(decoder.capacity, 65535);
  decoder.release(65534);
  assertEquals(decoder.capacity < 65535, true);
});
