/**
 * The payload of a Close frame: nothing, or a code and a reason (RFC 6455 sections 5.5.1 and 7.4).
 */

import { encodeUtf8 } from "../bytes.ts";
import { CloseCode, isReceivableCloseCode } from "../close_code.ts";
import { decodeUtf8 } from "./utf8.ts";
import type { Violation } from "./violation.ts";

/** What a Close frame says. */
export interface Close {
  /** The code; 1005 stands for an empty payload. */
  readonly code: number;
  /** The reason; empty where there is none. */
  readonly reason: string;
}

/** Reads the payload of a Close frame. */
export function parseClose(payload: Uint8Array): Close | Violation {
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

/** Writes the payload of a Close frame; takes what `validateClose` let pass. */
export function encodeClose(code: number, reason: string): Uint8Array {
  if (code === CloseCode.NoStatusReceived) return new Uint8Array(0);
  const text = encodeUtf8(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}
