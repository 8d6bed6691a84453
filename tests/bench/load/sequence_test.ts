import { assert, assertEquals, assertThrows } from "@std/assert";
import { FrameReader } from "../../../bench/load/frame_reader.ts";
import { encodeFrame, makePayload } from "../../../bench/load/frames.ts";
import {
  concatenate,
  deflateInTurns,
  type FrameSequence,
  inflateAll,
  repeat,
  SequenceWriter,
} from "../../../bench/load/sequence.ts";
import { makeMessages } from "../../../bench/micro/messages.ts";
import { runtime, test } from "../../harness.ts";

/**
 * The first `count` frames that a writer sends, when it may write `step` bytes at most at a time.
 */
function collect(sequence: FrameSequence, count: number, step: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new SequenceWriter(sequence);
  const write = (bytes: Uint8Array, offset: number, length: number) => {
    const taken = Math.min(step, length);
    parts.push(bytes.slice(offset, offset + taken));
    return taken;
  };
  for (let owed = 0; owed < count; owed++) {
    writer.owe(1);
    writer.flush(write);
  }
  // As a socket that drains: until nothing is written any more.
  for (let before = -1; before !== parts.length;) {
    before = parts.length;
    writer.flush(write);
  }
  return concatenate(parts);
}

function payloadsOf(frames: Uint8Array, count: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  const reader = new FrameReader({
    firstByte: 0xc1,
    masked: true,
    wants: () => true,
    onPayload: (payload) => payloads.push(payload),
  });
  assertEquals(reader.receive(frames), count);
  return payloads;
}

test("SequenceWriter sends whole frames without end, however little is taken at a time", () => {
  const frame = encodeFrame("binary", makePayload("binary", 5), true);
  const expected = concatenate(Array.from({ length: 9 }, () => frame.bytes));
  for (const step of [1, 3, 11, 12, 1000]) {
    assertEquals(collect(repeat(frame, 4), 9, step), expected);
  }
});

test("SequenceWriter does nothing while nothing is owed or the socket is closed", () => {
  const writer = new SequenceWriter(repeat(encodeFrame("binary", new Uint8Array(1), true), 2));
  let writes = 0;
  writer.flush(() => writes++);
  assertEquals(writes, 0);
  writer.owe(2);
  writer.flush((_bytes, _offset, length) => (writes++, -length));
  assertEquals(writes, 1);
});

test("deflateInTurns makes frames that inflate to the messages, turn after turn", () => {
  for (const compression of ["takeover", "anew"] as const) {
    const messages = makeMessages(2048);
    const sequence = deflateInTurns(messages, compression);
    const count = 4 * messages.length;
    const turns = Array.from({ length: 4 }, () => concatenate(messages));
    for (const step of [777, 1 << 20]) {
      const text = inflateAll(payloadsOf(collect(sequence, count, step), count));
      assertEquals(text, concatenate(turns));
    }
  }
});

test("deflateInTurns makes less of messages where each may refer to those before it", () => {
  const messages = makeMessages(200);
  const anew = deflateInTurns(messages, "anew").bytes.length;
  const takeover = deflateInTurns(messages, "takeover");
  const second = takeover.bytes.length - takeover.ends[takeover.loopStart - 1]!;
  assert(second < anew / 2, `${second} of ${anew}`);
}, { skip: runtime === "deno" ? "its zlib ignores dictionaries" : undefined });

test("deflateInTurns refuses messages that do not fill a window", () => {
  assertThrows(() => deflateInTurns([new Uint8Array(1000)], "takeover"), RangeError);
});
