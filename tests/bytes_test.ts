import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { copyOf, encodeUtf8, exceedsUtf8, toPlainBytes } from "../src/bytes.ts";
import { test } from "./harness.ts";
import { NodeBuffer } from "./node_buffer.ts";
import { hex } from "./protocol/frames.ts";

test("copyOf has memory of its own, also where slice would be a view", () => {
  for (const bytes of [new Uint8Array([1, 2, 3]), new NodeBuffer([1, 2, 3])]) {
    const part = bytes.subarray(1);
    const copy = copyOf(part);
    bytes.fill(9);
    assertEquals(copy, new Uint8Array([2, 3]));
    assertStrictEquals(copy.constructor, Uint8Array);
  }
});

test("toPlainBytes leaves plain bytes alone, and others where they are", () => {
  const plain = new Uint8Array([1, 2, 3]);
  assertStrictEquals(toPlainBytes(plain), plain);
  const buffer = new NodeBuffer([1, 2, 3]).subarray(1);
  const bytes = toPlainBytes(buffer);
  assertNotStrictEquals(bytes, buffer);
  assertStrictEquals(bytes.constructor, Uint8Array);
  assertStrictEquals(bytes.buffer, buffer.buffer);
  assertEquals(bytes, new Uint8Array([2, 3]));
});

test("encodeUtf8 makes U+FFFD of lone surrogates (WHATWG USVString)", () => {
  assertEquals(encodeUtf8("a\ud800b"), hex("61efbfbd62"));
  assertEquals(encodeUtf8("\udc00"), hex("efbfbd"));
  assertEquals(encodeUtf8("\ud83d\ude00"), hex("f09f9880"));
});

test("exceedsUtf8 counts bytes, whatever their number for a UTF-16 unit", () => {
  for (const unit of ["", "a", "é", "€", "😀", "\ud800"]) {
    const text = unit.repeat(10);
    const { length } = encodeUtf8(text);
    for (const limit of [-1, 0, 9, 10, 19, 20, 29, 30, 39, 40, 41, Infinity]) {
      assertEquals(exceedsUtf8(text, limit), length > limit, `${unit}, ${limit}`);
    }
  }
});
