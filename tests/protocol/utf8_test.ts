import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/bytes.ts";
import {
  decodeUtf8,
  encodeUtf8Into,
  encodeUtf8Within,
  looksLikeAscii,
  Utf8Validator,
} from "../../src/protocol/utf8.ts";
import { chunkings, randomSource, test } from "../harness.ts";
import { concat, hex, KEY, maskNaively, randomBytes } from "./frames.ts";

/** Valid texts, around every boundary between lengths. */
const VALID: readonly (readonly [digits: string, text: string])[] = [
  ["", ""],
  ["00", "\0"],
  ["7f", "\x7f"],
  ["c280", "\x80"],
  ["dfbf", "\u07ff"],
  ["e0a080", "\u0800"],
  ["ed9fbf", "\ud7ff"],
  ["ee8080", "\ue000"],
  ["efbfbd", "\ufffd"],
  ["efbfbf", "\uffff"],
  ["f0908080", "\u{10000}"],
  ["f48fbfbf", "\u{10ffff}"],
  ["efbbbf61", "\ufeffa"],
  ["cebae1bdb9cf83cebcceb5", "\u03ba\u1f79\u03c3\u03bc\u03b5"],
  ["61c3a9e282acf09f98807a", "aé€😀z"],
];

/** Invalid ones, with how many bytes may be seen before they cannot be valid any more. */
const INVALID: readonly (readonly [digits: string, wrongAt: number, why: string])[] = [
  ["80", 0, "a stray continuation byte"],
  ["bf", 0, "a stray continuation byte"],
  ["6180", 1, "a stray continuation byte"],
  ["c080", 0, "an overlong form of two bytes"],
  ["c1bf", 0, "an overlong form of two bytes"],
  ["e08080", 1, "an overlong form of three bytes"],
  ["e09fbf", 1, "an overlong form of three bytes"],
  ["f0808080", 1, "an overlong form of four bytes"],
  ["f08fbfbf", 1, "an overlong form of four bytes"],
  ["eda080", 1, "a high surrogate"],
  ["edbfbf", 1, "a low surrogate"],
  ["eda081edb080", 1, "a surrogate pair"],
  ["f4908080", 1, "beyond U+10FFFF"],
  ["f5808080", 0, "beyond U+10FFFF"],
  ["f888808080", 0, "a form of five bytes"],
  ["fc8480808080", 0, "a form of six bytes"],
  ["fe", 0, "no byte of UTF-8"],
  ["ff", 0, "no byte of UTF-8"],
  ["c241", 1, "a sequence of two bytes broken off"],
  ["e2c2a0", 1, "a sequence of three bytes broken off"],
  ["e28241", 2, "a sequence of three bytes broken off"],
  ["f0908041", 3, "a sequence of four bytes broken off"],
  ["cebae1bdb9cf83eda080656469746564", 8, "a surrogate after valid text (Autobahn 6.4)"],
];

/** Texts cut within a character. */
const TRUNCATED = ["c2", "e0", "e0a0", "e282", "ed9f", "f0", "f090", "f09080", "f48fbf", "61c3"];

/** Whether a text may end where a validator stands: within a character, no other can begin. */
function mayEnd(validator: Utf8Validator): boolean {
  return validator.push(hex("78"), 0, 1);
}

test("Utf8Validator takes valid text, cut anywhere (RFC 6455 8.1)", () => {
  for (const [digits] of VALID) {
    for (const padding of ["", "0123456789"]) {
      for (const pieces of chunkings(concat(padding, hex(digits), padding))) {
        const validator = new Utf8Validator();
        for (const piece of pieces) assert(validator.push(piece, 0, piece.length), digits);
        assert(mayEnd(validator), digits);
      }
    }
  }
});

test("Utf8Validator fails at the first byte that cannot be right (RFC 6455 8.1)", () => {
  for (const [digits, wrongAt, why] of INVALID) {
    for (const padding of ["", "01234567", "0123456789ab"]) {
      const text = concat(padding, hex(digits), padding);
      const bad = padding.length + wrongAt;
      assert(new Utf8Validator().push(text, 0, bad), `${digits}: ${why}, up to the bad byte`);
      assertEquals(new Utf8Validator().push(text, 0, bad + 1), false, `${digits}: ${why}`);
      for (const pieces of chunkings(text)) {
        const validator = new Utf8Validator();
        const verdict = pieces.every((piece) => validator.push(piece, 0, piece.length));
        assertEquals(verdict, false, `${digits}: ${why}`);
      }
    }
  }
});

test("Utf8Validator judges large pieces as small ones, wherever they are cut (RFC 6455 8.1)", () => {
  for (const engine of ["V8", "JavaScriptCore"] as const) {
    for (const [size, cuts] of [[300, 300], [65_536, 8], [200_000, 8]] as const) {
      for (const filler of ["x", "é", "€", "😀", "\ufffd"]) {
        const padding = new TextEncoder().encode(filler.repeat(size / encodeUtf8(filler).length));
        for (const [digits, wrongAt] of [["f09f9880", undefined] as const, ...INVALID]) {
          if (size > 300 && wrongAt === 0) continue;
          const text = concat(padding, hex(digits), padding);
          const bad = wrongAt === undefined ? text.length : padding.length + wrongAt;
          const middle = padding.length;
          for (let cut = middle - cuts / 2; cut < middle + 8; cut++) {
            const validator = new Utf8Validator(engine);
            const verdict = validator.push(text, 0, cut);
            const what = `${engine}: ${digits} behind ${middle} bytes of ${filler}, cut at ${cut}`;
            if (verdict !== cut <= bad) assertEquals(verdict, cut <= bad, what);
            if (!verdict) continue;
            const rest = validator.push(text, cut, text.length) && mayEnd(validator);
            if (rest !== (wrongAt === undefined)) assertEquals(rest, wrongAt === undefined, what);
          }
        }
      }
    }
  }
});

test("Utf8Validator waits for the rest of a character, until the next text begins", () => {
  for (const digits of TRUNCATED) {
    const validator = new Utf8Validator();
    const text = hex(digits);
    assert(validator.push(text, 0, text.length), digits);
    assertEquals(mayEnd(validator), false, digits);
    validator.reset();
    assert(mayEnd(validator));
    assert(validator.push(hex("c280"), 0, 2));
    assert(mayEnd(validator));
  }
});

test("Utf8Validator looks only at the range it is given", () => {
  const text = concat([0xff], "ok", [0xff]);
  assert(new Utf8Validator().push(text, 1, 3));
});

test("Utf8Validator passes over what is known to be ASCII, which may not be within a character", () => {
  const text = hex("616263c3a9");
  for (const known of [0, 1, 3]) {
    const validator = new Utf8Validator();
    assert(validator.push(text, 0, 4, known));
    assertEquals(validator.push(text, 0, 3, known), false, `${known}`);
    const other = new Utf8Validator();
    assert(other.push(text, 0, 4, known) && other.push(text, 4, 5, 4) && mayEnd(other));
  }
});

test("Utf8Validator agrees with TextDecoder on every lead byte and second byte", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let lead = 0; lead < 256; lead++) {
    for (let second = 0; second < 256; second++) {
      for (const tail of [[], [0x80], [0x80, 0x80], [0x41]]) {
        const text = Uint8Array.of(lead, second, ...tail);
        let expected = true;
        try {
          decoder.decode(text);
        } catch {
          expected = false;
        }
        const validator = new Utf8Validator();
        const verdict = validator.push(text, 0, text.length) && mayEnd(validator);
        if (verdict !== expected) assertEquals(verdict, expected, text.join(" "));
      }
    }
  }
});

test("decodeUtf8 decodes valid text, keeps a BOM, and refuses the rest (RFC 6455 8.1)", () => {
  for (const padding of ["", "x".repeat(40)]) {
    for (const [digits, text] of VALID) {
      const bytes = concat([0xff], padding, hex(digits), [0xff]);
      assertEquals(decodeUtf8(bytes, 1, bytes.length - 1), padding + text, digits);
    }
    for (const digits of [...INVALID.map(([digits]) => digits), ...TRUNCATED]) {
      const bytes = concat(padding, hex(digits));
      for (const engine of ["V8", "JavaScriptCore"] as const) {
        assertEquals(decodeUtf8(bytes, 0, bytes.length, engine), undefined, digits);
      }
    }
  }
});

test("decodeUtf8 decodes ASCII of every length", () => {
  const text = "The quick brown fox jumps over the lazy dog. 0123456789".repeat(4);
  const bytes = new TextEncoder().encode(text);
  for (let start = 0; start < 5; start++) {
    for (let end = start; end <= bytes.length; end++) {
      for (const engine of ["V8", "JavaScriptCore"] as const) {
        assertEquals(decodeUtf8(bytes, start, end, engine), text.slice(start, end));
      }
    }
  }
});

test("decodeUtf8 unmasks what it decodes, at every length and place (RFC 6455 5.3)", () => {
  const key = KEY[0]! | (KEY[1]! << 8) | (KEY[2]! << 16) | (KEY[3]! << 24);
  for (const engine of ["V8", "JavaScriptCore"] as const) {
    for (let length = 0; length <= 125; length++) {
      const ascii = new Uint8Array(length).map((_, i) => 0x20 + (i * 7) % 0x5f);
      // With a character of two bytes here or there, and with a byte that no text can have.
      const texts = [ascii];
      for (let at = 0; at + 1 < length; at += length < 64 ? 1 : 11) {
        texts.push(ascii.slice());
        texts.at(-1)!.set([0xc3, 0xa9], at);
        texts.push(ascii.slice());
        texts.at(-1)![at] = 0xff;
      }
      for (const plain of texts) {
        const chunk = concat(new Uint8Array(3), maskNaively(plain, KEY), new Uint8Array(2));
        const expected = decodeUtf8(plain, 0, length, engine);
        assertEquals(
          decodeUtf8(chunk, 3, 3 + length, engine, key),
          expected,
          `${engine}: ${plain}`,
        );
      }
    }
  }
});

test("decodeUtf8 agrees with TextDecoder on random bytes", () => {
  const seed = 20_260_101;
  const random = randomSource(seed);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let round = 0; round < 5_000; round++) {
    const bytes = randomBytes(random, random(6)).map((byte) =>
      random(2) === 0 ? byte & 0x7f : byte
    );
    let expected: string | undefined;
    try {
      expected = decoder.decode(bytes);
    } catch {
      expected = undefined;
    }
    assertEquals(decodeUtf8(bytes, 0, bytes.length), expected, `seed ${seed}, round ${round}`);
  }
});

test("encodeUtf8Into writes in place, at every length, and nothing outside", () => {
  const texts = [...VALID.map(([, text]) => text), "a\ud800b", "\udc00"];
  for (const text of texts) {
    for (const padding of [0, 1, 20, 23, 24, 25, 100]) {
      const padded = "p".repeat(padding) + text;
      const expected = new TextEncoder().encode(padded);
      const target = new Uint8Array(5 + padded.length * 3 + 4).fill(0xee);
      assertEquals(encodeUtf8Into(padded, target, 5), expected.length);
      assertEquals(target.subarray(5, 5 + expected.length), expected);
      assertEquals(target.subarray(0, 5), new Uint8Array(5).fill(0xee));
      assertEquals(target.at(-1), 0xee);
    }
  }
});

test("encodeUtf8Within writes a text that fits, and tells of one that does not", () => {
  for (const text of ["", "abc", "abé", "é", "€", "a😀", "\ud800"]) {
    const expected = new TextEncoder().encode(text);
    for (let room = 0; room <= expected.length + 1; room++) {
      const target = new Uint8Array(12);
      const fits = room >= expected.length;
      const what = `${text} in ${room}`;
      assertEquals(encodeUtf8Within(text, target, 2, 2 + room), fits ? expected.length : -1, what);
      if (fits) assertEquals(target.subarray(2, 2 + expected.length), expected, what);
      assertEquals(target.subarray(2 + room), new Uint8Array(10 - room), what);
    }
  }
});

test("looksLikeAscii takes all that is ASCII, and little that is not", () => {
  for (const length of [0, 1, 15, 16, 17, 31, 5_000, 100_000]) {
    assert(looksLikeAscii("x".repeat(length)), `${length}`);
    for (const other of ["é", "漢"]) {
      if (length > 0) assert(!looksLikeAscii(other.repeat(length)), `${length} of ${other}`);
    }
  }
  assert(!looksLikeAscii("漢 字 ".repeat(5_000)));
});
