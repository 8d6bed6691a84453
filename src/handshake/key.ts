/**
 * `Sec-WebSocket-Key` and the answer to it: the proof that a server understood a WebSocket
 * handshake and did not merely echo it (RFC 6455 section 1.3).
 */

import { decodeLatin1, encodeLatin1 } from "./latin1.ts";
import { sha1 } from "./sha1.ts";

/** What a server appends to the key before hashing (RFC 6455 section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A new key: the base64 of 16 random bytes (RFC 6455 section 4.1). */
export function createKey(): string {
  return btoa(decodeLatin1(crypto.getRandomValues(new Uint8Array(16))));
}

/**
 * Whether `value` is the base64 of 16 bytes (RFC 6455 section 4.2.1). The four spare bits of the
 * last digit may be set, which decoders commonly accept.
 */
export function isKey(value: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(value);
}

/** The `Sec-WebSocket-Accept` that answers `key` (RFC 6455 section 4.2.2). */
export function computeAccept(key: string): string {
  return btoa(decodeLatin1(sha1(encodeLatin1(key + GUID))));
}
