/**
 * Bytes that come from outside, and may be a `Buffer`: that is a `Uint8Array` too, but its `slice` is a
 * view, so that what is meant to be a copy would be none.
 */

/** A copy of bytes, in memory of its own. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** The same bytes, not copied, as what is a `Uint8Array` and nothing else. */
export function toPlainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
