/**
 * What a connection of the load generator sends: frames made beforehand, one after the other in one
 * buffer, without end.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Compression } from "../workloads.ts";
import { encodeFrame, type Frame, repeatFrame } from "./frames.ts";

/** Frames, and how they go on after the last one. */
export interface FrameSequence {
  readonly bytes: Uint8Array;
  /** Where each frame ends. */
  readonly ends: readonly number[];
  /** The frame that follows the last one. */
  readonly loopStart: number;
  /** Whether all frames are equal, so that each write may start with the first one. */
  readonly uniform: boolean;
}

/** Copies of one frame, as many as may go out with one write. */
export function repeat(frame: Frame, count: number): FrameSequence {
  const ends = Array.from({ length: count }, (_, index) => (index + 1) * frame.bytes.length);
  return { bytes: repeatFrame(frame, count), ends, loopStart: 0, uniform: true };
}

/** The window of DEFLATE. */
const WINDOW = 32768;

/** What ends each block of a message, and is left out of the frame (RFC 7692 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

const syncFlush = { finishFlush: constants.Z_SYNC_FLUSH };

/**
 * Compressed text messages, in turns. With context takeover each may refer to those before it:
 * those of the first turn to what there is by then, those of the second to a full window. From then
 * on every turn has the same before it, so that the second one can be sent again and again. That
 * needs messages that fill a window together.
 *
 * Made for Bun: the zlib of Deno ignores the dictionary, and so compresses each message anew.
 */
export function deflateInTurns(
  messages: readonly Uint8Array[],
  compression: Compression,
): FrameSequence {
  const frames: Uint8Array[] = [];
  const add = (message: Uint8Array, dictionary: Uint8Array) => {
    const options = { ...syncFlush, ...(dictionary.length > 0 && { dictionary }) };
    const compressed = deflateRawSync(message, options);
    const payload = compressed.subarray(0, compressed.length - TAIL.length);
    const { bytes } = encodeFrame("text", payload, true);
    bytes[0]! |= 0x40; // RSV1: compressed
    frames.push(bytes);
  };
  if (compression === "anew") {
    for (const message of messages) add(message, new Uint8Array(0));
  } else {
    const stream = concatenate([...messages, ...messages]);
    if (stream.length < 2 * WINDOW) {
      throw new RangeError("Cannot compress in turns: the messages do not fill a window");
    }
    let end = 0;
    for (const message of [...messages, ...messages]) {
      add(message, stream.subarray(Math.max(0, end - WINDOW), end));
      end += message.length;
    }
  }
  let length = 0;
  const ends = frames.map((frame) => length += frame.length);
  const loopStart = compression === "anew" ? 0 : messages.length;
  return { bytes: concatenate(frames), ends, loopStart, uniform: false };
}

/** The text of compressed messages, one after the other, from the first one of a connection on. */
export function inflateAll(payloads: readonly Uint8Array[]): Uint8Array {
  const stream = concatenate(payloads.flatMap((payload) => [payload, TAIL]));
  return new Uint8Array(inflateRawSync(stream, syncFlush));
}

/** Joins byte arrays. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Where a connection is in its sequence: what it may still send, and what of it is written. */
export class SequenceWriter {
  readonly #sequence: FrameSequence;
  /** Frames that may be sent and are not. */
  #owed = 0;
  /** The first of them. */
  #index = 0;
  /** Where the next write starts: in that frame, or after it if a write was cut. */
  #at = 0;

  constructor(sequence: FrameSequence) {
    this.#sequence = sequence;
  }

  /** Allows so many frames more. */
  owe(count: number): void {
    this.#owed += count;
  }

  /**
   * Writes what is owed, until `write` takes less than it is given. It returns how many bytes it
   * took, or -1.
   */
  flush(write: (bytes: Uint8Array, offset: number, length: number) => number): void {
    const { bytes, ends, loopStart, uniform } = this.#sequence;
    while (this.#owed > 0) {
      const count = Math.min(this.#owed, ends.length - this.#index);
      const length = ends[this.#index + count - 1]! - this.#at;
      const sent = write(bytes, this.#at, length);
      if (sent > 0) this.#at += sent;
      if (sent < length) return;
      this.#owed -= count;
      this.#index += count;
      if (uniform) this.#index = 0;
      else if (this.#index === ends.length) this.#index = loopStart;
      this.#at = this.#index === 0 ? 0 : ends[this.#index - 1]!;
    }
  }
}
