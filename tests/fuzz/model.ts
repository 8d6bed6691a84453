/**
 * A WebSocket endpoint's receiving side as RFC 6455 and RFC 7692 tell it: over a whole wire at once,
 * byte by byte, with nothing done for speed. Written from the RFCs alone; shares no code with `src`.
 */

import { modelInflate } from "./model_inflate.ts";

/** What an endpoint knows before the first frame. */
export interface ModelRules {
  /** The endpoint that receives. */
  readonly role: "server" | "client";
  /** permessage-deflate as agreed for what it receives, where it is. */
  readonly compression?: {
    readonly windowBits: number;
    readonly contextTakeover: boolean;
  } | undefined;
  readonly maxMessageSize: number;
  readonly maxFragments: number;
}

/** A frame, or as much of one as is there. */
export interface ModelFrame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly length: bigint;
  /** The payload that is there, unmasked. */
  readonly payload: number[];
  readonly complete: boolean;
}

/** What the frames mean. */
export type ModelEvent =
  | { readonly text: string }
  | { readonly binary: number[] }
  | { readonly ping: number[] }
  | { readonly pong: number[] }
  | { readonly close: number; readonly reason: string };

/** What an endpoint makes of a wire. */
export interface ModelOutcome {
  readonly events: ModelEvent[];
  /** The codes that it may close with, where the wire breaks a rule. */
  readonly failure: readonly number[] | undefined;
}

const PROTOCOL_ERROR = 1002;
const INVALID_PAYLOAD = 1007;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;

/** Section 5.2: frames, up to the first that breaks a rule of framing, which ends the list. */
export function* readFrames(
  wire: Uint8Array,
  { role, compressed }: { readonly role: "server" | "client"; readonly compressed: boolean },
): Generator<ModelFrame | "violation"> {
  let at = 0;
  let inMessage = false;
  while (wire.length - at >= 2) {
    const first = wire[at++]!, second = wire[at++]!;
    const fin = (first & 0b1000_0000) !== 0;
    const rsv1 = (first & 0b0100_0000) !== 0;
    const opcode = first & 0b1111;
    const masked = (second & 0b1000_0000) !== 0;
    const shortLength = second & 0b0111_1111;
    const control = opcode >= 8;

    const allowed = (first & 0b0011_0000) === 0 &&
      [0, 1, 2, 8, 9, 10].includes(opcode) &&
      (!rsv1 || (compressed && (opcode === 1 || opcode === 2))) &&
      masked === (role === "server") &&
      (!control || (fin && shortLength <= 125)) &&
      (opcode !== 0 || inMessage) &&
      ((opcode !== 1 && opcode !== 2) || !inMessage);
    if (!allowed) return void (yield "violation");

    const lengthSize = shortLength === 127 ? 8 : shortLength === 126 ? 2 : 0;
    if (wire.length - at < lengthSize + (masked ? 4 : 0)) return;
    let length = lengthSize === 0 ? BigInt(shortLength) : 0n;
    for (let i = 0; i < lengthSize; i++) length = length * 256n + BigInt(wire[at++]!);
    if (length >= 2n ** 63n) return void (yield "violation");
    const key: number[] = [];
    for (let i = 0; masked && i < 4; i++) key.push(wire[at++]!);

    if (!control) inMessage = !fin;
    const payload: number[] = [];
    const end = length > BigInt(wire.length - at) ? wire.length : at + Number(length);
    while (at < end) {
      const byte = wire[at++]!;
      payload.push(masked ? byte ^ key[payload.length % 4]! : byte);
    }
    yield { fin, rsv1, opcode, length, payload, complete: BigInt(payload.length) === length };
  }
}

/** Sections 5.4–8.1: what a wire means to the endpoint that receives it. */
export function readWire(wire: Uint8Array, rules: ModelRules): ModelOutcome {
  const events: ModelEvent[] = [];
  const fail = (...codes: number[]): ModelOutcome => ({ events, failure: codes });
  const compressed = rules.compression !== undefined;
  let window: number[] = [];
  let message: Message | undefined;

  for (const frame of readFrames(wire, { role: rules.role, compressed })) {
    if (frame === "violation") return fail(PROTOCOL_ERROR);

    if (frame.opcode >= 8) {
      if (!frame.complete) break;
      const event = readControl(frame);
      if (typeof event === "number") return fail(event);
      events.push(event);
      if ("close" in event) break;
      continue;
    }

    message ??= {
      text: frame.opcode === 1,
      compressed: frame.rsv1,
      size: 0n,
      fragments: 0,
      raw: [],
    };
    if (++message.fragments > rules.maxFragments) return fail(POLICY_VIOLATION);
    message.size += frame.length;
    // Of a compressed message only what comes out is limited; but lengths that no number counts are.
    const limit = message.compressed ? 2 ** 53 - 1 : rules.maxMessageSize;
    if (message.size > BigInt(limit)) return fail(TOO_BIG);
    for (const byte of frame.payload) message.raw.push(byte);
    const ends = frame.fin && frame.complete;

    let plain = message.raw;
    if (message.compressed) {
      const { windowBits } = rules.compression!;
      const inflated = modelInflate(message.raw, window, {
        windowBits,
        maxLength: rules.maxMessageSize,
      });
      plain = inflated.output;
      if (inflated.status !== "ok" || (ends && !inflated.mayEnd)) {
        const code = inflated.status === "large" ? TOO_BIG : INVALID_PAYLOAD;
        // Whoever looks at the text earlier sees first that it is none.
        const spoiled = message.text && readUtf8(plain) === "invalid";
        return spoiled ? fail(INVALID_PAYLOAD, code) : fail(code);
      }
      if (ends && rules.compression!.contextTakeover) {
        window = [...window, ...plain].slice(-(2 ** windowBits));
      }
    }
    if (message.text) {
      const text = readUtf8(plain);
      if (text === "invalid" || (ends && text === "incomplete")) return fail(INVALID_PAYLOAD);
      if (ends) events.push({ text: (text as Text).text });
    } else if (ends) {
      events.push({ binary: plain });
    }
    if (ends) message = undefined;
  }
  return { events, failure: undefined };
}

interface Message {
  readonly text: boolean;
  readonly compressed: boolean;
  size: bigint;
  fragments: number;
  /** The payloads of its frames. */
  readonly raw: number[];
}

/** Sections 5.5.1–5.5.3; a number is the code to fail with. */
function readControl({ opcode, payload }: ModelFrame): ModelEvent | number {
  if (opcode === 9) return { ping: payload };
  if (opcode === 10) return { pong: payload };
  return readClose(payload);
}

/** Sections 5.5.1 and 7.4; a number is the code to fail with. */
export function readClose(payload: number[]): { close: number; reason: string } | number {
  if (payload.length === 0) return { close: 1005, reason: "" };
  if (payload.length === 1) return PROTOCOL_ERROR;
  const code = payload[0]! * 256 + payload[1]!;
  const defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  if (!defined.includes(code) && !(code >= 3000 && code < 5000)) return PROTOCOL_ERROR;
  const reason = readUtf8(payload.slice(2));
  return typeof reason === "string" ? INVALID_PAYLOAD : { close: code, reason: reason.text };
}

interface Text {
  readonly text: string;
}

/**
 * RFC 3629 section 4: the text, or `incomplete` where bytes are missing at its end, or `invalid` from
 * the first byte on that no text can have there.
 */
export function readUtf8(bytes: readonly number[]): Text | "incomplete" | "invalid" {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const form = FORMS.find((form) => inRange(bytes[at]!, form[0]!));
    if (form === undefined) return "invalid";
    let codePoint = form.length === 1 ? bytes[at]! : bytes[at]! & (0x7f >> form.length);
    for (let i = 1; i < form.length; i++) {
      if (at + i === bytes.length) return "incomplete";
      if (!inRange(bytes[at + i]!, form[i]!)) return "invalid";
      codePoint = codePoint * 64 + (bytes[at + i]! & 0x3f);
    }
    text += String.fromCodePoint(codePoint);
    at += form.length;
  }
  return { text };
}

type Range = readonly [least: number, most: number];
const TAIL: Range = [0x80, 0xbf];

/** The rules UTF8-1 to UTF8-4, alternative by alternative. */
const FORMS: readonly (readonly Range[])[] = [
  [[0x00, 0x7f]],
  [[0xc2, 0xdf], TAIL],
  [[0xe0, 0xe0], [0xa0, 0xbf], TAIL],
  [[0xe1, 0xec], TAIL, TAIL],
  [[0xed, 0xed], [0x80, 0x9f], TAIL],
  [[0xee, 0xef], TAIL, TAIL],
  [[0xf0, 0xf0], [0x90, 0xbf], TAIL, TAIL],
  [[0xf1, 0xf3], TAIL, TAIL, TAIL],
  [[0xf4, 0xf4], [0x80, 0x8f], TAIL, TAIL],
];

function inRange(byte: number, [least, most]: Range): boolean {
  return byte >= least && byte <= most;
}
