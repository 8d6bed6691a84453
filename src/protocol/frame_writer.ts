/** Frames on their way out (RFC 6455 section 5): what is sent becomes bytes in a queue. */

import { copyOf, encodeUtf8 } from "../bytes.ts";
import { Compressor, type PermessageDeflateInit } from "../extensions/permessage_deflate.ts";
import { MAX_CONTROL_PAYLOAD, Opcode } from "../opcode.ts";
import { acquireBuffer, LARGEST_POOLED, releaseBuffer } from "./buffer_pool.ts";
import { ByteQueue } from "./byte_queue.ts";
import { copyBytes } from "./copy.ts";
import { frameHeaderSize, MAX_HEADER, writeFrameHeader, writeShortHeader } from "./frame_header.ts";
import { withRoom } from "./header_room.ts";
import { applyMask, createMaskKey } from "./mask.ts";
import { encodeUtf8Into, encodeUtf8Within, looksLikeAscii } from "./utf8.ts";

/** How frames are written. */
export interface FrameWriterInit {
  /** Which side of the connection this is. */
  readonly role: "server" | "client";
  /** permessage-deflate, where it is agreed. */
  readonly compression?: PermessageDeflateInit | undefined;
  /**
   * A server does not copy a payload of more bytes than this, nor one with room for its header that
   * exceeds this together with the header: the caller's array must not change until it is written.
   */
  readonly copyLimit: number;
}

/** Up to this many UTF-16 units a text is given room for three bytes each. */
const SHORT_TEXT = 4 * 1024;
/**
 * Up to this many it is given one byte each if it looks like ASCII, in a buffer that serves again:
 * on Deno 64 KiB take 1.5 µs that way, and 30 in a fresh array.
 */
const LONG_ASCII = LARGEST_POOLED - MAX_HEADER;
/**
 * Up to this many any other is encoded in a buffer that serves again, and copied behind its header.
 * 64 KiB of Chinese take 48 µs on Deno that way and 5.3 on Bun; 78 and 5.8 in a fresh array, and 8
 * and 30 more where one byte each is tried first. A text that is longer, or does not fit after all,
 * has an array of its own.
 */
const LONG_TEXT = LARGEST_POOLED / 2;

/** Encodes frames, masked where the role asks for it and compressed where that is agreed. */
export class FrameWriter {
  /** The frames written. */
  readonly output: ByteQueue = new ByteQueue();
  readonly #masking: boolean;
  readonly #copyLimit: number;
  #compressor: Compressor | undefined;

  /** Creates the writer of one side of a connection. */
  constructor({ role, compression, copyLimit }: FrameWriterInit) {
    this.#masking = role === "client";
    this.#copyLimit = copyLimit;
    this.#compressor = compression && new Compressor(role, compression);
  }

  /** Whether messages can be compressed. */
  get compresses(): boolean {
    return this.#compressor !== undefined;
  }

  /** Forgets what is written and what it was compressed with: nothing more is sent. */
  release(): void {
    this.output.clear();
    this.#compressor = undefined;
  }

  /** Writes a text message, compressed as asked, or else by its size. */
  writeText(text: string, compress: boolean | undefined): void {
    if (this.#shouldCompress(text.length, compress)) {
      return this.#encode(text, (data) => this.#writeCompressed(Opcode.Text, data));
    }
    if (text.length > SHORT_TEXT) return this.#writeLongText(text, compress);
    // Straight after the place of the header, whose size for ASCII is known beforehand.
    const masked = this.#masking;
    const output = this.output;
    const guess = frameHeaderSize(text.length, masked);
    const at = output.reserve(text.length * 3 + 14);
    const buffer = output.buffer;
    const length = encodeUtf8Into(text, buffer, at + guess);
    // Only now is the number of bytes known. What was written is not committed, so it may stay
    // there.
    if (length > text.length && this.#shouldCompress(length, compress)) {
      this.#writeCompressed(Opcode.Text, buffer.subarray(at + guess, at + guess + length));
      return;
    }
    const size = frameHeaderSize(length, masked);
    if (size !== guess) buffer.copyWithin(at + size, at + guess, at + guess + length);
    if (length <= MAX_CONTROL_PAYLOAD && !masked) {
      writeShortHeader(buffer, at, Opcode.Text, length);
    } else {
      const key = masked ? createMaskKey() : undefined;
      writeFrameHeader(buffer, at, { fin: true, rsv1: false, opcode: Opcode.Text, length }, key);
      if (key !== undefined) applyMask(buffer, at + size, at + size + length, key);
    }
    output.commit(size + length);
  }

  /** Writes a binary message, compressed as asked, or else by its size. */
  writeBinary(data: Uint8Array, compress: boolean | undefined): void {
    if (this.#shouldCompress(data.length, compress)) this.#writeCompressed(Opcode.Binary, data);
    else this.#writeFrame(Opcode.Binary, true, false, data);
  }

  /** Writes a control frame. */
  writeControl(opcode: number, payload: Uint8Array): void {
    this.#writeFrame(opcode, true, false, payload);
  }

  /** Writes a piece of a message of several frames: the first with its own opcode. */
  writeFragment(
    opcode: number,
    data: Uint8Array,
    { last, compressed }: { readonly last: boolean; readonly compressed: boolean },
  ): void {
    if (!compressed) return this.#writeFrame(opcode, last, false, data);
    // The first frame alone says so (RFC 7692 section 6).
    const rsv1 = opcode !== Opcode.Continuation;
    this.#writeView(opcode, last, rsv1, this.#compressor!.compress(data, last));
  }

  /** Whether a message of so many bytes is to be compressed: as asked, or else by its size. */
  #shouldCompress(size: number, compress: boolean | undefined): boolean {
    if (this.#compressor === undefined) return false;
    return compress ?? size >= this.#compressor.threshold;
  }

  /** Writes a whole message, compressed. */
  #writeCompressed(opcode: number, data: Uint8Array): void {
    this.#writeView(opcode, true, true, this.#compressor!.compress(data, true));
  }

  /** Writes one frame. */
  #writeFrame(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): void {
    const length = payload.length;
    if (length <= MAX_CONTROL_PAYLOAD && !this.#masking && fin && !rsv1) {
      return this.#writeShortFrame(opcode, payload);
    }
    const masked = this.#masking;
    const size = frameHeaderSize(length, masked);
    if (size + length > this.#copyLimit) {
      if (!masked && this.#writeInPlace(opcode, fin, rsv1, payload)) return;
      // If only the header takes it over the limit, it is copied: once the header is written the
      // rest is within the limit, so `send` would resolve and the caller might change an array
      // still to be written.
      if (masked ? size + length > LARGEST_POOLED : length > this.#copyLimit) {
        return this.#writeOwned(opcode, fin, rsv1, masked ? copyOf(payload) : payload);
      }
    }
    this.#writeCopy(opcode, fin, rsv1, payload);
  }

  /** Writes one frame with a copy of its payload. */
  #writeCopy(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): void {
    const { length } = payload;
    const masked = this.#masking;
    const size = frameHeaderSize(length, masked);
    const at = this.output.reserve(size + length);
    const { buffer } = this.output;
    const key = masked ? createMaskKey() : undefined;
    writeFrameHeader(buffer, at, { fin, rsv1, opcode, length }, key);
    copyBytes(payload, buffer, at + size);
    if (key !== undefined) applyMask(buffer, at + size, at + size + length, key);
    this.output.commit(size + length);
  }

  /** The fast path for an unmasked frame of at most 125 bytes, such as most of a server's. */
  #writeShortFrame(opcode: number, payload: Uint8Array): void {
    const { output } = this;
    const size = 2 + payload.length;
    const at = output.reserve(size);
    const { buffer } = output;
    writeShortHeader(buffer, at, opcode, payload.length);
    copyBytes(payload, buffer, at + 2);
    output.commit(size);
  }

  #writeLongText(text: string, compress: boolean | undefined): void {
    if (text.length <= LONG_ASCII && looksLikeAscii(text) && this.#writeAscii(text)) return;
    this.#encode(text, (data, isOwned) => {
      // Only now is the number of bytes known.
      if (this.#shouldCompress(data.length, compress)) this.#writeCompressed(Opcode.Text, data);
      else if (isOwned) this.#writeOwned(Opcode.Text, true, false, data);
      else this.#writeCopy(Opcode.Text, true, false, data);
    });
  }

  /** Encodes a text for a call to `write`, which may keep the bytes only where it owns them. */
  #encode(text: string, write: (data: Uint8Array, isOwned: boolean) => void): void {
    if (text.length <= LONG_TEXT) {
      const buffer = acquireBuffer(Math.min(text.length * 3, LARGEST_POOLED));
      const length = encodeUtf8Within(text, buffer, 0, buffer.length);
      if (length >= 0) write(buffer.subarray(0, length), false);
      releaseBuffer(buffer);
      if (length >= 0) return;
    }
    write(encodeUtf8(text), true);
  }

  /** Writes a text if it is ASCII, and nothing otherwise; what was not committed may stay there. */
  #writeAscii(text: string): boolean {
    const { length } = text;
    const masked = this.#masking;
    const size = frameHeaderSize(length, masked);
    const at = this.output.reserve(size + length);
    const { buffer } = this.output;
    if (encodeUtf8Within(text, buffer, at + size, at + size + length) < 0) return false;
    const key = masked ? createMaskKey() : undefined;
    writeFrameHeader(buffer, at, { fin: true, rsv1: false, opcode: Opcode.Text, length }, key);
    if (key !== undefined) applyMask(buffer, at + size, at + size + length, key);
    this.output.commit(size + length);
    return true;
  }

  /** Writes what a compressor returned: a view, valid until its next call, that may not be lent. */
  #writeView(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): void {
    if (payload.length > this.#copyLimit) this.#writeOwned(opcode, fin, rsv1, payload.slice());
    else this.#writeFrame(opcode, fin, rsv1, payload);
  }

  /**
   * Writes a whole binary message in one piece with its header, where there is room in front of it.
   * Many connections may put the same header there at a time, so no other header goes there.
   */
  #writeInPlace(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): boolean {
    if (opcode !== Opcode.Binary || !fin || rsv1) return false;
    const frame = withRoom(payload);
    if (frame === undefined) return false;
    writeFrameHeader(frame, 0, { fin, rsv1, opcode, length: payload.length }, undefined);
    this.output.append(frame);
    return true;
  }

  /** Writes a payload that nobody else will change: masked in place, and not copied. */
  #writeOwned(opcode: number, fin: boolean, rsv1: boolean, payload: Uint8Array): void {
    const length = payload.length;
    const key = this.#masking ? createMaskKey() : undefined;
    const size = frameHeaderSize(length, this.#masking);
    const at = this.output.reserve(size);
    writeFrameHeader(this.output.buffer, at, { fin, rsv1, opcode, length }, key);
    this.output.commit(size);
    if (key !== undefined) applyMask(payload, 0, length, key);
    this.output.append(payload);
  }
}
