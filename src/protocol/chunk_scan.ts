/**
 * Looks ahead at the frames of a chunk, so that memory for their payloads can be shared; nothing is
 * decoded or judged.
 */

import { Opcode } from "../opcode.ts";
import { FIN, headerSizeOf, LENGTH, readLength } from "./frame_header.ts";

/**
 * The payload bytes of the binary messages that follow in `chunk[at…]`, up to the first frame that
 * is not a whole message of at least `least` bytes.
 */
export function sumWholePayloads(chunk: Uint8Array, at: number, least: number): number {
  let sum = 0;
  while (at + 2 <= chunk.length && chunk[at] === (FIN | Opcode.Binary)) {
    const size = headerSizeOf(chunk[at + 1]!);
    if (at + size > chunk.length) break;
    const length = readLength(chunk, at);
    at += size + length;
    if (length < least || at > chunk.length) break;
    sum += length;
  }
  return sum;
}

/**
 * The room for the binary messages that follow in `chunk[at…]`, each whole in one frame and of at
 * most `most` bytes: their payloads, each rounded up to a multiple of eight. Other frames are
 * passed over. Looks no further once the room is `enough`.
 */
export function roomForPayloads(
  chunk: Uint8Array,
  at: number,
  most: number,
  enough: number,
): number {
  let room = 0;
  while (at + 2 <= chunk.length && room < enough) {
    const first = chunk[at]!, second = chunk[at + 1]!;
    const size = headerSizeOf(second);
    if (at + size > chunk.length) break;
    const length = readLength(chunk, at);
    const step = size + length;
    if (at + step > chunk.length) break;
    const isMessage = first === (FIN | Opcode.Binary) && length <= most;
    const space = isMessage ? (length + 7) & ~7 : 0;
    let next = at + step;
    // Messages of one length usually follow one another; short ones are recognized by two bytes.
    if ((second & LENGTH) < 126) {
      const last = Math.min(chunk.length - step, at + step * (enough / space));
      while (next <= last && chunk[next] === first && chunk[next + 1] === second) next += step;
    }
    room += space * ((next - at) / step);
    at = next;
  }
  return room;
}
