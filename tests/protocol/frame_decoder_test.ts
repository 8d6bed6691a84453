import { assert, assertEquals } from "@std/assert";
import { FrameDecoder, type FrameSink } from "../../src/protocol/frame_decoder.ts";
import { applyMask } from "../../src/protocol/mask.ts";
import type { Violation } from "../../src/protocol/violation.ts";
import { chunkings, randomSource, test } from "../harness.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  frame,
  frameFor,
  hex,
  KEY,
  maskNaively,
  PING,
  PONG,
  randomBytes,
  ROLES,
  TEXT,
} from "./frames.ts";

interface DecodedFrame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly payload: number[];
  complete: boolean;
}

/** Notes frames, following the fragments as an endpoint does. */
class FrameNotes implements FrameSink {
  inMessage = false;
  readonly unmasks: boolean;
  readonly frames: DecodedFrame[] = [];
  refuse: ((length: number) => Violation | undefined) | undefined;
  /** The keys of pieces that came masked. */
  readonly keys: number[] = [];

  constructor(unmasks = false) {
    this.unmasks = unmasks;
  }

  onHeader(
    fin: boolean,
    rsv1: boolean,
    opcode: number,
    length: number,
  ): Violation | undefined {
    if (opcode < CLOSE) this.inMessage = !fin;
    this.frames.push({ fin, rsv1, opcode, length, payload: [], complete: false });
    return this.refuse?.(length);
  }

  onWholeMessage(
    text: boolean,
    chunk: Uint8Array,
    start: number,
    end: number,
    key: number,
  ): undefined {
    this.onHeader(true, false, text ? TEXT : BINARY, end - start);
    applyMask(chunk, start, end, key);
    this.onPayload(chunk, start, end, true, 0);
  }

  onPayload(chunk: Uint8Array, start: number, end: number, last: boolean, key: number): undefined {
    const frame = this.frames.at(-1)!;
    if (key !== 0) this.keys.push(key);
    applyMask(chunk, start, end, key);
    for (let at = start; at < end; at++) frame.payload.push(chunk[at]!);
    frame.complete = last;
  }
}

function decode(
  pieces: readonly Uint8Array[],
  rules = { masked: false, compression: false },
  notes = new FrameNotes(),
): { notes: FrameNotes; violation: Violation | undefined } {
  const decoder = new FrameDecoder(rules, notes);
  for (const piece of pieces) decoder.decode(piece.slice(), 0);
  return { notes, violation: decoder.violation };
}

test("FrameDecoder decodes the examples of RFC 6455 5.7, cut anywhere", () => {
  const examples: readonly (readonly [digits: string, masked: boolean, frames: unknown[][]])[] = [
    ["81 05 48 65 6c 6c 6f", false, [[true, TEXT, "Hello"]]],
    ["81 85 37 fa 21 3d 7f 9f 4d 51 58", true, [[true, TEXT, "Hello"]]],
    ["01 03 48 65 6c 80 02 6c 6f", false, [[false, TEXT, "Hel"], [true, CONTINUATION, "lo"]]],
    ["89 05 48 65 6c 6c 6f", false, [[true, PING, "Hello"]]],
    ["8a 85 37 fa 21 3d 7f 9f 4d 51 58", true, [[true, PONG, "Hello"]]],
  ];
  for (const [digits, masked, expected] of examples) {
    for (const pieces of chunkings(hex(digits))) {
      const { notes, violation } = decode(pieces, { masked, compression: false });
      assertEquals(violation, undefined);
      const found = notes.frames.map(({ fin, opcode, payload }) => [
        fin,
        opcode,
        new TextDecoder().decode(Uint8Array.from(payload)),
      ]);
      assertEquals(found, expected);
      assert(notes.frames.every((each) => each.complete));
    }
  }
});

test("FrameDecoder reads lengths in all three forms, at their boundaries (RFC 6455 5.2)", () => {
  for (const length of [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 70_000]) {
    for (const masked of [false, true]) {
      const payload = new Uint8Array(length).map((_, i) => i * 13);
      const wire = frame(BINARY, payload, { key: masked ? KEY : undefined });
      for (const cut of [1, 2, 3, 5, 9, 10, 11, 13, 14, 15, wire.length - 1]) {
        const { notes, violation } = decode([wire.subarray(0, cut), wire.subarray(cut)], {
          masked,
          compression: false,
        });
        assertEquals(violation, undefined);
        assertEquals(notes.frames.length, 1);
        assertEquals(notes.frames[0]!.length, length);
        assert(equalBytes(notes.frames[0]!.payload, payload), `${length} cut at ${cut}`);
        assert(notes.frames[0]!.complete);
      }
    }
  }
});

test("FrameDecoder takes lengths that are longer than need be (RFC 6455 5.2)", () => {
  for (
    const [length, lengthSize] of [[0, 2], [5, 2], [125, 2], [0, 8], [5, 8], [126, 8], [
      65_535,
      8,
    ]] as const
  ) {
    for (const role of ROLES) {
      const wire = frameFor(role, BINARY, new Uint8Array(length).fill(9), { lengthSize });
      const { notes, violation } = decode([wire], {
        masked: role === "server",
        compression: false,
      });
      assertEquals(violation, undefined);
      assertEquals(notes.frames[0]!.payload.length, length);
      assert(notes.frames[0]!.complete);
    }
  }
});

test("FrameDecoder reads 64-bit lengths as unsigned big-endian numbers (RFC 6455 5.2)", () => {
  const cases: readonly (readonly [bigint, number])[] = [
    [2n ** 31n - 1n, 2 ** 31 - 1],
    [2n ** 31n, 2 ** 31],
    [2n ** 32n - 1n, 2 ** 32 - 1],
    [2n ** 32n, 2 ** 32],
    [2n ** 32n + 1n, 2 ** 32 + 1],
    [0x0001_0203_0405_0607n, 0x0001_0203_0405_0607],
    [2n ** 53n - 1n, Number.MAX_SAFE_INTEGER],
    [2n ** 53n, Infinity],
    [2n ** 53n + 1n, Infinity],
    [2n ** 63n - 1n, Infinity],
  ];
  for (const [length, told] of cases) {
    for (const pieces of chunkings(frame(BINARY, "", { length }))) {
      const { notes, violation } = decode(pieces);
      assertEquals(violation, undefined);
      assertEquals(notes.frames[0]!.length, told);
    }
  }
});

test("FrameDecoder refuses a length with its most significant bit set (RFC 6455 5.2)", () => {
  for (const length of [2n ** 63n, 2n ** 64n - 1n]) {
    for (const pieces of chunkings(frame(BINARY, "", { length }))) {
      const { notes, violation } = decode(pieces);
      assertEquals(violation?.closeCode, 1002);
      assertEquals(notes.frames, []);
    }
  }
});

/** What is wrong with a header, whichever side receives it. */
const VIOLATIONS:
  readonly (readonly [what: string, make: (role: typeof ROLES[number]) => Uint8Array])[] = [
    ["RSV1 without compression (5.2)", (role) => frameFor(role, TEXT, "", { reserved: 4 })],
    ["RSV2 (5.2)", (role) => frameFor(role, TEXT, "", { reserved: 2 })],
    ["RSV3 (5.2)", (role) => frameFor(role, BINARY, "a", { reserved: 1 })],
    ["all reserved bits (5.2)", (role) => frameFor(role, PING, "", { reserved: 7 })],
    ["a reserved bit on a Close frame (5.2)", (role) => frameFor(role, CLOSE, "", { reserved: 2 })],
    ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((opcode) =>
      [
        `opcode ${opcode} (5.2)`,
        (role: typeof ROLES[number]) => frameFor(role, opcode),
      ] as const
    ),
    [
      "the wrong masking (5.1)",
      (role) => frame(TEXT, "", { key: role === "server" ? undefined : KEY }),
    ],
    [
      "the wrong masking of a Close (5.1)",
      (role) => frame(CLOSE, "", { key: role === "server" ? undefined : KEY }),
    ],
    [
      "the wrong masking of a payload (5.1)",
      (role) => frame(BINARY, "abc", { key: role === "server" ? undefined : KEY }),
    ],
    ["a fragmented ping (5.5)", (role) => frameFor(role, PING, "", { fin: false })],
    ["a fragmented pong (5.5)", (role) => frameFor(role, PONG, "", { fin: false })],
    ["a fragmented Close (5.5)", (role) => frameFor(role, CLOSE, "", { fin: false })],
    ["a ping of 126 bytes (5.5)", (role) => frameFor(role, PING, new Uint8Array(126))],
    ["a pong of 65536 bytes (5.5)", (role) => frameFor(role, PONG, new Uint8Array(65_536))],
    ["a Close of 126 bytes (5.5)", (role) => frameFor(role, CLOSE, new Uint8Array(126))],
    [
      "a ping of 5 bytes with a long length (5.5)",
      (role) => frameFor(role, PING, "12345", { lengthSize: 2 }),
    ],
    ["a stray last continuation (5.4)", (role) => frameFor(role, CONTINUATION, "a")],
    ["a stray continuation (5.4)", (role) => frameFor(role, CONTINUATION, "a", { fin: false })],
    [
      "a text message within another (5.4)",
      (role) => concat(frameFor(role, TEXT, "a", { fin: false }), frameFor(role, TEXT, "b")),
    ],
    ["a binary fragment within another (5.4)", (role) =>
      concat(
        frameFor(role, TEXT, "a", { fin: false }),
        frameFor(role, BINARY, "b", { fin: false }),
      )],
    ["a continuation after the last one (5.4)", (role) =>
      concat(
        frameFor(role, TEXT, "a", { fin: false }),
        frameFor(role, CONTINUATION, "b"),
        frameFor(role, CONTINUATION, "c"),
      )],
  ];

for (const role of ROLES) {
  for (const [what, make] of VIOLATIONS) {
    test(`FrameDecoder of a ${role} refuses ${what} with 1002, cut anywhere (RFC 6455)`, () => {
      const follower = frameFor(role, TEXT, "never seen");
      const wire = make(role);
      const whole = decode([concat(wire, follower)], {
        masked: role === "server",
        compression: false,
      });
      assertEquals(whole.violation?.closeCode, 1002);
      const frames = whole.notes.frames.length;
      for (const cut of [...Array(Math.min(wire.length, 20)).keys()].slice(1)) {
        const { notes, violation } = decode(
          [wire.subarray(0, cut), wire.subarray(cut), follower],
          { masked: role === "server", compression: false },
        );
        assertEquals(violation?.closeCode, 1002);
        assertEquals(notes.frames.length, frames);
      }
      const single = Array.from(concat(wire, follower), (byte) => Uint8Array.of(byte));
      const byByte = decode(single, { masked: role === "server", compression: false });
      assertEquals(byByte.violation?.closeCode, 1002);
    });
  }
}

test("FrameDecoder judges a header by its first two bytes, without waiting for the rest", () => {
  for (const role of ROLES) {
    const bad = frameFor(role, PING, new Uint8Array(126));
    const { violation } = decode([bad.subarray(0, 2)], {
      masked: role === "server",
      compression: false,
    });
    assertEquals(violation?.closeCode, 1002);
  }
});

test("FrameDecoder hands a refused header's payload to nobody", () => {
  for (const length of [1000, 100]) {
    const notes = new FrameNotes();
    notes.refuse = () => ({ closeCode: 1009, message: "too big" });
    const decoder = new FrameDecoder({ masked: false, compression: true }, notes);
    decoder.decode(frame(BINARY, new Uint8Array(length), { reserved: 4 }), 0);
    assertEquals(decoder.violation?.closeCode, 1009);
    assertEquals(notes.frames[0]!.payload, []);
  }
});

test("FrameDecoder stops behind the frame under way when halted, and goes on from there", () => {
  const wire = concat(frame(TEXT, "one"), frame(TEXT, "two"), frame(TEXT, ""), frame(PING, "p"));
  const notes = new FrameNotes();
  const decoder: FrameDecoder = new FrameDecoder({ masked: false, compression: false }, {
    unmasks: false,
    get inMessage() {
      return notes.inMessage;
    },
    onHeader: (...header) => notes.onHeader(...header),
    onWholeMessage(...message) {
      decoder.halt();
      return notes.onWholeMessage(...message);
    },
    onPayload(...payload) {
      decoder.halt();
      return notes.onPayload(...payload);
    },
  });
  let at = 0;
  for (const [i, stop] of [5, 10, 12, 15].entries()) {
    at = decoder.decode(wire, at);
    assertEquals(at, stop);
    assertEquals(notes.frames.length, i + 1);
  }
});

test("FrameDecoder unmasks each chunk in its own memory, however the one before it ended", () => {
  const payload = new Uint8Array(300).map((_, i) => i * 31);
  const wire = concat(...Array.from({ length: 4 }, () => frame(BINARY, payload, { key: KEY })));
  for (let cut = 300; cut < 330; cut++) {
    const pieces = [wire.subarray(0, cut), wire.subarray(cut)];
    const { notes } = decode(pieces, { masked: true, compression: false });
    assertEquals(notes.frames.length, 4, `cut at ${cut}`);
    for (const each of notes.frames) assert(equalBytes(each.payload, payload), `cut at ${cut}`);
  }
});

test("FrameDecoder leaves short messages masked, by what they are and by the engine", () => {
  for (const engine of ["V8", "JavaScriptCore"] as const) {
    for (const length of [0, 1, 63, 64, 125, 126, 256, 257, 1000, 65_535]) {
      for (const opcode of [TEXT, BINARY]) {
        const payload = new Uint8Array(length).fill(0x61);
        let found: { readonly payload: Uint8Array; readonly key: number } | undefined;
        const decoder = new FrameDecoder({ masked: true, compression: false }, {
          inMessage: false,
          unmasks: true,
          onHeader: () => undefined,
          onPayload: () => undefined,
          onWholeMessage(_text, chunk, start, end, key) {
            found = { payload: chunk.slice(start, end), key };
            return undefined;
          },
        });
        decoder.tuneFor(engine);
        decoder.decode(frame(opcode, payload, { key: KEY }), 0);
        const isMasked = length <= (opcode === BINARY && engine === "V8" ? 256 : 63);
        assertEquals(found!.key !== 0, isMasked, `${engine}, opcode ${opcode}, length ${length}`);
        assertEquals(found!.payload, isMasked ? maskNaively(payload, KEY) : payload);
      }
    }
  }
});

test("FrameDecoder leaves large pieces masked for whoever unmasks them, with the key as it turns", () => {
  const payload = new Uint8Array(66_000).map((_, i) => i * 31);
  const wire = frame(BINARY, payload, { key: KEY });
  // 14 bytes of header, then pieces of 4095, 4097, 5001 and the rest.
  const pieces = [[0, 14], [14, 4109], [4109, 8206], [8206, 13_207], [13_207, wire.length]]
    .map(([start, end]) => wire.subarray(start, end));
  const [k0, k1, k2, k3] = KEY;
  const keyOf = (...[a, b, c, d]: number[]) => a! | b! << 8 | c! << 16 | d! << 24;
  for (const unmasks of [true, false]) {
    const { notes } = decode(pieces, { masked: true, compression: false }, new FrameNotes(unmasks));
    assert(equalBytes(notes.frames[0]!.payload, payload));
    assert(notes.frames[0]!.complete);
    const expected = [keyOf(k3!, k0!, k1!, k2!), KEY, keyOf(k1!, k2!, k3!, k0!)]
      .map((key) => typeof key === "number" ? key : keyOf(...key));
    assertEquals(notes.keys.map((key) => key | 0), unmasks ? expected : []);
  }
});

test("FrameDecoder decodes random frames in random chunks as they were built", () => {
  const seed = 4_711;
  const random = randomSource(seed);
  for (let round = 0; round < 60; round++) {
    const masked = round % 2 === 0;
    const payloads = Array.from(
      { length: 20 },
      () => randomBytes(random, random(10) === 0 ? 60_000 + random(10_000) : random(300)),
    );
    const wire = concat(
      ...payloads.map((payload) =>
        frame(BINARY, payload, { key: masked ? [...randomBytes(random, 4)] : undefined })
      ),
    );
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < wire.length;) {
      const size = 1 + random(random(3) === 0 ? 10 : 20_000);
      pieces.push(wire.subarray(at, at += size));
    }
    const unmasks = random(2) === 0;
    const notes = new FrameNotes(unmasks);
    const { violation } = decode(pieces, { masked, compression: false }, notes);
    assert(notes.keys.length === 0 || masked && unmasks, `seed ${seed}, round ${round}`);
    assertEquals(violation, undefined, `seed ${seed}, round ${round}`);
    assertEquals(notes.frames.length, payloads.length, `seed ${seed}, round ${round}`);
    payloads.forEach((payload, i) =>
      assert(equalBytes(notes.frames[i]!.payload, payload), `seed ${seed}, round ${round}`)
    );
  }
});

function equalBytes(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
