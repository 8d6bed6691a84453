import { assertEquals } from "@std/assert";
import { copyBytes, copyUnmasked, copyUnmaskedWords } from "../../src/protocol/copy.ts";
import { test } from "../harness.ts";

const KEY = [0x37, 0xfa, 0x21, 0x9d];
const WORD = 0x37 | 0xfa << 8 | 0x21 << 16 | 0x9d << 24;

function createBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i + 1);
}

test("copyBytes copies every length to its place and nothing beyond", () => {
  for (let length = 0; length <= 200; length++) {
    const source = createBytes(length);
    const target = new Uint8Array(length + 8);
    copyBytes(source, target, 3);
    assertEquals(target, Uint8Array.of(0, 0, 0, ...source, 0, 0, 0, 0, 0));
  }
});

test("copyUnmasked fills its target from any place, and unmasks (RFC 6455 5.3)", () => {
  for (let length = 0; length <= 70; length++) {
    for (let start = 0; start < 5; start++) {
      const source = createBytes(start + length + 3);
      const target = new Uint8Array(length);
      copyUnmasked(source, start, target, WORD);
      assertEquals(
        target,
        source.slice(start, start + length).map((byte, i) => byte ^ KEY[i % 4]!),
      );
    }
  }
});

test("copyUnmaskedWords does the same by words, and touches nothing else", () => {
  for (let length = 0; length <= 70; length++) {
    for (let start = 0; start < 5; start++) {
      const source = createBytes(start + length + 3);
      const buffer = new ArrayBuffer(88);
      const target = new Uint8Array(buffer, 8, length);
      const view = new DataView(source.buffer, source.byteOffset, source.length);
      copyUnmaskedWords(view, start, new Int32Array(buffer), 2, target, WORD);
      const unmasked = source.slice(start, start + length).map((byte, i) => byte ^ KEY[i % 4]!);
      const expected = new Uint8Array(88);
      expected.set(unmasked, 8);
      assertEquals(new Uint8Array(buffer), expected, `length ${length}, start ${start}`);
    }
  }
});
