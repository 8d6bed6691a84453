import { assertEquals, assertThrows } from "@std/assert";
import { Deflater } from "../../src/deflate/deflate.ts";
import { Inflater, InflateStatus } from "../../src/deflate/inflate.ts";
import { test } from "../harness.ts";
import { concat, FINAL_BLOCK, hex, kinds, platformInflate, utf8 } from "./helpers.ts";

const levels = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const windows = [8, 9, 10, 12, 15];
const sizes = [0, 1, 2, 3, 4, 5, 257, 258, 259, 1000, 5000];
const blockSizes = [32767, 32768, 32769, 65534, 65535, 65536];

/** Checks that a message comes back, and that it needs no more than the window. */
function assertComesBack(
  compressed: Uint8Array,
  { inflater, input, what }: { inflater: Inflater; input: Uint8Array; what: string },
): void {
  assertEquals(compressed.subarray(-4), hex("00 00 ff ff"), what);
  inflater.push(compressed.subarray(0, -4), input.length);
  const { status, output } = inflater.finish({ keepWindow: true });
  assertEquals(status, InflateStatus.Ok, what);
  if (!equal(output, input)) throw new Error(`Differs: ${what}`);
}

/** What `assertEquals` finds out only slowly for long arrays. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

test("Deflater's messages come back, at every level and window, with context takeover", () => {
  for (const level of levels) {
    for (const windowBits of windows) {
      const deflater = new Deflater({ level, windowBits });
      const inflater = new Inflater({ windowBits });
      for (const [kind, make] of Object.entries(kinds)) {
        for (const size of sizes) {
          const input = make(size);
          const what = `level ${level}, window ${windowBits}, ${kind}, ${size} bytes`;
          assertComesBack(deflater.deflate(input), { inflater, input, what });
        }
      }
    }
  }
});

test("Deflater's messages come back around the limits of blocks and windows", () => {
  for (const level of [1, 4, 6]) {
    for (const windowBits of [8, 15]) {
      const deflater = new Deflater({ level, windowBits });
      const inflater = new Inflater({ windowBits });
      for (const [kind, make] of Object.entries(kinds)) {
        for (const size of blockSizes) {
          const input = make(size);
          const what = `level ${level}, window ${windowBits}, ${kind}, ${size} bytes`;
          assertComesBack(deflater.deflate(input), { inflater, input, what });
        }
      }
    }
  }
});

test("Deflater's messages stand for themselves after a reset", async () => {
  for (const level of levels) {
    const deflater = new Deflater({ level, windowBits: 9 });
    for (const make of Object.values(kinds)) {
      for (const size of [0, 1, 300, 20_000]) {
        const input = make(size);
        const compressed = deflater.deflate(input).slice();
        deflater.reset();
        assertEquals(await platformInflate(concat(compressed, FINAL_BLOCK)), input);
      }
    }
  }
});

test("Deflater's messages in a row are one stream to the platform", async () => {
  const deflater = new Deflater();
  const inputs = Object.values(kinds).flatMap((make) => [make(100), make(3000), make(100)]);
  const compressed = inputs.map((input) => deflater.deflate(input).slice());
  assertEquals(await platformInflate(concat(...compressed, FINAL_BLOCK)), concat(...inputs));
});

test("Deflater refers to earlier messages (RFC 7692 7.2.3.3), and no longer after a reset", () => {
  const deflater = new Deflater();
  const hello = utf8("Hello");
  assertEquals(deflater.deflate(hello), hex("f2 48 cd c9 c9 07 00 00 00 ff ff"));
  assertEquals(deflater.deflate(hello), hex("02 13 00 00 00 00 ff ff"));
  deflater.reset();
  assertEquals(deflater.deflate(hello), hex("f2 48 cd c9 c9 07 00 00 00 ff ff"));
});

test("Deflater compresses an empty message to an empty stored block (RFC 7692 7.2.3.6)", () => {
  const deflater = new Deflater();
  assertEquals(deflater.deflate(new Uint8Array(0)), hex("00 00 00 ff ff"));
});

test("Deflater refers back as far as its window goes, and never further", () => {
  for (const windowBits of windows) {
    const size = 1 << windowBits;
    for (const [distance, referred] of [[size, true], [size + 1, false]] as const) {
      // Nothing is repeated but the first bytes, which lie `distance` back when they come again.
      const first = kinds.random!(distance);
      const again = first.slice(0, 30);
      const deflater = new Deflater({ windowBits });
      const inflater = new Inflater({ windowBits });
      const what = `distance ${distance}, window ${windowBits}`;
      assertComesBack(deflater.deflate(first), { inflater, input: first, what });
      const compressed = deflater.deflate(again);
      assertEquals(compressed.length < 15, referred, what);
      assertComesBack(compressed, { inflater, input: again, what });
    }
  }
});

test("Deflater does not blow up what cannot be compressed", () => {
  for (const level of levels) {
    for (const size of [0, 1, 10, 1000, 65535, 200_000]) {
      const deflater = new Deflater({ level });
      const compressed = deflater.deflate(kinds.random!(size));
      const blocks = Math.ceil(size / 16384) + 1;
      assertEquals(compressed.length <= size + 5 * blocks + 1, true, `${size} bytes`);
    }
  }
});

test("Deflater gets smaller with the level", () => {
  for (const make of [kinds.text!, kinds.json!]) {
    const input = make(100_000);
    const lengths = levels.map((level) => new Deflater({ level }).deflate(input).length);
    const rising = lengths.findIndex((length, i) => i > 0 && length > lengths[i - 1]! * 1.01);
    assertEquals(rising, -1, lengths.join(" "));
    assertEquals(lengths[8]! < lengths[0]! * 0.95, true);
  }
});

test("Deflater takes 16 MiB at once", () => {
  const input = new Uint8Array(1 << 24);
  const part = kinds.json!(100_000);
  for (let at = 0; at + part.length <= input.length; at += part.length + 7) input.set(part, at);
  const compressed = new Deflater({ level: 1 }).deflate(input).slice();
  const inflater = new Inflater();
  assertEquals(inflater.push(compressed.subarray(0, -4), input.length), InflateStatus.Ok);
  const { output } = inflater.finish({ keepWindow: false, copy: false });
  assertEquals(output.length, input.length);
  for (let i = 0; i < input.length; i += 101) {
    if (output[i] !== input[i]) throw new Error(`Differs at ${i}`);
  }
});

test("Deflaters do not mix up their histories", () => {
  const one = new Deflater({ windowBits: 10 });
  const other = new Deflater({ windowBits: 10 });
  const inflaters = [new Inflater({ windowBits: 10 }), new Inflater({ windowBits: 10 })];
  for (let round = 0; round < 20; round++) {
    const inputs = [kinds.json!(300 + round), kinds.text!(300 + round)];
    [one, other].forEach((deflater, i) => {
      const what = `round ${round}`;
      const input = inputs[i]!;
      assertComesBack(deflater.deflate(input), { inflater: inflaters[i]!, input, what });
    });
    if (round === 10) {
      one.reset();
      const shared = new Deflater({ windowBits: 10 });
      shared.deflate(kinds.random!(50));
    }
  }
});

test("Deflater refuses options that cannot be", () => {
  for (const level of [0, 10, 1.5, -1, NaN]) {
    assertThrows(() => new Deflater({ level }), RangeError, "level is");
  }
  for (const windowBits of [7, 16, 9.5, NaN]) {
    assertThrows(() => new Deflater({ windowBits }), RangeError, "windowBits is");
  }
});
