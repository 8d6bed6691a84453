/**
 * The payload of a Close frame: nothing, or a code and a reason (RFC 6455 sections 5.5.1 and 7.4).
 */

import { CloseCode } from "../close_code.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** What a Close frame says. */
export interface Close {
  /** The code; 1005 stands for an empty payload. */
  readonly code: number;
  /** The reason; empty where there is none. */
  readonly reason: string;
}

/** Why a Close payload is refused. */
export interface CloseViolation {
  /** The code of the Close frame that answers it. */
  readonly closeCode: number;
  /** What is wrong with it. */
  readonly message: string;
}

/** A control frame carries at most 125 bytes, two of which are the code. */
const MAX_REASON_BYTES = 123;

/** Whether a Close frame with this code may arrive (RFC 6455 section 7.4, IANA registry). */
export function isReceivableCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
}

/** Reads the payload of a Close frame. */
export function parseClose(payload: Uint8Array): Close | CloseViolation {
  if (payload.length === 0) return { code: CloseCode.NoStatusReceived, reason: "" };
  if (payload.length === 1) {
    return { closeCode: CloseCode.ProtocolError, message: "Close payload of one byte" };
  }
  const code = (payload[0]! << 8) | payload[1]!;
  if (!isReceivableCloseCode(code)) {
    return { closeCode: CloseCode.ProtocolError, message: `invalid close code ${code}` };
  }
  const reason = decodeUtf8(payload, 2, payload.length);
  if (reason === undefined) {
    return { closeCode: CloseCode.InvalidPayload, message: "close reason is not UTF-8" };
  }
  return { code, reason };
}

/** Writes the payload of a Close frame; takes what {@linkcode validateClose} let pass. */
export function encodeClose(code: number, reason: string): Uint8Array {
  if (code === CloseCode.NoStatusReceived) return new Uint8Array(0);
  const text = encodeUtf8(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}

/**
 * Checks a code and a reason that the application wants to send.
 *
 * @throws {TypeError} if the code is no number or the reason no string.
 * @throws {RangeError} if the code may not be sent, or the reason is longer than 123 bytes.
 */
export function validateClose(code: number, reason: string): void {
  if (typeof code !== "number") {
    throw new TypeError(`Cannot close: code must be a number, not ${typeof code}`);
  }
  if (typeof reason !== "string") {
    throw new TypeError(`Cannot close: reason must be a string, not ${typeof reason}`);
  }
  if (!Number.isInteger(code) || !isReceivableCloseCode(code)) {
    throw new RangeError(
      `Cannot close: code must be 1000–1003, 1007–1014 or 3000–4999, not ${code}`,
    );
  }
  // Three bytes a code unit is the most that UTF-8 needs, so that most reasons need no encoding.
  if (reason.length * 3 > MAX_REASON_BYTES && encodeUtf8(reason).length > MAX_REASON_BYTES) {
    throw new RangeError(`Cannot close: reason must be at most ${MAX_REASON_BYTES} bytes of UTF-8`);
  }
}
