/**
 * Bytes that are made of something else: of a text, or of what comes from outside and may be a
 * `Buffer`. That is a `Uint8Array` too, but its `slice` is a view where a copy is meant.
 */

/** A copy of bytes, in memory of its own. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** The same bytes, not copied, as a plain `Uint8Array`. */
export function toPlainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

const encoder = new TextEncoder();

/** The UTF-8 of a text; lone surrogates become U+FFFD, as in WHATWG's `USVString`. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Whether a text is longer than `limit` bytes of UTF-8. Most need not be encoded to tell: a UTF-16
 * unit takes one to three bytes.
 */
export function exceedsUtf8(text: string, limit: number): boolean {
  return text.length > limit || 3 * text.length > limit && encodeUtf8(text).length > limit;
}
