/** The headers of frames (RFC 6455 section 5.2): their rules, how they are read and written. */

import { MAX_CONTROL_PAYLOAD, Opcode } from "../opcode.ts";
import { protocolError, type Violation } from "./violation.ts";

/** The bit of the last frame of a message. */
export const FIN = 0x80;
/** The first reserved bit: "this message is compressed" where permessage-deflate is agreed. */
export const RSV1 = 0x40;
const RSV2_RSV3 = 0x30;
/** The bits of the opcode. */
export const OPCODE = 0x0f;
const CONTROL = 0x08;
/** The bit of a masked payload, in the second byte. */
export const MASK = 0x80;
/** The bits of the length, in the second byte. */
export const LENGTH = 0x7f;

/** The longest header: two bytes, eight of extended length, four of key. */
export const MAX_HEADER = 14;

/** The four facts of a header. */
export interface FrameHeader {
  /** Whether the frame ends its message. */
  readonly fin: boolean;
  /** Whether the first reserved bit is set. */
  readonly rsv1: boolean;
  /** The opcode. */
  readonly opcode: number;
  /** The length of the payload in bytes; `Infinity` stands for more than a number can count. */
  readonly length: number;
}

/** What decides, besides the header itself, whether a header is allowed. */
export interface FrameRules {
  /** Whether the frames received must be masked: a server's must, a client's must not be. */
  readonly masked: boolean;
  /** Whether permessage-deflate is agreed. */
  readonly compression: boolean;
}

const RESERVED_BITS = protocolError("reserved bits are set");
const RESERVED_OPCODE = protocolError("reserved opcode");
const UNMASKED = protocolError("frame from a client is not masked");
const MASKED = protocolError("frame from a server is masked");
const FRAGMENTED_CONTROL = protocolError("control frame is fragmented");
const LONG_CONTROL = protocolError("control frame of more than 125 bytes");
const COMPRESSED_CONTROL = protocolError("compression bit set on a control frame");
const COMPRESSED_CONTINUATION = protocolError("compression bit set on a continuation");
const STRAY_CONTINUATION = protocolError("continuation without a message under way");
const INTERLEAVED = protocolError("new message within a fragmented one");

/**
 * Every rule that a header alone can break (RFC 6455 sections 5.1–5.5, RFC 7692 section 6), applied
 * the moment the header is complete. `first` and `second` are its first two bytes; `inMessage` says
 * whether a fragmented message is under way.
 */
export function findHeaderViolation(
  first: number,
  second: number,
  { masked, compression }: FrameRules,
  inMessage: boolean,
): Violation | undefined {
  const opcode = first & OPCODE;
  if ((first & RSV2_RSV3) !== 0) return RESERVED_BITS;
  if ((first & RSV1) !== 0) {
    if (!compression) return RESERVED_BITS;
    if (opcode === Opcode.Continuation) return COMPRESSED_CONTINUATION;
    if ((opcode & CONTROL) !== 0) return COMPRESSED_CONTROL;
  }
  if (((second & MASK) !== 0) !== masked) return masked ? UNMASKED : MASKED;
  if ((opcode & CONTROL) !== 0) {
    if (opcode > Opcode.Pong) return RESERVED_OPCODE;
    if ((first & FIN) === 0) return FRAGMENTED_CONTROL;
    if ((second & LENGTH) > MAX_CONTROL_PAYLOAD) return LONG_CONTROL;
    return undefined;
  }
  if (opcode > Opcode.Binary) return RESERVED_OPCODE;
  if (opcode === Opcode.Continuation) return inMessage ? undefined : STRAY_CONTINUATION;
  return inMessage ? INTERLEAVED : undefined;
}

/** The rules for the frames that an endpoint of this role receives; the same object each time. */
export function frameRules(role: "server" | "client", compression: boolean): FrameRules {
  return RULES[role][compression ? 1 : 0];
}

const RULES: Readonly<Record<"server" | "client", readonly [FrameRules, FrameRules]>> = {
  server: [{ masked: true, compression: false }, { masked: true, compression: true }],
  client: [{ masked: false, compression: false }, { masked: false, compression: true }],
};

/** The size of a header, by its second byte. */
export function headerSizeOf(second: number): number {
  const length = second & LENGTH;
  return 2 + (length < 126 ? 0 : length === 126 ? 2 : 8) + ((second & MASK) !== 0 ? 4 : 0);
}

/** The length that a whole header announces. */
export function readLength(header: Uint8Array, at: number): number {
  const length = header[at + 1]! & LENGTH;
  if (length < 126) return length;
  if (length === 126) return (header[at + 2]! << 8) | header[at + 3]!;
  const high = readUint32(header, at + 2);
  // 2^53 and above cannot be counted exactly; no limit lets them pass anyway.
  return high >= 0x200000 ? Infinity : high * 0x100000000 + readUint32(header, at + 6);
}

/** The key of four bytes, as one integer whose lowest byte is the first. */
export function readKey(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! * 0x1000000) +
    ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

/** The size of the shortest header for a payload of `length` bytes. */
export function frameHeaderSize(length: number, masked: boolean): number {
  return (length < 126 ? 2 : length < 0x10000 ? 4 : 10) + (masked ? 4 : 0);
}

/**
 * Writes the two bytes that head an unmasked frame of at most 125 bytes, such as most of a
 * server's. An echo of 16 bytes takes 65 ns with it and 80 without on Bun, 111 and 121 on Deno.
 */
export function writeShortHeader(
  target: Uint8Array,
  at: number,
  opcode: number,
  length: number,
): void {
  target[at] = FIN | opcode;
  target[at + 1] = length;
}

/** Writes the shortest header at `target[at…]`; with `key` undefined the frame is not masked. */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  { fin, rsv1, opcode, length }: FrameHeader,
  key: number | undefined,
): void {
  target[at] = (fin ? FIN : 0) | (rsv1 ? RSV1 : 0) | opcode;
  const mask = key === undefined ? 0 : MASK;
  if (length < 126) {
    target[at + 1] = mask | length;
    at += 2;
  } else if (length < 0x10000) {
    target[at + 1] = mask | 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length & 0xff;
    at += 4;
  } else {
    target[at + 1] = mask | 127;
    const high = Math.floor(length / 0x100000000);
    target[at + 2] = 0;
    target[at + 3] = (high >>> 16) & 0xff;
    target[at + 4] = (high >>> 8) & 0xff;
    target[at + 5] = high & 0xff;
    target[at + 6] = (length >>> 24) & 0xff;
    target[at + 7] = (length >>> 16) & 0xff;
    target[at + 8] = (length >>> 8) & 0xff;
    target[at + 9] = length & 0xff;
    at += 10;
  }
  if (key !== undefined) {
    target[at] = key & 0xff;
    target[at + 1] = (key >>> 8) & 0xff;
    target[at + 2] = (key >>> 16) & 0xff;
    target[at + 3] = key >>> 24;
  }
}
