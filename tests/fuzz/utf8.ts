/** UTF-8 against the platform's `TextDecoder`, and against RFC 3629's grammar where it fails early. */

import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/bytes.ts";
import { decodeUtf8, encodeUtf8Into, Utf8Validator } from "../../src/protocol/utf8.ts";
import { Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import { readUtf8 } from "./model.ts";
import type { Random } from "./random.ts";

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function platformDecode(bytes: Uint8Array): string | undefined {
  try {
    return fatal.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes at the edges of the grammar's ranges: what sequences begin with, and what they go on with. */
// deno-fmt-ignore
const LEADS = [
  0x00, 0x7f, 0x80, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4,
  0xf5, 0xff,
];
const TAILS = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];

/** Sequences that are sound or nearly so, the last one perhaps cut. */
function edges(random: Random): Uint8Array {
  const bytes: number[] = [];
  for (let count = random.below(5); count > 0; count--) {
    const lead = random.pick(LEADS);
    const tails = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    bytes.push(lead, ...Array.from({ length: tails }, () => random.pick(TAILS)));
  }
  return Uint8Array.from(random.chance(4) ? bytes.slice(0, -1) : bytes);
}

/** Decoding, validating and encoding. */
export const utf8Fuzzer: Fuzzer = {
  name: "utf8",

  generate(random) {
    const valid = new TextEncoder().encode(random.text(random.length(400)));
    const bytes = random.pick([
      () => valid,
      () => random.mutate(valid),
      () => edges(random),
      () => edges(random),
      () =>
        Uint8Array.from([...new Uint8Array(random.below(40)).fill(97), ...random.mutate(valid)]),
    ])();
    return Uint8Array.from([...randomChunking(random), random.below(8), ...bytes]);
  },

  check(input) {
    const settings = new Settings(input);
    const chunking = new Chunking(settings);
    const offset = settings.byte();
    const bytes = settings.rest();
    const expected = platformDecode(bytes);

    // A view within more, with bytes around that are no text.
    const around = new Uint8Array(offset + bytes.length + 3).fill(0xff);
    around.set(bytes, offset);
    for (const engine of ["V8", "JavaScriptCore"] as const) {
      assertEquals(decodeUtf8(around, offset, offset + bytes.length, engine), expected, engine);
    }

    const validator = new Utf8Validator();
    const seen: number[] = [];
    let valid = true;
    for (const chunk of chunking.cut(bytes)) {
      seen.push(...chunk);
      const other = chunk.findIndex((byte) => byte >= 0x80);
      const asciiUntil = offset % 2 === 0 ? 0 : other < 0 ? chunk.length : other;
      valid = validator.push(chunk, 0, chunk.length, asciiUntil);
      assertEquals(valid, readUtf8(seen) !== "invalid", `after ${seen.length} bytes`);
      if (!valid) break;
    }
    // Within a character, no other can begin.
    const mayEnd = valid && validator.push(Uint8Array.of(97), 0, 1);
    assertEquals(mayEnd, expected !== undefined);

    if (expected === undefined) return;
    assertEquals(encodeUtf8(expected), bytes);
    // Cut within a pair of surrogates, as a careless application cuts.
    const text = expected.slice(offset);
    const encoded = new TextEncoder().encode(text);
    const target = new Uint8Array(text.length * 3 + 20).fill(0xee);
    assertEquals(encodeUtf8Into(text, target, 7), encoded.length);
    assertEquals(target.subarray(7, 7 + encoded.length), encoded);
    assert(target.subarray(0, 7).every((byte) => byte === 0xee), "wrote before the offset");
  },
};
