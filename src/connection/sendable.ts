/** What `send` takes, and how each value becomes a message. */

import { encodeUtf8 } from "../bytes.ts";
import { MAX_CONTROL_PAYLOAD } from "../opcode.ts";

/** A value that is ready to be sent: text as a string, binary as bytes. */
export type Payload = string | Uint8Array;

/** Text or bytes that arrive piece by piece. */
export type PayloadStream = ReadableStream<Payload> | AsyncIterable<Payload>;

/**
 * The message that a value stands for: a string is text, bytes are binary, a plain object or an
 * array is sent as JSON. A `Blob` and a stream, whose bytes are still to come, are given back as
 * they are.
 *
 * @throws {TypeError} for every other value: a number may be a mistake for a buffer's length.
 */
export function toPayload(value: unknown): Payload | Blob | PayloadStream {
  if (typeof value === "string") return value;
  const bytes = asBytes(value);
  if (bytes !== undefined) return bytes;
  if (value instanceof Blob) return value;
  if (typeof value === "object" && value !== null) {
    if (Symbol.asyncIterator in value || value instanceof ReadableStream) {
      return value as PayloadStream;
    }
    const json = isJson(value) ? JSON.stringify(value) : undefined;
    // A toJSON may leave nothing to be sent.
    if (json !== undefined) return json;
  }
  throw new TypeError(
    `Cannot send message: ${describe(value)} is neither text, bytes, a Blob, a stream, ` +
      "a plain object nor an array",
  );
}

function isJson(value: object): boolean {
  if (Array.isArray(value) || typeof (value as { toJSON?: unknown }).toJSON === "function") {
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  // Objects of another realm have another Object.prototype; its prototype is null all the same.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, for an error. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "unknown"}`;
}

/**
 * The payload of a ping as the bytes to send.
 *
 * @throws {TypeError} if it is neither text nor bytes.
 * @throws {RangeError} if it is longer than a control frame may be; not every host checks.
 */
export function toControlPayload(value: unknown): Uint8Array {
  const bytes = typeof value === "string" ? encodeUtf8(value) : asBytes(value);
  if (bytes === undefined) {
    throw new TypeError(`Cannot send ping: payload must be text or bytes, not ${describe(value)}`);
  }
  if (bytes.length > MAX_CONTROL_PAYLOAD) {
    throw new RangeError(
      `Cannot send ping: payload must be at most ${MAX_CONTROL_PAYLOAD} bytes, not ${bytes.length}`,
    );
  }
  return bytes;
}

/** The bytes of a buffer or a view, not copied; `undefined` for anything else. */
function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
