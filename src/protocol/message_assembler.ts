/**
 * From fragments to messages (RFC 6455 section 5.4): what belongs to one message, and only that.
 * Control frames never come here, so that one between two fragments cannot disturb them.
 */

import { CloseCode } from "../close_code.ts";
import type { Engine } from "../engine.ts";
import { InflateStatus } from "../deflate/inflate.ts";
import type { Decompressor } from "../extensions/permessage_deflate.ts";
import type { Message } from "../types.ts";
import { acquireBuffer, releaseBuffer } from "./buffer_pool.ts";
import { ConnectionSlab, type ConnectionSlabOwner } from "./connection_slab.ts";
import { allocatePayload, noteRoom } from "./header_room.ts";
import { applyMask, unmaskText } from "./mask.ts";
import { commonSlab, type PayloadSlab } from "./payload_slab.ts";
import { decodeUtf8, Utf8Validator } from "./utf8.ts";
import {
  isVectorMemory,
  returnVectorBuffer,
  takeVectorBuffer,
  VECTOR_TEXT_SIZE,
} from "./vector_memory.ts";
import type { Violation } from "./violation.ts";

/** What a peer may send at most. */
export interface MessageLimits {
  /** Bytes of one message, after decompression. */
  readonly maxMessageSize: number;
  /** Fragments of one message. */
  readonly maxFragments: number;
}

/**
 * A message announced by a header alone has proven nothing yet: this is the most that is allocated
 * for it before its bytes arrive.
 */
const FIRST_ALLOCATION = 64 * 1024;

/**
 * Once some of a message has come, memory for so many times as much is allocated, so that most are
 * not copied again. Engines take that of a large array from the system only as it is written. An
 * echo of 1 MiB by a handler takes 611 µs on Deno and 502 on Bun with 4 in place of 16, and 498 and
 * 480 with this.
 */
const GROWTH = 16;
/** Text gathers in buffers that serve again, which may be four times as large as asked for. */
const TEXT_GROWTH = GROWTH / 4;

/** A buffer for text of `size` bytes; one where it can be unmasked, unless it is that already. */
function takeForText(size: number, source: Uint8Array): Uint8Array<ArrayBuffer> {
  const wanted = size >= FIRST_ALLOCATION && size <= VECTOR_TEXT_SIZE && !isVectorMemory(source);
  return (wanted ? takeVectorBuffer("text") : undefined) ?? acquireBuffer(size);
}

function giveBack(buffer: Uint8Array<ArrayBuffer>): void {
  if (!returnVectorBuffer(buffer)) releaseBuffer(buffer);
}

const EMPTY = new Uint8Array(0);
const INVALID_UTF8: Violation = {
  closeCode: CloseCode.InvalidPayload,
  message: "text is not UTF-8",
};
const CORRUPT: Violation = {
  closeCode: CloseCode.InvalidPayload,
  message: "compressed data is corrupt",
};

/**
 * Gathers the fragments of one message in one buffer, so that a fragment costs its bytes and
 * nothing else, and checks limits and UTF-8 on the way.
 */
export class MessageAssembler implements ConnectionSlabOwner {
  readonly #maxMessageSize: number;
  readonly #maxFragments: number;
  #decompressor: Decompressor | undefined;
  #engine: Engine = "V8";
  #keepsChunks = false;
  #payloadSlab: PayloadSlab = commonSlab({ sharing: true, keepsChunks: false });
  #connectionSlab: ConnectionSlab | undefined;
  #validator: Utf8Validator | undefined;
  #text = false;
  #compressed = false;
  #fragments = 0;
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  #length = 0;
  /** Payload bytes announced by the headers so far. */
  #announced = 0;
  /** Whether nothing more will be announced for this message. */
  #complete = false;

  /** Creates an assembler; `decompressor` where permessage-deflate is agreed. */
  constructor(limits: MessageLimits, decompressor: Decompressor | undefined) {
    this.#maxMessageSize = limits.maxMessageSize;
    this.#maxFragments = limits.maxFragments;
    this.#decompressor = decompressor;
  }

  /** The memory for small messages that come few with a read. */
  get connectionSlab(): ConnectionSlab {
    return this.#connectionSlab ??= new ConnectionSlab();
  }

  /** Chooses what is fast in this engine. */
  tuneFor(engine: Engine): void {
    this.#engine = engine;
    this.#chooseSlab();
  }

  /** From now on the chunks are the receiver's own. */
  keepChunks(): void {
    this.#keepsChunks = true;
    this.#chooseSlab();
  }

  /** Starts a message. */
  begin(text: boolean, compressed: boolean): void {
    this.#text = text;
    this.#compressed = compressed;
    this.#fragments = 0;
    this.#announced = 0;
    this.#length = 0;
  }

  /** Announces the next fragment, before any byte of it is held; `last` if no other follows. */
  expect(length: number, last: boolean): Violation | undefined {
    if (++this.#fragments > this.#maxFragments) return this.#tooManyFragments();
    this.#announced += length;
    this.#complete = last;
    // Of a compressed message only the output counts, which is checked as it is inflated.
    const limit = this.#compressed ? Number.MAX_SAFE_INTEGER : this.#maxMessageSize;
    return this.#announced > limit ? this.#tooBig() : undefined;
  }

  /**
   * Takes a message that is neither fragmented, compressed nor cut, masked with `key` unless that
   * is 0.
   */
  whole(
    text: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    key: number,
  ): Message | Violation {
    if (end - start > this.#maxMessageSize) return this.#tooBig();
    if (!text) return this.#payloadSlab.extract(bytes, start, end, key, this);
    return decodeUtf8(bytes, start, end, this.#engine, key) ?? INVALID_UTF8;
  }

  /** Nothing more of the chunk at hand follows. */
  endChunk(): void {
    this.#payloadSlab.drop();
  }

  /** Whether pieces of the message may be passed on masked: those of text, if not compressed. */
  get unmasks(): boolean {
    return this.#text && !this.#compressed;
  }

  /** Takes a piece of the message that is not its last, masked with `key` unless that is 0. */
  append(bytes: Uint8Array, start: number, end: number, key: number): Violation | undefined {
    if (start === end) return undefined;
    if (this.#compressed) {
      const before = this.#decompressor!.output.length;
      return this.#inflate(bytes, start, end) ?? this.#validateInflated(before);
    }
    if (this.#text) return this.#appendText(bytes, start, end, key);
    this.#gather(bytes, start, end);
    return undefined;
  }

  /**
   * Takes the last piece of the message, which may be all of it, masked with `key` unless that is 0.
   */
  finish(bytes: Uint8Array, start: number, end: number, key: number): Message | Violation {
    // The decoder judges the text as a whole: the validator is for pieces before the last.
    this.#validator?.reset();
    if (this.#compressed) {
      return this.#inflate(bytes, start, end) ?? this.#finishInflated();
    }
    if (this.#length === 0) {
      if (!this.#text) return this.#payloadSlab.extract(bytes, start, end, 0, this);
      if (key !== 0) applyMask(bytes, start, end, key);
      return decodeUtf8(bytes, start, end, this.#engine) ?? INVALID_UTF8;
    }
    if (this.#text) this.#gatherText(bytes, start, end, key);
    else this.#gather(bytes, start, end);
    const buffer = this.#buffer, length = this.#length;
    this.#buffer = EMPTY;
    if (this.#text) {
      const text = decodeUtf8(buffer, 0, length, this.#engine);
      giveBack(buffer);
      return text ?? INVALID_UTF8;
    }
    if (length < buffer.length) return buffer.slice(0, length);
    noteRoom(buffer, buffer.byteOffset);
    return buffer;
  }

  /** Gives up what is held: no message will be completed any more. */
  release(): void {
    if (this.#text) giveBack(this.#buffer);
    this.#buffer = EMPTY;
    this.#length = 0;
    this.#decompressor = undefined;
    this.#validator = undefined;
    this.#connectionSlab = undefined;
  }

  #chooseSlab(): void {
    this.#payloadSlab = commonSlab({
      sharing: this.#engine === "V8",
      keepsChunks: this.#keepsChunks,
    });
  }

  #appendText(bytes: Uint8Array, start: number, end: number, key: number): Violation | undefined {
    const at = this.#length;
    const asciiUntil = this.#gatherText(bytes, start, end, key);
    const validator = this.#validator ??= new Utf8Validator(this.#engine);
    return validator.push(this.#buffer, at, this.#length, asciiUntil) ? undefined : INVALID_UTF8;
  }

  /**
   * Unmasks a piece of text where vectors can do it: where it was read, or where it is gathered.
   * Returns up to where it was seen to be ASCII there, at least where it begins.
   */
  #gatherText(bytes: Uint8Array, start: number, end: number, key: number): number {
    const at = this.#length;
    if (isVectorMemory(bytes)) {
      const asciiUntil = unmaskText(bytes, start, end, key);
      this.#gather(bytes, start, end);
      return at + asciiUntil - start;
    }
    this.#gather(bytes, start, end);
    return unmaskText(this.#buffer, at, this.#length, key);
  }

  #gather(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + (end - start);
    if (needed > this.#buffer.length) {
      // At most a fifteenth is copied again however small the fragments are. The size of the whole
      // is not exceeded once it is known, nor ever the limit.
      const first = Math.min(FIRST_ALLOCATION, this.#announced);
      const step = Math.max(first, needed * (this.#text ? TEXT_GROWTH : GROWTH));
      const most = this.#complete ? this.#announced : this.#maxMessageSize;
      const size = Math.min(step, most);
      const grown = this.#text ? takeForText(size, bytes) : allocatePayload(size);
      grown.set(this.#buffer.subarray(0, this.#length));
      if (this.#text) giveBack(this.#buffer);
      this.#buffer = grown;
    }
    if (start === 0 && end === bytes.length) this.#buffer.set(bytes, this.#length);
    else this.#buffer.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  #inflate(bytes: Uint8Array, start: number, end: number): Violation | undefined {
    return this.#toViolation(this.#decompressor!.push(
      bytes.subarray(start, end),
      this.#maxMessageSize,
    ));
  }

  #finishInflated(): Message | Violation {
    const { status, output } = this.#decompressor!.finish(!this.#text);
    return this.#toViolation(status) ??
      (this.#text ? decodeUtf8(output, 0, output.length, this.#engine) ?? INVALID_UTF8 : output);
  }

  #tooBig(): Violation {
    return {
      closeCode: CloseCode.MessageTooBig,
      message: `message is larger than ${this.#maxMessageSize} bytes`,
    };
  }

  #tooManyFragments(): Violation {
    return {
      closeCode: CloseCode.PolicyViolation,
      message: `message has more than ${this.#maxFragments} fragments`,
    };
  }

  #toViolation(status: InflateStatus): Violation | undefined {
    if (status === InflateStatus.Ok) return undefined;
    return status === InflateStatus.TooLarge ? this.#tooBig() : CORRUPT;
  }

  #validateInflated(before: number): Violation | undefined {
    if (!this.#text) return undefined;
    const output = this.#decompressor!.output;
    return (this.#validator ??= new Utf8Validator(this.#engine)).push(output, before, output.length)
      ? undefined
      : INVALID_UTF8;
  }
}
