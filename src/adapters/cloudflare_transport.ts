/** A byte transport over a TCP connection of a Worker. */

import type { RemoteAddress } from "../types.ts";
import { parseAddress, type WorkersSocket } from "./cloudflare_types.ts";
import { PromiseTransport } from "./promise_transport.ts";

/** Bytes of one read at most; without a buffer of ours the runtime reads 4096 at once. */
const READ_SIZE = 16_384;
/**
 * Bytes of one write at most, so that it is known how much of a large chunk has left. Chunks of 1
 * MB took no longer this way than whole; in writes of 64 KiB they took half as long again.
 */
const WRITE_SIZE = 262_144;

type Read = ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;

function ignore(): void {}

/**
 * Drives the streams of a socket whose `opened` has resolved, and which is half-open where it can
 * be.
 *
 * The runtime's own streams claim that they can always take more, so it is the promise of a write
 * that tells when it is done. What is lent to a write is not copied, which these streams allow:
 * they hand it to the kernel, and to no reader.
 */
export class WorkersTransport extends PromiseTransport<Read, void> {
  /** The address of the peer. */
  override readonly remoteAddress: RemoteAddress | undefined;
  /** Never: the runtime decides. */
  override readonly supportsNoDelay = false;
  readonly #socket: WorkersSocket;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #buffer: ArrayBuffer = new ArrayBuffer(READ_SIZE);

  /**
   * Takes a connected socket over; throws a `TypeError` if one of its streams is locked.
   *
   * @param remoteAddress as the runtime writes it.
   */
  constructor(socket: WorkersSocket, remoteAddress?: string) {
    super();
    const { readable, writable } = socket;
    if (readable.locked) throw new TypeError("Cannot use the socket: its readable side is locked");
    if (writable.locked) throw new TypeError("Cannot use the socket: its writable side is locked");
    this.#socket = socket;
    this.#reader = readable.getReader({ mode: "byob" });
    this.#writer = writable.getWriter();
    this.remoteAddress = remoteAddress === undefined ? undefined : parseAddress(remoteAddress);
    // Reads and writes tell what goes wrong.
    socket.closed.catch(ignore);
    this.#reader.closed.catch(ignore);
    this.#writer.closed.catch(ignore);
  }

  /** Always throws a `NotSupportedError`: the runtime has no such switch. */
  override setNoDelay(_noDelay: boolean): void {
    throw new DOMException(
      "Cannot set noDelay: a Worker has no such switch",
      "NotSupportedError",
    );
  }

  protected override startRead(): Promise<Read> {
    return this.#reader.read(new Uint8Array(this.#buffer));
  }

  protected override bytesRead({ done, value }: Read): Uint8Array | null {
    return done ? null : value;
  }

  protected override afterDelivery({ value }: Read): void {
    this.#buffer = value!.buffer;
  }

  protected override startWrite(chunk: Uint8Array): Promise<void> {
    return this.#writer.write(chunk.length <= WRITE_SIZE ? chunk : chunk.subarray(0, WRITE_SIZE));
  }

  protected override bytesWritten(_write: void, chunk: Uint8Array): number {
    return Math.min(chunk.length, WRITE_SIZE);
  }

  protected override endWriting(): Promise<void> {
    return this.#writer.close();
  }

  protected override dispose(): void {
    // Closing alone waits for a write that the peer may never take.
    if (this.isWriting) this.#writer.abort().catch(ignore);
    this.#socket.close().catch(ignore);
  }
}
