/**
 * Frames built and read without the code under test, and what a test of the protocol asserts.
 */

import { assert, assertEquals } from "@std/assert";
import { WebSocketProtocolError } from "../../src/errors.ts";
import { Protocol, type ProtocolInit } from "../../src/protocol/protocol.ts";
import type { Message } from "../../src/types.ts";

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The key of the masked examples of RFC 6455 section 5.7. */
export const KEY: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

/** The two sides of a connection. */
export const ROLES = ["server", "client"] as const;

/** One of the two sides. */
export type Role = typeof ROLES[number];

/** What differs from a whole, unmasked frame with the shortest length. */
export interface FrameParts {
  readonly fin?: boolean;
  /** The three reserved bits as a number: 4 is RSV1, 2 is RSV2, 1 is RSV3. */
  readonly reserved?: number;
  readonly key?: readonly number[] | undefined;
  /** Bytes of the length: 1, 2 or 8 instead of as few as possible. */
  readonly lengthSize?: 1 | 2 | 8;
  /** The length that the header tells, instead of the payload's. */
  readonly length?: bigint;
}

/** Builds a frame. */
export function frame(
  opcode: number,
  payload: string | Uint8Array | readonly number[] = "",
  parts: FrameParts = {},
): Uint8Array {
  const body = bytes(payload);
  const length = parts.length ?? BigInt(body.length);
  const size = parts.lengthSize ?? (length < 126n ? 1 : length < 65536n ? 2 : 8);
  const { key } = parts;
  const head = [
    ((parts.fin ?? true) ? 0x80 : 0) | ((parts.reserved ?? 0) << 4) | opcode,
    (key === undefined ? 0 : 0x80) | (size === 1 ? Number(length) : size === 2 ? 126 : 127),
  ];
  if (size > 1) {
    for (let i = size - 1; i >= 0; i--) head.push(Number((length >> BigInt(8 * i)) & 0xffn));
  }
  if (key !== undefined) head.push(...key);
  return concat(Uint8Array.from(head), key === undefined ? body : maskNaively(body, key));
}

/** A frame as the peer of `role` sends it: masked for a server, unmasked for a client. */
export function frameFor(
  role: Role,
  opcode: number,
  payload: string | Uint8Array | readonly number[] = "",
  parts: FrameParts = {},
): Uint8Array {
  return frame(opcode, payload, { key: role === "server" ? KEY : undefined, ...parts });
}

/** A Close frame as the peer of `role` sends it. */
export function closeFrameFor(role: Role, code: number, reason = ""): Uint8Array {
  return frameFor(role, CLOSE, closePayload(code, reason));
}

/** The payload of a Close frame. */
export function closePayload(code: number, reason = ""): Uint8Array {
  return concat([code >> 8, code & 0xff], reason);
}

/** XOR, one byte after the other (RFC 6455 section 5.3). */
export function maskNaively(payload: Uint8Array, key: readonly number[]): Uint8Array {
  return payload.map((byte, i) => byte ^ key[i % 4]!);
}

/** Bytes of whatever is short to write in a table. */
export function bytes(source: string | Uint8Array | readonly number[]): Uint8Array<ArrayBuffer> {
  return typeof source === "string" ? new TextEncoder().encode(source) : Uint8Array.from(source);
}

/** The bytes of a hexadecimal string; spaces are passed over. */
export function hex(digits: string): Uint8Array {
  const pairs = digits.replaceAll(" ", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** Joins pieces. */
export function concat(...pieces: (string | Uint8Array | readonly number[])[]): Uint8Array {
  const parts = pieces.map(bytes);
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A frame that was read. */
export interface ParsedFrame {
  readonly fin: boolean;
  readonly reserved: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly key: readonly number[];
  /** Bytes of the length field: 1, 3 or 9. */
  readonly lengthField: number;
  readonly payload: Uint8Array;
}

/** Reads whole frames; fails on anything that is left over. */
export function parseFrames(wire: Uint8Array): ParsedFrame[] {
  const frames: ParsedFrame[] = [];
  const view = new DataView(wire.buffer, wire.byteOffset, wire.byteLength);
  let at = 0;
  while (at < wire.length) {
    const first = wire[at]!, second = wire[at + 1]!;
    let length = second & 0x7f, lengthField = 1;
    if (length === 126) {
      length = view.getUint16(at + 2);
      lengthField = 3;
    } else if (length === 127) {
      length = Number(view.getBigUint64(at + 2));
      lengthField = 9;
    }
    at += 1 + lengthField;
    const masked = (second & 0x80) !== 0;
    const key = masked ? Array.from(wire.subarray(at, at += 4)) : [];
    assert(at + length <= wire.length, "the last frame is cut");
    const raw = wire.subarray(at, at += length);
    frames.push({
      fin: (first & 0x80) !== 0,
      reserved: (first >> 4) & 7,
      opcode: first & 0xf,
      masked,
      key,
      lengthField,
      payload: masked ? maskNaively(raw, key) : raw.slice(),
    });
  }
  return frames;
}

/** What a protocol told its sink, in order. */
export type ProtocolEvent =
  | { readonly message: Message }
  | { readonly ping: Uint8Array }
  | { readonly pong: Uint8Array };

/** A protocol whose events are noted, with what a test wants to do meanwhile. */
export class RecordedProtocol {
  readonly role: Role;
  readonly core: Protocol;
  readonly events: ProtocolEvent[] = [];
  /** Called after each event is noted. */
  onEvent: () => void = () => {};
  /** Called before our Close frame answers the peer. */
  onClosing: () => void = () => {};
  /** Whether the peer's Close is answered at once. */
  answers = true;

  constructor(role: Role, init: Partial<ProtocolInit> = {}) {
    this.role = role;
    const note = (event: ProtocolEvent) => {
      this.events.push(event);
      this.onEvent();
    };
    this.core = new Protocol({
      role,
      maxMessageSize: 10_485_760,
      maxFragments: 131_072,
      copyLimit: 65_536,
      ...init,
    }, {
      onPing: (ping) => note({ ping }),
      onPong: (pong) => note({ pong }),
      onClose: () => {
        this.onClosing();
        return this.answers;
      },
      onFailing: () => this.onClosing(),
      onFailed: () => {},
    });
    this.core.deliverTo({ push: (message) => note({ message }) });
  }

  /** Feeds a copy, since the protocol overwrites what it is given. */
  receive(...pieces: Uint8Array[]): this {
    for (const piece of pieces) this.core.receiveData(piece.slice());
    return this;
  }

  /** The messages among the events. */
  get messages(): Message[] {
    return this.events.flatMap((event) => "message" in event ? [event.message] : []);
  }

  /** Takes all that is to be sent. */
  takeOutput(): Uint8Array {
    const taken: Uint8Array[] = [];
    for (;;) {
      this.core.flushPong();
      const chunk = this.core.output.take();
      if (chunk === undefined) return concat(...taken);
      taken.push(chunk.slice(0, this.core.output.takenLength));
      this.core.output.giveBack();
    }
  }

  /** Takes all that is to be sent, as frames. */
  takeFrames(): ParsedFrame[] {
    return parseFrames(this.takeOutput());
  }

  /** Asserts that the connection was failed, and the peer told so by a Close frame with the code. */
  assertFailed(closeCode: number, what = ""): void {
    const { failure, closeExpected } = this.core;
    assert(failure instanceof WebSocketProtocolError, `not failed: ${what}`);
    assertEquals(failure.closeCode, closeCode, what);
    assert(closeExpected, what);
    const close = this.takeFrames().at(-1);
    assertEquals(close?.opcode, CLOSE, what);
    assertEquals((close!.payload[0]! << 8) | close!.payload[1]!, closeCode, what);
    assert(close!.payload.length <= 125, what);
  }

  /** Asserts that nothing was violated. */
  assertOpen(what = ""): void {
    assertEquals(this.core.failure, undefined, what);
  }
}

/** Random bytes of a seeded source. */
export function randomBytes(random: (below: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}
