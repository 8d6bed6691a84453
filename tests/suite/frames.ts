/**
 * Frames as the suite writes and reads them (RFC 6455 section 5.2). Everything that a sender may get
 * wrong can be asked for, and nothing is shared with the code under test.
 */

/** The opcodes of RFC 6455 section 11.8. */
export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The two sides of a connection. */
export type Role = "server" | "client";

/** A frame, and in which ways it differs from what a sane sender makes of it. */
export interface FrameSpec {
  readonly opcode: number;
  readonly payload: Uint8Array;
  /** @default true */
  readonly fin?: boolean;
  /** The reserved bits as a number: 4 is RSV1, 2 is RSV2, 1 is RSV3. */
  readonly reserved?: number;
  /** Bytes of the length: 1, 2 or 8 instead of as few as possible. */
  readonly lengthSize?: 1 | 2 | 8;
  /** The length that the header tells, instead of the payload's. */
  readonly length?: bigint;
  /** Whether it is masked as the other side would have to: not at all by a client, by a server. */
  readonly wrongMask?: boolean;
  /** The key, instead of one made up. */
  readonly key?: readonly number[];
  /** The part of the frame's bytes that is sent, instead of all. */
  readonly from?: number;
  readonly to?: number;
}

/** Writes a frame, as the side `sender` does. */
export function encodeFrame(spec: FrameSpec, sender: Role): Uint8Array<ArrayBuffer> {
  const { opcode, payload, fin = true, reserved = 0 } = spec;
  const masked = (sender === "client") !== (spec.wrongMask ?? false);
  const length = spec.length ?? BigInt(payload.length);
  const lengthSize = spec.lengthSize ?? (length < 126n ? 1 : length < 65536n ? 2 : 8);
  const header = [
    (fin ? 0x80 : 0) | (reserved << 4) | opcode,
    (masked ? 0x80 : 0) | (lengthSize === 1 ? Number(length) : lengthSize === 2 ? 126 : 127),
  ];
  for (let i = lengthSize === 1 ? 0 : lengthSize; i > 0; i--) {
    header.push(Number((length >> BigInt(8 * (i - 1))) & 0xffn));
  }
  const key = spec.key ?? Array.from(crypto.getRandomValues(new Uint8Array(4)));
  if (masked) header.push(...key);
  const frame = new Uint8Array(header.length + payload.length);
  frame.set(header);
  frame.set(payload, header.length);
  if (masked) applyKey(frame, header.length, key);
  return frame.slice(spec.from ?? 0, spec.to ?? frame.length);
}

function applyKey(bytes: Uint8Array, start: number, key: readonly number[]): void {
  for (let i = start; i < bytes.length; i++) bytes[i]! ^= key[(i - start) & 3]!;
}

/** A frame that was read. */
export interface Frame {
  readonly fin: boolean;
  readonly reserved: number;
  readonly opcode: number;
  /** `undefined` where it was not masked. */
  readonly key: number | undefined;
  /** Bytes of the length: 1, 2 or 8. */
  readonly lengthSize: number;
  readonly payload: Uint8Array;
}

/** Reads frames from bytes that come in pieces; takes them as they are, and judges nothing. */
export class FrameReader {
  readonly #chunks: Uint8Array[] = [];
  #available = 0;
  /** How many bytes the frame under way needs at least. */
  #needed = 2;

  /** Bytes that are no whole frame yet. */
  get pending(): number {
    return this.#available;
  }

  /** Takes bytes and returns the frames that they complete. */
  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    if (this.#available < this.#needed) return [];
    const bytes = join(this.#chunks);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const rest = bytes.subarray(at);
      const size = frameSize(rest);
      this.#needed = size;
      if (rest.length < size) break;
      frames.push(parseFrame(rest.subarray(0, size)));
      at += size;
    }
    this.#available = bytes.length - at;
    this.#chunks.splice(0, Infinity, bytes.subarray(at));
    return frames;
  }
}

/** How large the frame is, or how many bytes it takes to tell. */
function frameSize(bytes: Uint8Array): number {
  if (bytes.length < 2) return 2;
  const short = bytes[1]! & 0x7f;
  const header = 2 + extraLengthSize(short) + (bytes[1]! >= 0x80 ? 4 : 0);
  if (bytes.length < header) return header;
  return header + payloadLength(bytes, short);
}

function extraLengthSize(short: number): number {
  return short === 127 ? 8 : short === 126 ? 2 : 0;
}

function payloadLength(bytes: Uint8Array, short: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (short === 127) return Number(view.getBigUint64(2));
  return short === 126 ? view.getUint16(2) : short;
}

function parseFrame(bytes: Uint8Array): Frame {
  const short = bytes[1]! & 0x7f;
  const masked = bytes[1]! >= 0x80;
  const start = 2 + extraLengthSize(short);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payload = bytes.slice(masked ? start + 4 : start);
  if (masked) applyKey(payload, 0, Array.from(bytes.subarray(start, start + 4)));
  return {
    fin: bytes[0]! >= 0x80,
    reserved: (bytes[0]! >> 4) & 7,
    opcode: bytes[0]! & 0xf,
    key: masked ? view.getUint32(start) : undefined,
    lengthSize: extraLengthSize(short) || 1,
    payload,
  };
}

/** Joins pieces. */
export function join(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Whether two arrays hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
