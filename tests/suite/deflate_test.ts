import { assert, assertEquals, assertThrows } from "@std/assert";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { randomSource, test } from "../harness.ts";
import { BitWriter, DeflateError, Deflater, Inflater } from "./deflate.ts";
import { hex, letters } from "./steps.ts";

const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };

/** Letters of a small alphabet: much repeats, near and far. */
function babble(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = randomSource(seed);
  return Uint8Array.from({ length }, () => 97 + random(4));
}

test("Inflater of the suite reads what zlib writes (RFC 1951)", () => {
  for (const level of [0, 1, 6, 9]) {
    for (const length of [0, 1, 100, 5000, 70000]) {
      const message = babble(length, length);
      const flushed = deflateRawSync(message, { ...FLUSH, level });
      assertEquals(new Inflater(false).inflate(flushed.subarray(0, -4)), message);
    }
  }
});

test("Deflater of the suite writes what zlib reads (RFC 1951)", () => {
  for (const length of [0, 1, 100, 5000, 70000]) {
    const message = babble(length, length);
    const payload = new Deflater(15, false).deflate(message);
    const inflated = inflateRawSync(new Uint8Array([...payload, 0, 0, 0xff, 0xff]), FLUSH);
    assertEquals(new Uint8Array(inflated), message);
  }
});

test("Deflater of the suite uses all of its window and no more (RFC 7692 7.1.2)", () => {
  for (const bits of [8, 9, 10, 12, 15]) {
    const deflater = new Deflater(bits, true);
    const inflater = new Inflater(true);
    const message = letters(2 ** bits);
    for (let i = 0; i < 3; i++) assertEquals(inflater.inflate(deflater.deflate(message)), message);
    assertEquals(inflater.maxDistance, 2 ** bits);
  }
});

test("Deflater and Inflater of the suite keep the window only if told (RFC 7692 7.1.1)", () => {
  const message = letters(50);
  const keeping = new Deflater(15, true), forgetting = new Deflater(15, false);
  const [first, second] = [keeping.deflate(message), keeping.deflate(message)];
  assert(second.length < first.length / 2);
  assertEquals(forgetting.deflate(message).length, forgetting.deflate(message).length);
  const inflater = new Inflater(false);
  inflater.inflate(first);
  assertThrows(() => inflater.inflate(second), DeflateError, "distance too far back");
});

test("Inflater of the suite refuses what is no DEFLATE (RFC 1951 3.2)", () => {
  const inflate = (bytes: Uint8Array) => () => new Inflater(false).inflate(bytes);
  assertThrows(inflate(hex("06 00")), DeflateError, "invalid block type");
  assertThrows(inflate(hex("00 05 00 00 00")), DeflateError, "invalid stored length");
  assertThrows(inflate(hex("00 64 00 9b ff 48")), DeflateError, "ends early");
  const far = new BitWriter().bits(0, 1).bits(1, 2).reference(3, 1).finish();
  assertThrows(inflate(far), DeflateError, "distance too far back");
});

test("Inflater of the suite reads the examples of RFC 7692 7.2.3", () => {
  const inflater = new Inflater(true);
  const examples = [
    "f2 48 cd c9 c9 07 00",
    "f2 00 11 00 00",
    "00 05 00 fa ff 48 65 6c 6c 6f 00",
    "f3 48 cd c9 c9 07 00 00",
    "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
  ];
  for (const example of examples) {
    assertEquals(new TextDecoder().decode(inflater.inflate(hex(example))), "Hello", example);
  }
});
