import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { assertEquals, assertThrows } from "@std/assert";
import { Deflater } from "../../src/deflate/deflate.ts";
import { Inflater, InflateStatus } from "../../src/deflate/inflate.ts";
import { chunkings, randomSource, test } from "../harness.ts";
import {
  concat,
  FINAL_BLOCK,
  hex,
  kinds,
  platformDeflate,
  platformInflate,
  utf8,
} from "./helpers.ts";

/** Feeds a message in pieces and ends it. The status is the first that is not Ok. */
function inflate(
  inflater: Inflater,
  pieces: Uint8Array[],
  { limit = 1 << 20, keepWindow = true } = {},
): { status: InflateStatus; output: Uint8Array } {
  for (const piece of pieces) {
    const status = inflater.push(piece, limit);
    if (status !== InflateStatus.Ok) return { status, output: inflater.output };
  }
  return inflater.finish({ keepWindow });
}

const examples: [string, string[], string[]][] = [
  ["one block (7.2.3.1)", ["f2 48 cd c9 c9 07 00"], ["Hello"]],
  ["a shared window (7.2.3.2)", ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"], ["Hello", "Hello"]],
  ["no compression (7.2.3.3)", ["00 05 00 fa ff 48 65 6c 6c 6f 00"], ["Hello"]],
  ["BFINAL (7.2.3.4)", ["f3 48 cd c9 c9 07 00 00"], ["Hello"]],
  ["two blocks (7.2.3.5)", ["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"], ["Hello"]],
  ["an empty message (7.2.3.6)", ["00"], [""]],
  ["BFINAL, and the window of it", ["f3 48 cd c9 c9 07 00 00", "f2 00 11 00 00"], [
    "Hello",
    "Hello",
  ]],
  ["BFINAL in the middle", ["f3 48 05 00 ca c9 c9 07 00"], ["Hello"]],
  ["BFINAL without the byte after it", ["f3 48 cd c9 c9 07 00", "f2 00 11 00 00"], [
    "Hello",
    "Hello",
  ]],
];

test("Inflater reads the examples of RFC 7692 7.2.3, wherever they are cut", () => {
  for (const [name, messages, texts] of examples) {
    const last = hex(messages.at(-1)!);
    for (const pieces of chunkings(last)) {
      const inflater = new Inflater();
      messages.slice(0, -1).forEach((message, i) => {
        assertEquals(inflate(inflater, [hex(message)]).output, utf8(texts[i]!), name);
      });
      const { status, output } = inflate(inflater, pieces);
      assertEquals([status, output], [InflateStatus.Ok, utf8(texts.at(-1)!)], name);
    }
  }
});

test("Inflater forgets the window where it is not kept", () => {
  const inflater = new Inflater();
  inflate(inflater, [hex("f2 48 cd c9 c9 07 00")], { keepWindow: false });
  assertEquals(inflate(inflater, [hex("f2 00 11 00 00")]).status, InflateStatus.Corrupt);
});

test("Inflater finds a message incomplete that does not end in the header of a stored block", () => {
  const incomplete = [
    "",
    "f2",
    "f2 48 cd c9 c9",
    "00 05 00 fa ff 48",
    "00 00 00 ff ff",
    "00 04 00 fb ff",
  ];
  for (const message of incomplete) {
    const inflater = new Inflater();
    assertEquals(inflate(inflater, [hex(message)]).status, InflateStatus.Corrupt, message);
  }
  assertEquals(new Inflater().finish({ keepWindow: true }).status, InflateStatus.Corrupt);
});

test("Inflater keeps to its status once the stream is lost", () => {
  for (
    const [message, limit, lost] of [
      ["06", 10, InflateStatus.Corrupt],
      ["f2 48 cd c9 c9 07 00", 4, InflateStatus.TooLarge],
    ] as const
  ) {
    const inflater = new Inflater();
    assertEquals(inflater.push(hex(message), limit), lost);
    assertEquals(inflater.push(hex("00"), 10), lost);
    const { status, output } = inflater.finish({ keepWindow: true });
    assertEquals([status, output.length, inflater.output.length], [lost, 0, 0]);
    assertEquals(inflater.push(hex("00"), 10), lost);
  }
});

test("Inflater shows the output after each piece", () => {
  const inflater = new Inflater();
  inflater.push(hex("f2 48 05 00 00 00 ff ff"), 10);
  assertEquals(inflater.output, utf8("He"));
  inflater.push(hex("ca c9 c9 07 00"), 10);
  assertEquals(inflater.output, utf8("Hello"));
  inflater.finish({ keepWindow: true });
  assertEquals(inflater.output.length, 0);
});

test("Inflater's output belongs to the caller, unless a view is asked for", () => {
  const inflater = new Inflater();
  const first = inflate(inflater, [hex("f2 48 cd c9 c9 07 00")]).output;
  assertEquals(first.buffer.byteLength, 5);
  inflate(new Inflater(), [hex("00 05 00 fa ff 41 41 41 41 41 00")]);
  assertEquals(first, utf8("Hello"));

  inflater.push(hex("f2 00 11 00 00"), 10);
  const view = inflater.finish({ keepWindow: true, copy: false }).output;
  assertEquals(view, utf8("Hello"));
  assertEquals(view.buffer.byteLength > 5, true);
});

test("Inflaters whose messages overlap in time do not mix them up", () => {
  const message = hex("f2 48 cd c9 c9 07 00");
  const inflaters = Array.from({ length: 5 }, () => new Inflater());
  for (const byte of message) {
    for (const inflater of inflaters) inflater.push(Uint8Array.of(byte), 5);
  }
  for (const inflater of inflaters) {
    assertEquals(inflater.finish({ keepWindow: false }).output, utf8("Hello"));
  }
});

test("Inflater refuses what lies outside of its window", () => {
  for (const windowBits of [8, 9, 11, 14]) {
    // Random bytes have nothing to refer to, unless they come again.
    const input = kinds.random!(1 << windowBits + 1);
    const deflater = new Deflater();
    const messages = [input, input].map((part) => deflater.deflate(part).slice(0, -4));
    const large = new Inflater();
    for (const message of messages) {
      assertEquals(inflate(large, [message]).status, InflateStatus.Ok);
    }
    const tooSmall = new Inflater({ windowBits });
    assertEquals(inflate(tooSmall, [messages[0]!]).status, InflateStatus.Ok);
    assertEquals(inflate(tooSmall, [messages[1]!]).status, InflateStatus.Corrupt);

    // Also within one message.
    const one = new Deflater();
    const text = concat(utf8("some text that comes again"), kinds.run!(1 << windowBits));
    const again = one.deflate(concat(text, utf8("some text that comes again"))).slice(0, -4);
    assertEquals(inflate(new Inflater({ windowBits }), [again]).status, InflateStatus.Corrupt);
  }
});

test("Inflater stops a bomb at the limit, with no more memory than that", () => {
  // Above what a decoder that served another message may still hold.
  const limit = 1_500_000;
  const bomb = new Deflater({ level: 9 }).deflate(new Uint8Array(1 << 24)).slice(0, -4);
  assertEquals(bomb.length < (1 << 24) / 1000, true);
  const inflater = new Inflater();
  let at = 0;
  let status: InflateStatus = InflateStatus.Ok;
  let held = 0;
  for (; status === InflateStatus.Ok; at += 16) {
    held = inflater.output.buffer.byteLength;
    status = inflater.push(bomb.subarray(at, at + 16), limit);
  }
  assertEquals(status, InflateStatus.TooLarge);
  assertEquals(at < 2_000, true, `${at} bytes read`);
  assertEquals(held > 750_000 && held < limit + 16, true, `${held} bytes held`);
});

test("Inflater reads what the platform compresses, in pieces of any size", async () => {
  for (const [kind, make] of Object.entries(kinds)) {
    for (const size of [0, 1, 100, 5000, 65535, 65536, 200_000]) {
      const input = make(size);
      const data = await platformDeflate(input);
      for (const step of size <= 5000 ? [data.length + 1, 1, 9] : [data.length + 1, 1000]) {
        const inflater = new Inflater();
        for (let at = 0; at < data.length; at += step) {
          assertEquals(inflater.push(data.subarray(at, at + step), size), InflateStatus.Ok);
        }
        const { status, output } = inflater.finish({ keepWindow: false });
        assertEquals(status, InflateStatus.Ok);
        const same = output.length === size && output.every((byte, i) => byte === input[i]);
        assertEquals(same, true, `${kind}, ${size} bytes, in pieces of ${step}`);
      }
    }
  }
});

test("Inflater takes what DecompressionStream takes, and makes the same of it", async () => {
  const seed = 21;
  const below = randomSource(seed);
  const strategies = ["DEFAULT_STRATEGY", "FILTERED", "HUFFMAN_ONLY", "RLE", "FIXED"] as const;
  const sources: Uint8Array[] = [];
  for (const make of Object.values(kinds)) {
    for (const name of strategies) {
      for (const level of [0, 1, 6, 9]) {
        const strategy = constants[`Z_${name}`];
        sources.push(new Uint8Array(deflateRawSync(make(3_000), { level, strategy })));
      }
    }
  }
  const seen = { taken: 0, refused: 0 };
  for (let round = 0; round < 800; round++) {
    const data = sources[round % sources.length]!.slice();
    const flips = round < sources.length ? 0 : below(3);
    for (let flip = 0; flip < flips; flip++) data[below(data.length)]! ^= 1 << below(8);
    const expected = await platformInflate(data).catch(() => undefined);
    seen[expected === undefined ? "refused" : "taken"]++;
    if (expected === undefined) continue;
    const inflater = new Inflater();
    const status = inflater.push(data, 1 << 20);
    const made = inflater.output.slice();
    const finished = inflater.finish({ keepWindow: false }).status;
    assertEquals(status, InflateStatus.Ok, `seed ${seed}, round ${round}`);
    if (flips === 0) assertEquals(finished, InflateStatus.Ok);
    // Deno's takes a stream that is cut short, and gives what it has made of it.
    const length = finished === InflateStatus.Ok
      ? Infinity
      : Math.min(made.length, expected.length);
    assertEquals(made.slice(0, length), expected.slice(0, length), `seed ${seed}, round ${round}`);
  }
  assertEquals(seen.taken > 200 && seen.refused > 100, true, JSON.stringify(seen));
});

/** The output as far as it goes, or undefined if zlib finds a fault; it ignores what follows BFINAL. */
function zlibInflate(data: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(inflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }));
  } catch {
    return undefined;
  }
}

test("Inflater and zlib agree on which mutated streams are valid", async () => {
  const seed = 20;
  const below = randomSource(seed);
  const sources = await Promise.all(
    [kinds.text!(60), kinds.json!(700), kinds.period!(900)].map(platformDeflate),
  );
  sources.push(concat(new Deflater().deflate(kinds.random!(40)), FINAL_BLOCK));
  const seen = { valid: 0, invalid: 0 };
  for (let round = 0; round < 2000; round++) {
    const message = `seed ${seed}, round ${round}`;
    const data = sources[round % sources.length]!.slice();
    for (let flips = 1 + below(2); flips > 0; flips--) {
      // Mostly near the beginning, where codes are described.
      data[below(below(2) === 0 ? 20 : data.length)]! ^= 1 << below(8);
    }
    const expected = zlibInflate(data);
    const inflater = new Inflater();
    let output: Uint8Array = new Uint8Array(0);
    let status: InflateStatus = InflateStatus.Ok;
    for (let at = 0; at < data.length && status === InflateStatus.Ok; at++) {
      status = inflater.push(data.subarray(at, at + 1), 1 << 20);
      if (status === InflateStatus.Ok) output = inflater.output.slice();
    }
    seen[expected === undefined ? "invalid" : "valid"]++;
    if (expected === undefined) {
      assertEquals(status, InflateStatus.Corrupt, message);
    } else {
      // Where they differ, a last block ended, and what follows is a fault to one of them only.
      assertEquals(output.slice(0, expected.length), expected, message);
    }
  }
  assertEquals(seen.valid > 100 && seen.invalid > 100, true, JSON.stringify(seen));
});

test("Inflater takes any bytes without throwing, cut anywhere, with equal results", () => {
  const seed = 21;
  const below = randomSource(seed);
  const base = new Deflater().deflate(kinds.json!(400)).slice(0, -4);
  for (let round = 0; round < 3000; round++) {
    const data = round % 3 === 0 ? kinds.random!(below(80)) : base.slice();
    if (data.length > 0) data[below(data.length)] = below(256);
    const whole = inflate(new Inflater(), [data], { limit: 2000 });
    const cut = below(data.length + 1);
    const cutInTwo = [data.subarray(0, cut), data.subarray(cut)];
    const parts = inflate(new Inflater(), cutInTwo, { limit: 2000 });
    assertEquals(parts, whole, `seed ${seed}, round ${round}, cut at ${cut}`);
  }
});

test("Inflater refuses windows that cannot be", () => {
  for (const windowBits of [7, 16, 8.5, NaN]) {
    assertThrows(() => new Inflater({ windowBits }), RangeError, "windowBits is");
  }
});
