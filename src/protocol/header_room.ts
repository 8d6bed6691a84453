/**
 * Room for the header of a frame in front of a payload.
 *
 * A large message that is passed on, such as by an echo, a relay or a broadcast, is not copied to
 * follow its new header: the header goes in front of the message where it lies, and both leave in
 * one write.
 */

import { frameHeaderSize } from "./frame_header.ts";

/**
 * The room made where there is none: a multiple of eight, so that arrays of any type fit after it.
 */
const ROOM = 16;
/** Smaller payloads are copied to follow their headers. */
const ROOM_FROM = 16 * 1024;

/** The payloads that have room in front of them. */
const roomy = new WeakSet<Uint8Array>();

/** Memory for a payload of `size` bytes, with room in front of it where it is large. */
export function allocatePayload(size: number): Uint8Array<ArrayBuffer> {
  if (size < ROOM_FROM) return new Uint8Array(size);
  return new Uint8Array(new ArrayBuffer(ROOM + size), ROOM);
}

/**
 * Notes that a payload has `room` bytes in front of it which, as far as a header without a masking
 * key reaches, are nobody's or hold the header of the frame in which it came.
 */
export function noteRoom(payload: Uint8Array, room: number): void {
  const { length } = payload;
  if (length >= ROOM_FROM && room >= frameHeaderSize(length, false)) roomy.add(payload);
}

/** A payload with the room for an unmasked header in front of it, where there is some. */
export function withRoom(payload: Uint8Array): Uint8Array | undefined {
  if (!roomy.has(payload)) return undefined;
  const size = frameHeaderSize(payload.length, false);
  return new Uint8Array(payload.buffer, payload.byteOffset - size, size + payload.length);
}
