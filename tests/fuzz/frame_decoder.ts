/** `FrameDecoder` against the model's reading of frames, cut anywhere. */

import { assertEquals } from "@std/assert";
import { FrameDecoder, type FrameSink } from "../../src/protocol/frame_decoder.ts";
import { frameRules } from "../../src/protocol/frame_header.ts";
import { applyMask } from "../../src/protocol/mask.ts";
import { assertSame, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import { type ModelFrame, readFrames } from "./model.ts";
import { randomWire } from "./wire.ts";

type Frame = Pick<ModelFrame, "fin" | "rsv1" | "opcode" | "length" | "payload" | "complete">;

/** Gathers what a decoder tells into frames. */
class Recorder implements FrameSink {
  readonly frames: { -readonly [Key in keyof Frame]: Frame[Key] }[] = [];
  inMessage = false;
  readonly unmasks: boolean;

  constructor(unmasks: boolean) {
    this.unmasks = unmasks;
  }

  onHeader(fin: boolean, rsv1: boolean, opcode: number, length: number): undefined {
    if (opcode < 8) this.inMessage = !fin;
    const exact = length === Infinity ? -1n : BigInt(length);
    this.frames.push({ fin, rsv1, opcode, length: exact, payload: [], complete: false });
  }

  onWholeMessage(
    text: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    key: number,
  ): undefined {
    this.onHeader(true, false, text ? 1 : 2, end - start);
    this.onPayload(bytes, start, end, true, key);
  }

  onPayload(bytes: Uint8Array, start: number, end: number, last: boolean, key: number): undefined {
    const frame = this.frames.at(-1)!;
    applyMask(bytes, start, end, key);
    for (let at = start; at < end; at++) frame.payload.push(bytes[at]!);
    frame.complete = last;
  }
}

/** The frame decoder. */
export const frameFuzzer: Fuzzer = {
  name: "frame",

  generate(random) {
    const flags = random.below(8);
    const wire = randomWire(random, {
      role: (flags & 1) === 0 ? "server" : "client",
      compression: (flags & 2) === 0 ? undefined : { windowBits: 15, contextTakeover: false },
      maxSize: random.chance(20) ? 70_000 : 300,
      hostile: !random.chance(3),
    });
    return Uint8Array.from([flags, ...randomChunking(random), ...wire]);
  },

  check(input) {
    const settings = new Settings(input);
    const flags = settings.byte();
    const role = (flags & 1) === 0 ? "server" : "client";
    const compressed = (flags & 2) !== 0;
    const chunking = new Chunking(settings);
    const wire = settings.rest();

    const frames: Frame[] = [];
    let violation = false;
    for (const frame of readFrames(wire, { role, compressed })) {
      if (frame === "violation") violation = true;
      // Lengths that no number counts are told by one that stands for all of them.
      else frames.push({ ...frame, length: frame.length >= 2n ** 53n ? -1n : frame.length });
    }

    const recorder = new Recorder((flags & 4) !== 0);
    const decoder = new FrameDecoder(frameRules(role, compressed), recorder);
    for (const chunk of chunking.cut(wire)) {
      const end = decoder.decode(chunk, 0);
      if (decoder.violation !== undefined) break;
      assertEquals(end, chunk.length);
    }
    assertSame(recorder.frames, frames);
    assertEquals(decoder.violation?.closeCode, violation ? 1002 : undefined);
  },
};
