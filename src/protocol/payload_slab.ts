/**
 * Copies of small payloads that arrived together, in one buffer.
 *
 * In V8 an array of 16 bytes with a buffer of its own costs 250 ns, a view of a common one 25 ns; the
 * whole rest of receiving a small message costs 60. So the payloads of one read share buffers, as
 * those of Node's `Buffer` do, and so do, in buffers that are smaller still, those of a connection that
 * come one with each read: small ones, so that one message kept does not keep much else alive, and
 * never across connections. In JavaScriptCore, where an array of its own costs 13 ns and a view 35,
 * each payload has one.
 */

import { roomForPayloads, sumWholePayloads } from "./frame.ts";
import { noteRoom } from "./header_room.ts";
import { applyMask, copyUnmasked, copyUnmaskedWords, UNMASKED_WHILE_COPIED } from "./mask.ts";

/** The size of a shared buffer, at most. */
const SLAB_SIZE = 8 * 1024;
/** Larger payloads have a buffer of their own. */
const LARGEST = 1024;
/**
 * A chunk is kept for payloads only where it is no more than so many times as large as they are
 * together, and each of them is at least such a part of it. 64 KiB a message take 70 µs of an echo on
 * Bun where each is copied, and 50 where four of them are views of the 256 KiB that came with one read.
 */
const KEPT_AT_MOST = 2;
const SMALLEST_PART = 8;
/** A frame that follows has at least a header; less than this behind a payload is the end of it. */
const SMALLEST_FRAME = 2;

/** Larger payloads that come alone have a buffer of their own as well. */
const LARGEST_LONE = 64;

/** What decides on the way a payload is copied. */
export interface SlabOptions {
  /** Whether payloads share buffers at all. */
  readonly sharing: boolean;
  /** Whether chunks are the receiver's to keep: a payload that is much of one is then a view of it. */
  readonly keepsChunks: boolean;
}

/**
 * Copies payloads out of chunks. One serves all connections, since what it holds is of the chunk at
 * hand, and nothing is left where another chunk comes or the chunk is done with.
 */
export class PayloadSlab {
  readonly #sharing: boolean;
  readonly #keepsChunks: boolean;
  /** The chunk whose payloads share {@linkcode #slab}. */
  #chunk: Uint8Array | undefined;
  #slab: ArrayBuffer | undefined;
  #used = 0;
  /** What both are read and written by, four bytes at a time. */
  #source: DataView | undefined;
  #words: Int32Array | undefined;
  /** The chunk that several payloads together are enough of. */
  #kept: Uint8Array | undefined;

  /** Creates one that holds nothing. */
  constructor(options: SlabOptions) {
    this.#sharing = options.sharing;
    this.#keepsChunks = options.keepsChunks;
  }

  /**
   * A copy of `chunk[start, end)`, unmasked with `key` on the way unless that is 0, as it is above
   * {@linkcode UNMASKED_WHILE_COPIED}; what follows in the chunk tells whether others will share its buffer.
   */
  copy(
    chunk: Uint8Array,
    start: number,
    end: number,
    key: number,
    owner: LoneSlabOwner,
  ): Uint8Array<ArrayBuffer> {
    const size = end - start;
    if (this.#sharing && this.#isShared(chunk, end, size)) {
      return this.#copyShared(chunk, start, end, key);
    }
    if (size > LARGEST_LONE) {
      if (key !== 0) applyMask(chunk, start, end, key);
      return this.#copyAlone(chunk, start, end);
    }
    const copy = this.#sharing ? owner.loneSlab.cut(size) : new Uint8Array(size);
    copyUnmasked(chunk, start, copy, key);
    return copy;
  }

  /** The chunk is decoded: nothing of it is held any more. */
  drop(): void {
    this.#chunk = undefined;
    this.#slab = undefined;
    this.#source = undefined;
    this.#words = undefined;
    this.#kept = undefined;
  }

  #copyShared(
    chunk: Uint8Array,
    start: number,
    end: number,
    key: number,
  ): Uint8Array<ArrayBuffer> {
    const size = end - start;
    const copy = this.#cut(chunk, end, size);
    if (size > UNMASKED_WHILE_COPIED.V8) copy.set(chunk.subarray(start, end));
    else copyUnmaskedWords(this.#source!, start, this.#words!, copy.byteOffset >>> 2, copy, key);
    return copy;
  }

  #copyAlone(chunk: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
    const size = end - start;
    if (this.#keepsChunks && size > LARGEST && this.#isKept(chunk, end, size)) {
      // Spares a large payload its copy, and the array that this needs.
      const view = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset + start, size);
      noteRoom(view, start);
      return view;
    }
    // V8 fills a slice with zeros before it copies: 15 µs for 64 KiB, and 12 so.
    if (this.#sharing) return new Uint8Array(chunk.subarray(start, end));
    return chunk.slice(start, end) as Uint8Array<ArrayBuffer>;
  }

  /**
   * Whether a payload is a view of its chunk. What follows tells whether others will be, so that those
   * who wait in a queue never hold more than twice their size, and the rest of the chunk whose payloads
   * are being taken.
   */
  #isKept(chunk: Uint8Array, end: number, size: number): boolean {
    const held = chunk.buffer.byteLength;
    if (size * SMALLEST_PART < held) return false;
    if (chunk === this.#kept || size * KEPT_AT_MOST >= held) return true;
    const others = sumWholePayloads(chunk, end, held / SMALLEST_PART);
    if ((size + others) * KEPT_AT_MOST < held) return false;
    this.#kept = chunk;
    return true;
  }

  #isShared(chunk: Uint8Array, end: number, size: number): boolean {
    return size > 0 && size <= LARGEST &&
      (this.#chunk === chunk || chunk.length - end > SMALLEST_FRAME);
  }

  #cut(chunk: Uint8Array, end: number, size: number): Uint8Array<ArrayBuffer> {
    // Views start at multiples of eight, so that arrays of any type fit over them.
    const space = (size + 7) & ~7;
    if (this.#chunk !== chunk) {
      this.#chunk = chunk;
      this.#source = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
      this.#slab = undefined;
    }
    if (this.#slab === undefined || this.#slab.byteLength - this.#used < space) {
      // For what really follows, and no more: whatever a peer sends between its messages, those that wait
      // hold what they are counted for.
      const others = roomForPayloads(chunk, end, LARGEST, SLAB_SIZE);
      this.#slab = new ArrayBuffer(Math.min(SLAB_SIZE, space + others));
      this.#words = new Int32Array(this.#slab);
      this.#used = 0;
    }
    const view = new Uint8Array(this.#slab, this.#used, size);
    this.#used += space;
    return view;
  }
}

/** Who has the {@linkcode LoneSlab} of a connection, made when it is first asked for. */
export interface LoneSlabOwner {
  readonly loneSlab: LoneSlab;
}

/** The size of the buffer that the small messages of one connection share which come alone. */
const LONE_SLAB_SIZE = 512;

/**
 * What the small messages of one connection are copied to that come each with a read of its own: 32 of
 * 16 bytes share a buffer. With one for each an echo by a handler took 1058 ns on Deno, the socket left
 * out, and takes 626 so.
 */
export class LoneSlab {
  #buffer: ArrayBuffer | undefined;
  #used = 0;

  /** An array of at most 64 bytes. */
  cut(size: number): Uint8Array<ArrayBuffer> {
    if (this.#buffer === undefined || this.#used + size > LONE_SLAB_SIZE) {
      this.#buffer = new ArrayBuffer(LONE_SLAB_SIZE);
      this.#used = 0;
    }
    const view = new Uint8Array(this.#buffer, this.#used, size);
    this.#used += (size + 7) & ~7;
    return view;
  }
}

const slabs: readonly PayloadSlab[] = [
  new PayloadSlab({ sharing: false, keepsChunks: false }),
  new PayloadSlab({ sharing: false, keepsChunks: true }),
  new PayloadSlab({ sharing: true, keepsChunks: false }),
  new PayloadSlab({ sharing: true, keepsChunks: true }),
];

/** The slab that all connections with these options use. */
export function commonSlab({ sharing, keepsChunks }: SlabOptions): PayloadSlab {
  return slabs[(sharing ? 2 : 0) + (keepsChunks ? 1 : 0)]!;
}
