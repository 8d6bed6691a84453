import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { Decompressor } from "../../src/extensions/permessage_deflate.ts";
import { LARGEST_POOLED } from "../../src/protocol/buffer_pool.ts";
import { FrameWriter, type FrameWriterInit } from "../../src/protocol/frame_writer.ts";
import { noteRoom } from "../../src/protocol/header_room.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  concat,
  CONTINUATION,
  type ParsedFrame,
  parseFrames,
  PING,
  ROLES,
  TEXT,
} from "./frames.ts";

const COPY_LIMIT = 1_000;
const parameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const COMPRESSION = { parameters, level: 6, threshold: 256 };
const FIRST = { last: false, compressed: false };
const LAST = { last: true, compressed: false };

function createWriter(init: Partial<FrameWriterInit> = {}): FrameWriter {
  return new FrameWriter({ role: "server", copyLimit: COPY_LIMIT, ...init });
}

/** Takes what is written, in the pieces in which it leaves. */
function takePieces({ output }: FrameWriter): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let piece = output.take(); piece !== undefined; piece = output.take()) {
    pieces.push(piece.subarray(0, output.takenLength));
  }
  return pieces;
}

function takeFrames(writer: FrameWriter): ParsedFrame[] {
  return parseFrames(concat(...takePieces(writer)));
}

/** Bytes that differ from their neighbours. */
function payloadOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at * 7);
}

test("FrameWriter writes each frame as it is told, masked by a client alone (RFC 6455 5.1, 5.2)", () => {
  type Write = (writer: FrameWriter, payload: Uint8Array) => void;
  const kinds: [opcode: number, fin: boolean, write: Write][] = [
    [BINARY, true, (writer, payload) => writer.writeBinary(payload, undefined)],
    [TEXT, false, (writer, payload) => writer.writeFragment(TEXT, payload, FIRST)],
    [CONTINUATION, true, (writer, payload) => writer.writeFragment(CONTINUATION, payload, LAST)],
    [PING, true, (writer, payload) => writer.writeControl(PING, payload)],
  ];
  for (const role of ROLES) {
    for (const length of [0, 1, 125, 126, 500, COPY_LIMIT + 1, 65_535, 65_536]) {
      for (const [opcode, fin, write] of kinds) {
        if (opcode === PING && length > 125) continue;
        const writer = createWriter({ role });
        write(writer, payloadOf(length));
        const [frame, ...others] = takeFrames(writer);
        const what = `${role}: opcode ${opcode}, ${length} bytes`;
        assertEquals(others, [], what);
        assertEquals([frame!.opcode, frame!.fin, frame!.reserved], [opcode, fin, 0], what);
        assertEquals(frame!.masked, role === "client", what);
        assertEquals(frame!.lengthField, length < 126 ? 1 : length < 65_536 ? 3 : 9, what);
        assertEquals(frame!.payload, payloadOf(length), what);
      }
    }
  }
});

test("FrameWriter copies up to the limit, and lends what is larger where it needs no mask", () => {
  for (const role of ROLES) {
    for (const length of [COPY_LIMIT, COPY_LIMIT + 1]) {
      const payload = payloadOf(length);
      const writer = createWriter({ role });
      writer.writeBinary(payload, undefined);
      const last = takePieces(writer).at(-1)!;
      const lends = role === "server" && length > COPY_LIMIT;
      assertEquals(last.buffer === payload.buffer, lends, `${role}: ${length} bytes`);
      assertEquals(payload, payloadOf(length), `${role} leaves the caller's bytes alone`);
    }
  }
});

test("FrameWriter puts the header in front of a large message that has room there", () => {
  const memory = new Uint8Array(20_000);
  const payload = memory.subarray(16);
  noteRoom(payload, 16);
  const writer = createWriter();
  writer.writeBinary(payload, undefined);
  const pieces = takePieces(writer);
  assertEquals(pieces.length, 1);
  assertStrictEquals(pieces[0]!.buffer, memory.buffer);
  assertEquals(parseFrames(pieces[0]!)[0]!.payload.length, payload.length);
  // Not of a fragment: another connection may have the header of a whole message there.
  writer.writeFragment(BINARY, payload, FIRST);
  assertEquals(takePieces(writer).length, 2);
});

test("FrameWriter of a client masks a copy of large messages, in buffers that serve again", () => {
  const writer = createWriter({ role: "client" });
  for (const length of [65_536, 200_000, LARGEST_POOLED - 14, LARGEST_POOLED - 13]) {
    const payload = payloadOf(length);
    const before = payload.slice();
    writer.writeBinary(payload, undefined);
    // What the caller does to it later is of no account.
    payload.fill(0);
    const [frame, ...others] = takeFrames(writer);
    assertEquals([frame!.masked, frame!.opcode, others.length], [true, BINARY, 0]);
    assert(frame!.payload.every((byte, i) => byte === before[i]), `${length}`);
  }
  const [first, second] = [0, 1].map(() => {
    writer.writeBinary(payloadOf(65_536), undefined);
    const buffer = writer.output.take();
    writer.output.giveBack();
    return buffer;
  });
  assertStrictEquals(first, second);
});

/** Writes a text, and sees that it makes one frame, and the right one. */
function testText(role: "server" | "client", filler: string, units: number): void {
  const text = filler.repeat(units / filler.length);
  const writer = createWriter({ role });
  writer.writeText(text, undefined);
  const [frame, ...others] = takeFrames(writer);
  const what = `${role}: ${units} of ${filler}`;
  assertEquals([frame!.opcode, frame!.fin, frame!.reserved, others], [TEXT, true, 0, []], what);
  const { length } = new TextEncoder().encode(text);
  assertEquals(frame!.lengthField, length < 126 ? 1 : length < 65_536 ? 3 : 9, what);
  assert(new TextDecoder().decode(frame!.payload) === text, what);
}

test("FrameWriter writes texts of every length, whatever bytes they take (RFC 6455 5.6)", () => {
  for (const role of ROLES) {
    for (const filler of ["x", "é", "€", "😀"]) {
      for (const units of [0, 42, 63, 125, 126, 4_096, 4_098, 32_768, 65_536, 98_304, 300_000]) {
        testText(role, filler, units);
      }
    }
  }
});

test("FrameWriter writes texts that are too long for a buffer that serves again", () => {
  for (const units of [LARGEST_POOLED - 14, LARGEST_POOLED - 13]) testText("server", "x", units);
  // One that is tried and does not fit after all, and one that is not tried.
  for (const units of [LARGEST_POOLED / 2, LARGEST_POOLED / 2 + 1]) testText("server", "€", units);
});

test("FrameWriter compresses as it is asked, and else from the threshold on, in bytes", () => {
  const compression = { parameters, level: 6, threshold: 100 };
  const cases: [text: string, compress: boolean | undefined, compressed: boolean][] = [
    ["x".repeat(99), undefined, false],
    ["x".repeat(100), undefined, true],
    ["é".repeat(49), undefined, false],
    ["é".repeat(50), undefined, true],
    ["€".repeat(4_500), undefined, true],
    ["x".repeat(5_000), false, false],
    ["é".repeat(100_000), false, false],
    ["", true, true],
  ];
  for (const role of ROLES) {
    for (const [text, compress, compressed] of cases) {
      const writer = createWriter({ role, compression });
      assert(writer.compresses);
      writer.writeText(text, compress);
      const [frame] = takeFrames(writer);
      assertEquals(
        frame!.reserved,
        compressed ? 4 : 0,
        `${role}: ${text.length} units, ${compress}`,
      );
      if (!compressed) continue;
      const inflater = new Decompressor(role === "client" ? "server" : "client", parameters);
      inflater.push(frame!.payload, 1_000_000);
      const { output } = inflater.finish(true);
      assert(new TextDecoder().decode(output) === text, `${role}: ${text.length} units`);
    }
  }
  const writer = createWriter();
  writer.writeText("x".repeat(1_000), true);
  assertEquals(takeFrames(writer)[0]!.reserved, 0, "where it is not agreed");
});

test("FrameWriter marks the first frame of a compressed message, and no other (RFC 7692 6)", () => {
  const writer = createWriter({ compression: COMPRESSION });
  for (const compressed of [true, false]) {
    writer.writeFragment(TEXT, payloadOf(3), { last: false, compressed });
    writer.writeFragment(CONTINUATION, payloadOf(3), { last: false, compressed });
    writer.writeFragment(CONTINUATION, payloadOf(3), { last: true, compressed });
    const frames = takeFrames(writer);
    assertEquals(frames.map(({ opcode }) => opcode), [TEXT, CONTINUATION, CONTINUATION]);
    assertEquals(frames.map(({ fin }) => fin), [false, false, true]);
    assertEquals(frames.map(({ reserved }) => reserved), [compressed ? 4 : 0, 0, 0]);
  }
});

test("FrameWriter lends nothing of what a compressor gives, which the next call overwrites", () => {
  const writer = createWriter({ copyLimit: 0, compression: COMPRESSION });
  writer.writeBinary(payloadOf(50), true);
  writer.writeBinary(payloadOf(50).reverse(), true);
  const [first, second] = takePieces(writer).filter((piece) => piece.length > 2);
  assertNotStrictEquals(first!.buffer, second!.buffer);
});

test("FrameWriter forgets what is written once it is released", () => {
  const writer = createWriter({ compression: COMPRESSION });
  writer.writeText("never sent", undefined);
  writer.release();
  assertEquals([writer.output.length, writer.compresses], [0, false]);
});
