import { assertEquals } from "@std/assert";
import {
  findHeaderViolation,
  frameHeaderSize,
  writeFrameHeader,
} from "../../src/protocol/frame_header.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  bytes,
  CLOSE,
  concat,
  CONTINUATION,
  hex,
  KEY,
  PING,
  PONG,
  TEXT,
} from "./frames.ts";

test("findHeaderViolation allows RSV1 only on the first frame of a message (RFC 7692 6)", () => {
  const rules = { masked: false, compression: true };
  for (const opcode of [TEXT, BINARY]) {
    for (const fin of [0x80, 0]) {
      assertEquals(findHeaderViolation(fin | 0x40 | opcode, 0, rules, false), undefined);
      assertEquals(findHeaderViolation(fin | opcode, 0, rules, false), undefined);
    }
  }
  assertEquals(findHeaderViolation(0xc0 | CONTINUATION, 0, rules, true)?.closeCode, 1002);
  for (const opcode of [CLOSE, PING, PONG]) {
    assertEquals(findHeaderViolation(0xc0 | opcode, 0, rules, false)?.closeCode, 1002);
  }
  assertEquals(findHeaderViolation(0xe0 | TEXT, 0, rules, false)?.closeCode, 1002);
});

test("writeFrameHeader writes the shortest form, in network byte order (RFC 6455 5.2)", () => {
  const cases: readonly (readonly [length: number, digits: string])[] = [
    [0, "82 00"],
    [1, "82 01"],
    [125, "82 7d"],
    [126, "82 7e 00 7e"],
    [65_535, "82 7e ff ff"],
    [65_536, "82 7f 00 00 00 00 00 01 00 00"],
    [2 ** 31, "82 7f 00 00 00 00 80 00 00 00"],
    [2 ** 32 + 258, "82 7f 00 00 00 01 00 00 01 02"],
    [Number.MAX_SAFE_INTEGER, "82 7f 00 1f ff ff ff ff ff ff"],
  ];
  for (const [length, digits] of cases) {
    const expected = hex(digits);
    assertEquals(frameHeaderSize(length, false), expected.length);
    assertEquals(frameHeaderSize(length, true), expected.length + 4);
    const header = { fin: true, rsv1: false, opcode: BINARY, length };
    const target = new Uint8Array(20);
    writeFrameHeader(target, 3, header, undefined);
    assertEquals(target.slice(3, 3 + expected.length), expected);
    writeFrameHeader(target, 0, header, 0x3d21fa37);
    expected[1]! |= 0x80;
    assertEquals(target.slice(0, expected.length + 4), concat(expected, KEY));
  }
});

test("writeFrameHeader sets FIN, RSV1 and the opcode", () => {
  for (
    const [fin, rsv1, opcode, first] of [
      [true, false, TEXT, 0x81],
      [false, false, TEXT, 0x01],
      [true, true, BINARY, 0xc2],
      [false, true, TEXT, 0x41],
      [true, false, CONTINUATION, 0x80],
      [true, false, CLOSE, 0x88],
    ] as const
  ) {
    const target = new Uint8Array(2);
    writeFrameHeader(target, 0, { fin, rsv1, opcode, length: 0 }, undefined);
    assertEquals(target, bytes([first, 0]));
  }
});
