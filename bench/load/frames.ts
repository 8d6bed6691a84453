/**
 * The frames of the load generator, made by hand: it must not share code with what it measures.
 */
import type { MessageKind } from "../workloads.ts";

/** One reply in this many, starting with the first, has its payload compared as well. */
export const SAMPLE_INTERVAL: number = 64;

/** The masking key of every frame sent. Any key but zero costs a server the same. */
const MASKING_KEY = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A whole frame, and how many bytes of it are header. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly headerLength: number;
}

/** A payload of `size` bytes that is the same in every run. */
export function makePayload(kind: MessageKind, size: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(size);
  if (kind === "binary") {
    for (let i = 0; i < size; i++) payload[i] = (i * 167 + (i >> 8)) & 0xff;
    return payload;
  }
  const text = kind !== "unicode"
    ? "The quick brown fox jumps over it. "
    : "Größe: 10 µm – 価格 ¥5 🎈 ";
  const pattern = new TextEncoder().encode(text);
  // Only whole repetitions, so that no character is cut; spaces fill what is left.
  const whole = size - size % pattern.length;
  for (let i = 0; i < size; i++) payload[i] = i < whole ? pattern[i % pattern.length]! : 0x20;
  return payload;
}

/** Encodes one final frame (RFC 6455 5.2), masked as a client's or not as a server's. */
export function encodeFrame(kind: MessageKind, payload: Uint8Array, masked: boolean): Frame {
  const size = payload.length;
  const lengthBytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  const headerLength = 2 + lengthBytes + (masked ? MASKING_KEY.length : 0);
  const bytes = new Uint8Array(headerLength + size);
  const view = new DataView(bytes.buffer);
  bytes[0] = kind === "binary" ? 0x82 : 0x81;
  bytes[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? size : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, size);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(size));
  if (masked) bytes.set(MASKING_KEY, 2 + lengthBytes);
  for (let i = 0; i < size; i++) {
    bytes[headerLength + i] = masked ? payload[i]! ^ MASKING_KEY[i & 3]! : payload[i]!;
  }
  return { bytes, headerLength };
}

/** Joins copies of a frame into one buffer. */
export function repeatFrame(frame: Frame, count: number): Uint8Array {
  const bytes = new Uint8Array(frame.bytes.length * count);
  for (let i = 0; i < count; i++) bytes.set(frame.bytes, i * frame.bytes.length);
  return bytes;
}

/**
 * Counts the replies on one connection. Every reply is known beforehand, so the header is compared
 * with the expected one instead of being decoded, and the payload is skipped except for a sample.
 */
export class ReplyCounter {
  readonly #expected: Uint8Array;
  readonly #headerLength: number;
  #position = 0;
  #index = 0;

  constructor(expected: Frame) {
    this.#expected = expected.bytes;
    this.#headerLength = expected.headerLength;
  }

  /** Takes bytes and returns how many replies they completed; throws at the first wrong byte. */
  receive(chunk: Uint8Array): number {
    const expected = this.#expected;
    const frameLength = expected.length;
    const length = chunk.length;
    const before = this.#index;
    let index = before;
    let position = this.#position;
    let at = 0;
    while (at < length) {
      const checkedEnd = index % SAMPLE_INTERVAL === 0 ? frameLength : this.#headerLength;
      while (position < checkedEnd && at < length) {
        if (chunk[at] !== expected[position]) {
          throw new Error(
            `Reply ${index} is wrong at byte ${position}: ${chunk[at]} instead of ${
              expected[position]
            }`,
          );
        }
        at++;
        position++;
      }
      const skipped = Math.min(frameLength - position, length - at);
      at += skipped;
      position += skipped;
      if (position === frameLength) {
        position = 0;
        index++;
      }
    }
    this.#position = position;
    this.#index = index;
    return index - before;
  }
}
