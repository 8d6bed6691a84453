/**
 * Two byte transports that are each other's peer, in memory: what `createPair` connects, and the
 * fixture of our own tests.
 */

import { requireInteger } from "../arguments.ts";
import type { RemoteAddress } from "../types.ts";
import type { ByteTransport, TransportSink } from "./transport.ts";

/** How a pair behaves. */
export interface MemoryTransportOptions {
  /**
   * Bytes that may be on the way in each direction; a write beyond waits, as in a socket's buffers.
   * @default 65536
   */
  readonly capacity?: number | undefined;
  /**
   * The most bytes delivered at a time; what is written together arrives in pieces of this size.
   * @default Infinity
   */
  readonly chunkSize?: number | undefined;
}

/** Creates two ends. */
export function createTransportPair(
  options: MemoryTransportOptions = {},
): [MemoryTransport, MemoryTransport] {
  const a = new MemoryTransport(options), b = new MemoryTransport(options);
  MemoryTransport.connect(a, b);
  return [a, b];
}

/** One end of a pair. */
export class MemoryTransport implements ByteTransport {
  /** Nobody is remote here. */
  readonly remoteAddress: RemoteAddress | undefined = undefined;
  /** There is nothing to delay. */
  readonly supportsNoDelay: boolean = true;
  readonly #capacity: number;
  readonly #chunkSize: number;
  #peer: MemoryTransport | undefined;
  #sink: TransportSink | undefined;
  /** What the peer has written and we have not read. */
  #arrived: Uint8Array[] = [];
  #arrivedBytes = 0;
  #peerEnded = false;
  #eofDelivered = false;
  #delivering = false;
  #paused = false;
  #writing = false;
  #writeEnded = false;
  #closed = false;

  /**
   * Creates an end without a peer; see {@linkcode createTransportPair}.
   *
   * @throws {RangeError} if an option is out of its range.
   */
  constructor({ capacity = 65_536, chunkSize = Infinity }: MemoryTransportOptions) {
    if (capacity !== Infinity) requireInteger("capacity", capacity);
    if (chunkSize !== Infinity) requireInteger("chunkSize", chunkSize, { from: 1 });
    this.#capacity = capacity;
    this.#chunkSize = chunkSize;
  }

  /** Makes two ends each other's peer. */
  static connect(a: MemoryTransport, b: MemoryTransport): void {
    a.#peer = b;
    b.#peer = a;
  }

  /** Bytes written by the peer that wait to be read. */
  get bufferedBytes(): number {
    return this.#arrivedBytes;
  }

  /** Names who receives. */
  attach(sink: TransportSink): void {
    this.#sink = sink;
    this.#scheduleDelivery();
  }

  /** Writes; `false` where the peer's buffer is full. */
  write(chunk: Uint8Array): boolean {
    const peer = this.#peer!;
    if (this.#closed || this.#writeEnded || peer.#closed) return true;
    peer.#arrived.push(chunk.slice());
    peer.#arrivedBytes += chunk.length;
    peer.#scheduleDelivery();
    if (peer.#arrivedBytes <= this.#capacity) return true;
    this.#writing = true;
    return false;
  }

  /** Stops reading. */
  pause(): void {
    this.#paused = true;
  }

  /** Reads on. */
  resume(): void {
    this.#paused = false;
    this.#scheduleDelivery();
  }

  /** Ends this direction. */
  closeWrite(): void {
    if (this.#writeEnded) return;
    this.#writeEnded = true;
    this.#peer!.#peerEnded = true;
    this.#peer!.#scheduleDelivery();
  }

  /** Ends both directions. What the peer has not read is still there to be read. */
  close(): void {
    this.#closed = true;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.closeWrite();
    this.#peer!.#noteRead();
  }

  /** Cuts the connection for both ends, as a reset does. */
  reset(error: unknown = new Error("Connection reset by peer")): void {
    const peer = this.#peer!;
    this.#closed = true;
    if (peer.#closed) return;
    peer.#closed = true;
    queueMicrotask(() => peer.#sink?.lost(error));
  }

  /** Does nothing. */
  setNoDelay(_noDelay: boolean): void {}

  #scheduleDelivery(): void {
    if (this.#delivering || this.#sink === undefined) return;
    this.#delivering = true;
    queueMicrotask(() => {
      this.#delivering = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#paused || this.#closed) return;
    const chunk = this.#arrived.shift();
    if (chunk !== undefined) {
      const piece = chunk.subarray(0, Math.min(this.#chunkSize, chunk.length));
      if (piece.length < chunk.length) this.#arrived.unshift(chunk.subarray(piece.length));
      this.#arrivedBytes -= piece.length;
      this.#sink!.receive(piece);
      this.#peer!.#noteRead();
    } else if (this.#peerEnded && !this.#eofDelivered) {
      this.#eofDelivered = true;
      this.#sink!.receiveEof();
    }
    if (this.#arrived.length > 0 || (this.#peerEnded && !this.#eofDelivered)) {
      this.#scheduleDelivery();
    }
  }

  /** The peer has read: a write that waited may be done. */
  #noteRead(): void {
    if (!this.#writing || this.#closed || this.#peer!.#arrivedBytes > this.#capacity) return;
    this.#writing = false;
    this.#sink?.drained();
  }
}
