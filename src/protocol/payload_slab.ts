/**
 * Payloads, out of the chunks that they arrived in: copies, of which small ones share a buffer, and
 * views of a chunk that is the receiver's to keep.
 *
 * In V8 an array of 16 bytes with a buffer of its own costs 250 ns, a view of a shared one 25 ns;
 * all the rest of receiving a small message costs 60. So the payloads of one read share buffers,
 * like those of Node's `Buffer`; where few come with a read, those of a connection do so across
 * reads, in buffers that are smaller still. These are small so that one message kept does not keep
 * much else alive, and never shared across connections. In JavaScriptCore, where an array of its own
 * costs 13 ns and a view 35, each payload has one.
 */

import { roomForPayloads, sumWholePayloads } from "./chunk_scan.ts";
import { type ConnectionSlabOwner, LARGEST_SMALL } from "./connection_slab.ts";
import { noteRoom } from "./header_room.ts";
import { copyUnmasked, copyUnmaskedWords, UNMASKED_WHILE_COPIED } from "./mask.ts";

/** The largest size of a shared buffer. */
const SLAB_SIZE = 8 * 1024;
/** Larger payloads have a buffer of their own. */
const LARGEST = 1024;
/**
 * A chunk is kept for payloads only where it is at most `KEPT_AT_MOST` times as large as they are
 * together, and each of them is at least one `SMALLEST_PART`th of it, or the chunk is small. An echo
 * of 64 KiB takes 70 µs on Bun where each message is copied, and 50 where four of them are views of
 * the 256 KiB that came with one read; of 1 KiB, 16 with one read and the socket left out, 1.00 and
 * 0.77.
 */
const KEPT_AT_MOST = 2;
const SMALLEST_PART = 8;
const SMALL_CHUNK = 32 * 1024;
/** JavaScriptCore allocates each larger array by itself, outside its heap. */
const LARGEST_IN_HEAP = 1000;
/**
 * Where no more bytes than this follow a small payload, it goes to the buffer of its connection: one
 * for the chunk and the views that this takes, 500 ns on Deno, would not pay. An echo of 16 bytes by
 * a handler, two with each read and the socket left out, took 316 ns there and takes 139, four took
 * 180 and take 103; from 32 on it makes no difference.
 */
const FEW = 512;
/**
 * A frame that follows has at least a header: no more bytes than this after a larger payload mean
 * that none does.
 */
const SMALLEST_FRAME = 2;

/** What decides how a payload is copied. */
export interface SlabOptions {
  /** Whether payloads share buffers at all. */
  readonly sharing: boolean;
  /**
   * Whether chunks are the receiver's to keep: then a payload that is much of one is a view of it.
   */
  readonly keepsChunks: boolean;
}

/**
 * Takes payloads out of chunks. One serves all connections, since it holds only what belongs to
 * the chunk at hand, and nothing once that is done or another one comes.
 */
export class PayloadSlab {
  readonly #sharing: boolean;
  readonly #keepsChunks: boolean;
  /** The chunk whose payloads share {@linkcode #slab}. */
  #chunk: Uint8Array | undefined;
  #slab: ArrayBuffer | undefined;
  #size = 0;
  #used = 0;
  /** Whether the slab has room for all that is counted up to the end of the chunk. */
  #isLast = false;
  /** Views by which the two are read and written, four bytes at a time. */
  #source: DataView | undefined;
  #words: Int32Array | undefined;
  /** The chunk of which several payloads together make up enough. */
  #kept: Uint8Array | undefined;

  /** Creates one that holds nothing. */
  constructor(options: SlabOptions) {
    this.#sharing = options.sharing;
    this.#keepsChunks = options.keepsChunks;
  }

  /**
   * The payload `chunk[start, end)`: a copy, or a view where the chunk may be kept and is worth it.
   * Unmasked with `key` on the way unless that is 0, as it is for payloads longer than
   * {@linkcode UNMASKED_WHILE_COPIED}. What follows in the chunk tells whether others will share
   * its buffer.
   */
  extract(
    chunk: Uint8Array,
    start: number,
    end: number,
    key: number,
    owner: ConnectionSlabOwner,
  ): Uint8Array<ArrayBuffer> {
    const size = end - start;
    if (this.#sharing) {
      if (this.#isShared(chunk, end, size)) return this.#extractShared(chunk, start, end, key);
      if (size <= LARGEST_SMALL) return owner.connectionSlab.extract(chunk, start, end, key);
    } else if (size <= UNMASKED_WHILE_COPIED.JavaScriptCore) {
      const copy = new Uint8Array(size);
      copyUnmasked(chunk, start, copy, key);
      return copy;
    }
    return this.#extractAlone(chunk, start, end);
  }

  /** The chunk is decoded: nothing of it is held any more. */
  drop(): void {
    this.#chunk = undefined;
    this.#slab = undefined;
    this.#source = undefined;
    this.#words = undefined;
    this.#kept = undefined;
  }

  #extractShared(
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

  #extractAlone(chunk: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
    const size = end - start;
    if (this.#keepsChunks && size > LARGEST_IN_HEAP && this.#isKept(chunk, end, size)) {
      // Spares a large payload its copy, and the array that this needs.
      const view = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset + start, size);
      noteRoom(view, start);
      return view;
    }
    // V8 fills a slice with zeros before it copies: 64 KiB take 15 µs that way, and 12 this way.
    if (this.#sharing) return new Uint8Array(chunk.subarray(start, end));
    return chunk.slice(start, end) as Uint8Array<ArrayBuffer>;
  }

  /**
   * Whether a payload stays a view of its chunk: where it, or it and those that follow, make up
   * much of the chunk. So queued messages hold at most twice their size, and what is left of the
   * chunk whose messages are being taken.
   */
  #isKept(chunk: Uint8Array, end: number, size: number): boolean {
    const held = chunk.buffer.byteLength;
    const least = held <= SMALL_CHUNK ? LARGEST_IN_HEAP : held / SMALLEST_PART;
    if (size < least) return false;
    if (chunk === this.#kept || size * KEPT_AT_MOST >= held) return true;
    const others = sumWholePayloads(chunk, end, least);
    if ((size + others) * KEPT_AT_MOST < held) return false;
    this.#kept = chunk;
    return true;
  }

  #isShared(chunk: Uint8Array, end: number, size: number): boolean {
    return size > 0 && size <= LARGEST &&
      (this.#chunk === chunk ||
        chunk.length - end > (size <= LARGEST_SMALL ? FEW : SMALLEST_FRAME));
  }

  #cut(chunk: Uint8Array, end: number, size: number): Uint8Array<ArrayBuffer> {
    // Views start at multiples of eight, so that arrays of any type fit over them.
    const space = (size + 7) & ~7;
    if (this.#chunk !== chunk) this.#begin(chunk);
    if (this.#size - this.#used < space) this.#makeSlab(chunk, end, space);
    const view = new Uint8Array(this.#slab!, this.#used, size);
    this.#used += space;
    return view;
  }

  #begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#source = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#size = this.#used = 0;
    this.#isLast = false;
  }

  #makeSlab(chunk: Uint8Array, end: number, space: number): void {
    // For what really follows, and no more: whatever a peer sends between its messages, those
    // that wait hold no more than they are counted for.
    const others = this.#isLast ? 0 : roomForPayloads(chunk, end, LARGEST, SLAB_SIZE);
    // What still comes after that was not counted, such as a payload after empty fragments, and has
    // a buffer of its own: looking again for each would be quadratic in the chunk.
    this.#isLast = space + others <= SLAB_SIZE;
    this.#size = Math.min(SLAB_SIZE, space + others);
    this.#slab = new ArrayBuffer(this.#size);
    this.#words = new Int32Array(this.#slab);
    this.#used = 0;
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
