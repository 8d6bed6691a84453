/** The codes of Close frames, and which of them may be on the wire (RFC 6455 section 7.4). */

import { exceedsUtf8 } from "./bytes.ts";

/**
 * The registered close codes below 3000 (RFC 6455 section 7.4.1 and the IANA registry).
 *
 * Codes of an application's own lie in 4000–4999, those of libraries and frameworks in 3000–3999.
 */
export const CloseCode = {
  /** The purpose of the connection is fulfilled. */
  Normal: 1000,
  /** The endpoint goes away: a server shuts down, a page is left. */
  GoingAway: 1001,
  /** The peer broke the protocol. */
  ProtocolError: 1002,
  /** A kind of data that this endpoint does not take, as binary where only text is expected. */
  UnsupportedData: 1003,
  /** The peer's Close frame had no code. Never sent. */
  NoStatusReceived: 1005,
  /** The connection ended without a Close frame from the peer. Never sent. */
  Abnormal: 1006,
  /** Data that is not what its type says, as text that is not UTF-8. */
  InvalidPayload: 1007,
  /** A message that breaks a rule of the application. */
  PolicyViolation: 1008,
  /** A message larger than this endpoint takes. */
  MessageTooBig: 1009,
  /** The client requires an extension that the server did not negotiate. */
  MandatoryExtension: 1010,
  /** The server met an unexpected condition. */
  InternalError: 1011,
  /** The service restarts. */
  ServiceRestart: 1012,
  /** The service is overloaded: try again later. */
  TryAgainLater: 1013,
  /** A gateway had an invalid answer from upstream. */
  BadGateway: 1014,
  /** The TLS handshake failed. Never sent. */
  TlsHandshake: 1015,
} as const;

/** One of the registered codes of {@linkcode CloseCode}. */
export type CloseCode = typeof CloseCode[keyof typeof CloseCode];

/** A control frame carries at most 125 bytes, two of which are the code. */
const MAX_REASON_BYTES = 123;

/** Whether a reason has more bytes of UTF-8 than a Close frame can carry. */
export function isReasonTooLong(reason: string): boolean {
  return exceedsUtf8(reason, MAX_REASON_BYTES);
}

/** Whether a Close frame with this code may arrive (RFC 6455 section 7.4, IANA registry). */
export function isReceivableCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
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
  if (isReasonTooLong(reason)) {
    throw new RangeError(`Cannot close: reason must be at most ${MAX_REASON_BYTES} bytes of UTF-8`);
  }
}
