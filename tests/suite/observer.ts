/**
 * What the endpoint under test says: frames are gathered to messages and held to the RFC.
 */

import type { Data } from "./case.ts";
import { DeflateError, Inflater } from "./deflate.ts";
import type { Parameters } from "./negotiation.ts";
import type { EndOfStream } from "./raw_socket.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type Frame,
  FrameReader,
  join,
  PING,
  PONG,
  type Role,
  TEXT,
} from "./frames.ts";

/** What was seen of an endpoint. */
export interface Observation {
  readonly messages: readonly Data[];
  readonly pongs: readonly Uint8Array[];
  /** How many of the messages came compressed. */
  readonly compressed: number;
  /** How many pongs came before the first message. */
  readonly pongsFirst: number;
  /** The code of its Close, 1005 for none in it; `undefined` if none came. */
  readonly closeCode: number | undefined;
  /** How its direction of the transport ended, if it has. */
  readonly ended: EndOfStream | undefined;
  /** What it did that no endpoint may do. */
  readonly fault: string | undefined;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads what the endpoint sends behind its handshake. */
export class Observer implements Observation {
  readonly messages: Data[] = [];
  readonly pongs: Uint8Array[] = [];
  compressed = 0;
  pongsFirst = 0;
  closeCode: number | undefined;
  ended: EndOfStream | undefined;
  fault: string | undefined;
  readonly #role: Role;
  readonly #inflater: Inflater | undefined;
  readonly #windowSize: number;
  readonly #reader = new FrameReader();
  #message: { type: Data["type"]; compressed: boolean; pieces: Uint8Array[] } | undefined;
  #lastKey: number | undefined;

  /** `role` is the endpoint's; `agreed` what compression was agreed on, if any. */
  constructor(role: Role, agreed: Parameters | undefined) {
    this.#role = role;
    const server = role === "server";
    const forgets = server ? agreed?.serverNoContextTakeover : agreed?.clientNoContextTakeover;
    const bits = server ? agreed?.serverMaxWindowBits : agreed?.clientMaxWindowBits;
    this.#inflater = agreed && new Inflater(!forgets);
    this.#windowSize = 2 ** (bits ?? 15);
  }

  /** Bytes came. */
  receive(bytes: Uint8Array): void {
    for (const frame of this.#reader.push(bytes)) {
      this.fault ??= this.#findFault(frame) ?? this.#take(frame);
    }
  }

  /** The endpoint's direction of the transport is at its end. */
  end(how: EndOfStream): void {
    this.ended ??= how;
    if (how === "cleanly" && this.#reader.pending > 0) this.fault ??= "ended within a frame";
  }

  #findFault({ fin, reserved, opcode, key, lengthSize, payload }: Frame): string | undefined {
    if (this.closeCode !== undefined) return "a frame behind its Close";
    const masked = key !== undefined;
    if (masked !== (this.#role === "client")) {
      return masked ? "a masked frame" : "an unmasked frame";
    }
    if (masked && key === this.#lastKey && payload.length > 0) return "one key for two frames";
    this.#lastKey = key;
    const least = payload.length < 126 ? 1 : payload.length < 65536 ? 2 : 8;
    if (lengthSize !== least) return "a length in more bytes than it needs";
    const compressed = reserved === 4 && this.#inflater !== undefined &&
      (opcode === TEXT || opcode === BINARY);
    if (reserved !== 0 && !compressed) return `reserved bits ${reserved} on opcode ${opcode}`;
    if (opcode >= CLOSE && (!fin || payload.length > 125)) return "a control frame out of bounds";
    return undefined;
  }

  #take({ fin, reserved, opcode, payload }: Frame): string | undefined {
    switch (opcode) {
      case TEXT:
      case BINARY: {
        if (this.#message !== undefined) return "a message within another";
        const type = opcode === TEXT ? "text" : "binary";
        this.#message = { type, compressed: reserved === 4, pieces: [payload] };
        return fin ? this.#finishMessage() : undefined;
      }
      case CONTINUATION:
        if (this.#message === undefined) return "a continuation of nothing";
        this.#message.pieces.push(payload);
        return fin ? this.#finishMessage() : undefined;
      case CLOSE:
        return this.#takeClose(payload);
      case PING:
        return undefined;
      case PONG:
        this.pongs.push(payload);
        if (this.messages.length === 0) this.pongsFirst++;
        return undefined;
      default:
        return `the reserved opcode ${opcode}`;
    }
  }

  #finishMessage(): string | undefined {
    const { type, compressed, pieces } = this.#message!;
    this.#message = undefined;
    let payload: Uint8Array = pieces.length === 1 ? pieces[0]! : join(pieces);
    if (compressed) {
      this.compressed++;
      const inflater = this.#inflater!;
      try {
        payload = inflater.inflate(payload);
      } catch (error) {
        if (error instanceof DeflateError) return `compressed data: ${error.message}`;
        throw error;
      }
      if (inflater.maxDistance > this.#windowSize) {
        return `a distance of ${inflater.maxDistance} in a window of ${this.#windowSize}`;
      }
    }
    if (type === "text" && !isUtf8(payload)) return "a text that is not UTF-8";
    this.messages.push({ type, payload });
    return undefined;
  }

  #takeClose(payload: Uint8Array): string | undefined {
    this.closeCode = payload.length < 2 ? 1005 : (payload[0]! << 8) | payload[1]!;
    if (payload.length === 1) return "a Close of one byte";
    if (payload.length === 0) return undefined;
    if (!isSendableCode(this.closeCode)) return `a Close with the code ${this.closeCode}`;
    return isUtf8(payload.subarray(2)) ? undefined : "a close reason that is not UTF-8";
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether a Close may carry the code (RFC 6455 section 7.4, and the registry of IANA). */
export function isSendableCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
}
