/**
 * A WebSocket codec for an echo that checks nothing: what is left when a library is taken away, and
 * so what a server in this language takes at least. It is made of the same loops over bytes as the
 * library, which are the fastest known, and leaves out all the rest: no rules of frames, limits,
 * fragments, control frames, backpressure, timers or orderly end.
 *
 * It answers what our load generator sends, and is no server for anything else.
 */
import type { Engine } from "../../../src/engine.ts";
import { Opcode } from "../../../src/opcode.ts";
import { copyBytes } from "../../../src/protocol/copy.ts";
import {
  frameHeaderSize,
  headerSizeOf,
  readKey,
  readLength,
  writeFrameHeader,
  writeShortHeader,
} from "../../../src/protocol/frame_header.ts";
import {
  applyMask,
  copyUnmasked,
  copyUnmaskedWords,
  UNMASKED_WHILE_COPIED,
} from "../../../src/protocol/mask.ts";
import { decodeUtf8, encodeUtf8Into, encodeUtf8Within } from "../../../src/protocol/utf8.ts";

/** A message as an echo gets and sends it. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** Larger messages are sent from where they lie, behind a header put in front of them. */
const SENT_IN_PLACE = 16 * 1024;
/** The room for that header. */
const ROOM = 16;
/** The size of the buffer that small messages share on V8, and of the largest that does. */
const SLAB_SIZE = 8 * 1024;
const LARGEST_SHARED = 1024;
/** From this size on a message stays a view of a chunk that is the receiver's own. */
const VIEWED_FROM = 1000;
const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** One side of a connection: bytes in, messages out, and the other way round. */
export class BareCodec {
  /** Replies to be written after {@linkcode pieces}: so many bytes of {@linkcode buffer}. */
  length = 0;
  buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  /** Large replies, each in one piece, and what is to be written before them. */
  readonly pieces: Uint8Array[] = [];
  readonly #engine: Engine;
  readonly #deliver: (message: Message) => void;
  /** What a chunk ended within, if that was a header. */
  #head: Uint8Array = NOTHING;
  /** The message that a chunk ended within. */
  #partial: Uint8Array<ArrayBuffer> | undefined;
  #received = 0;
  #isText = false;
  #key = 0;

  /** In JavaScriptCore each chunk must be in memory of its own, as Bun's are. */
  constructor(engine: Engine, deliver: (message: Message) => void) {
    this.#engine = engine;
    this.#deliver = deliver;
  }

  /** Takes what a read brought, and delivers the messages in it. */
  receive(chunk: Uint8Array<ArrayBuffer>): void {
    let at = 0;
    if (this.#head.length > 0) {
      const joined = new Uint8Array(this.#head.length + chunk.length);
      joined.set(this.#head);
      joined.set(chunk, this.#head.length);
      this.#head = NOTHING;
      chunk = joined;
    } else if (this.#partial !== undefined) {
      at = this.#continue(this.#partial, chunk);
    }
    const end = chunk.length;
    const source = this.#engine === "V8" ? sourceOf(chunk) : undefined;
    while (at < end) {
      at = this.#receiveShort(chunk, source, at, end);
      if (at === end) return;
      const size = at + 1 < end ? headerSizeOf(chunk[at + 1]!) : Infinity;
      if (at + size > end) {
        this.#head = chunk.slice(at);
        return;
      }
      const short = chunk[at + 1]! & 0x7f;
      const length = short < 126 ? short : readLength(chunk, at);
      const key = readKey(chunk, at + size - 4);
      const isText = (chunk[at]! & 0x0f) === Opcode.Text;
      const start = at + size;
      at = start + length;
      if (at > end) return this.#begin(chunk, start, length, key, isText);
      this.#deliver(
        isText
          ? this.#readText(chunk, start, at, key)
          : source !== undefined
          ? extractV8(source, chunk, start, at, key)
          : extract(chunk, start, at, key),
      );
    }
  }

  /** Delivers messages of at most 125 bytes, and returns where the first other one begins. */
  #receiveShort(
    chunk: Uint8Array<ArrayBuffer>,
    source: DataView | undefined,
    at: number,
    end: number,
  ): number {
    while (at + 6 <= end) {
      const length = chunk[at + 1]! & 0x7f;
      const start = at + 6, stop = start + length;
      if (length > 125 || stop > end) return at;
      const key = readKey(chunk, at + 2);
      this.#deliver(
        (chunk[at]! & 0x0f) === Opcode.Text
          ? decodeUtf8(chunk, start, stop, this.#engine, key)!
          : source !== undefined
          ? extractV8(source, chunk, start, stop, key)
          : extract(chunk, start, stop, key),
      );
      at = stop;
    }
    return at;
  }

  /** Makes a message a frame of the output. */
  send(message: Message): void {
    if (typeof message === "string") return this.#sendText(message);
    const size = message.length;
    if (size < 126) {
      const at = this.#reserve(2 + size);
      writeShortHeader(this.buffer, at, Opcode.Binary, size);
      copyBytes(message, this.buffer, at + 2);
      this.length = at + 2 + size;
      return;
    }
    if (size >= SENT_IN_PLACE) return this.#sendInPlace(message);
    const header = frameHeaderSize(size, false);
    const at = this.#reserve(header + size);
    writeHeader(this.buffer, at, Opcode.Binary, size);
    copyBytes(message, this.buffer, at + header);
    this.length = at + header + size;
  }

  #sendInPlace(message: Uint8Array<ArrayBuffer>): void {
    const size = message.length;
    const header = frameHeaderSize(size, false);
    const frame = new Uint8Array(message.buffer, message.byteOffset - header, header + size);
    writeHeader(frame, 0, Opcode.Binary, size);
    if (this.length > 0) this.pieces.push(this.buffer.slice(0, this.length));
    this.length = 0;
    this.pieces.push(frame);
  }

  #sendText(text: string): void {
    // A text of our load is ASCII where it is long.
    const header = frameHeaderSize(text.length, false);
    const isLong = text.length > 4096;
    const at = this.#reserve(header + text.length * (isLong ? 1 : 3));
    let size = text.length;
    if (isLong) encodeUtf8Within(text, this.buffer, at + header, at + header + size);
    else size = encodeUtf8Into(text, this.buffer, at + header);
    writeHeader(this.buffer, at, Opcode.Text, size);
    this.length = at + header + size;
  }

  #reserve(size: number): number {
    const least = this.length + size;
    if (least > this.buffer.length) {
      const larger = new Uint8Array(2 * least);
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
    }
    return this.length;
  }

  #readText(chunk: Uint8Array, start: number, end: number, key: number): string {
    if (end - start > 125) {
      applyMask(chunk, start, end, key);
      key = 0;
    }
    return decodeUtf8(chunk, start, end, this.#engine, key)!;
  }

  #begin(
    chunk: Uint8Array<ArrayBuffer>,
    start: number,
    length: number,
    key: number,
    isText: boolean,
  ): void {
    this.#partial = new Uint8Array(new ArrayBuffer(ROOM + length), ROOM);
    this.#received = 0;
    this.#key = key;
    this.#isText = isText;
    this.#continue(this.#partial, start === 0 ? chunk : chunk.subarray(start));
  }

  /** Returns where the message ends within the chunk. */
  #continue(partial: Uint8Array<ArrayBuffer>, chunk: Uint8Array<ArrayBuffer>): number {
    const count = Math.min(partial.length - this.#received, chunk.length);
    const turn = (this.#received & 3) << 3;
    const key = turn === 0 ? this.#key : (this.#key >>> turn) | (this.#key << (32 - turn));
    // Where it was read to, which on Deno is memory that vectors can unmask.
    applyMask(chunk, 0, count, key);
    partial.set(count === chunk.length ? chunk : chunk.subarray(0, count), this.#received);
    this.#received += count;
    if (this.#received === partial.length) {
      this.#partial = undefined;
      this.#deliver(this.#isText ? decodeUtf8(partial, 0, partial.length, this.#engine)! : partial);
    }
    return count;
  }
}

function writeHeader(target: Uint8Array, at: number, opcode: number, length: number): void {
  if (length < 126) writeShortHeader(target, at, opcode, length);
  else writeFrameHeader(target, at, { fin: true, rsv1: false, opcode, length }, undefined);
}

let lastSource: DataView = new DataView(new ArrayBuffer(0));

/** Chunks of a connection lie in the same memory, so that one view of it serves many of them. */
function sourceOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  if (
    lastSource.buffer !== buffer || lastSource.byteOffset !== byteOffset ||
    lastSource.byteLength < length
  ) lastSource = new DataView(buffer, byteOffset);
  return lastSource;
}

let slab = new ArrayBuffer(SLAB_SIZE);
let slabWords = new Int32Array(slab);
let used = 0;

function extractV8(
  source: DataView,
  chunk: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
  key: number,
): Uint8Array<ArrayBuffer> {
  const size = end - start;
  if (size > UNMASKED_WHILE_COPIED.V8) applyMask(chunk, start, end, key);
  if (size > LARGEST_SHARED) {
    if (size < SENT_IN_PLACE) return new Uint8Array(chunk.subarray(start, end));
    const message = new Uint8Array(new ArrayBuffer(ROOM + size), ROOM);
    message.set(chunk.subarray(start, end));
    return message;
  }
  if (used + size > SLAB_SIZE) {
    slab = new ArrayBuffer(SLAB_SIZE);
    slabWords = new Int32Array(slab);
    used = 0;
  }
  const message = new Uint8Array(slab, used, size);
  if (size > UNMASKED_WHILE_COPIED.V8) message.set(chunk.subarray(start, end));
  else copyUnmaskedWords(source, start, slabWords, used >>> 2, message, key);
  used += (size + 7) & ~7;
  return message;
}

function extract(
  chunk: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
  key: number,
): Uint8Array<ArrayBuffer> {
  const size = end - start;
  if (size <= UNMASKED_WHILE_COPIED.JavaScriptCore) {
    const message = new Uint8Array(size);
    copyUnmasked(chunk, start, message, key);
    return message;
  }
  applyMask(chunk, start, end, key);
  if (size < VIEWED_FROM) return chunk.slice(start, end);
  return new Uint8Array(chunk.buffer, chunk.byteOffset + start, size);
}
