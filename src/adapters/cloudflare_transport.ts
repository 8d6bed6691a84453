/** A {@linkcode ByteTransport} over a TCP connection of a Worker. */

import type { ByteTransport, TransportSink } from "../connection/transport.ts";
import type { RemoteAddress } from "../types.ts";
import { parseAddress, type WorkersSocket } from "./cloudflare_types.ts";

/** Bytes of one read at most; without a buffer of ours the runtime reads 4096 at once. */
const READ_SIZE = 16_384;
/**
 * Bytes of one write at most, so that it is known how much of a large chunk has left. Chunks of 1 MB took
 * no longer so than whole, and by 64 KiB half as long again.
 */
const WRITE_SIZE = 262_144;

function ignore(): void {}

/**
 * Drives the streams of a socket whose `opened` has resolved, and which is half-open where it can be.
 *
 * The runtime's own streams say of themselves that they always take more, so that it is the promise of
 * a write that tells when it is done. What is lent to a write is not copied, which these streams allow:
 * they hand it to the kernel, and to no reader.
 *
 * A failed write does not hide what the peer sent before it went away: `lost` waits until everything
 * has been read, unless reading is paused.
 */
export class WorkersTransport implements ByteTransport {
  /** Never: the runtime decides. */
  readonly supportsNoDelay = false;
  readonly #socket: WorkersSocket;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #buffer: ArrayBuffer = new ArrayBuffer(READ_SIZE);
  #remoteAddress: RemoteAddress | undefined;
  #sink: TransportSink | undefined;
  #paused = false;
  /** Whether {@linkcode #readAll} runs: at most one does. */
  #reading = false;
  #readEnded = false;
  #writing = false;
  #unwritten = 0;
  /** Whether our direction is to end, or has ended. */
  #writeEnding = false;
  #writeEnded = false;
  #writeError: unknown;
  #closed = false;

  /**
   * Takes a connected socket over; throws a `TypeError` where one of its streams is locked.
   *
   * @param remoteAddress as the runtime writes it.
   */
  constructor(socket: WorkersSocket, remoteAddress?: string) {
    const { readable, writable } = socket;
    if (readable.locked) throw new TypeError("Cannot use the socket: its readable side is locked");
    if (writable.locked) throw new TypeError("Cannot use the socket: its writable side is locked");
    this.#socket = socket;
    this.#reader = readable.getReader({ mode: "byob" });
    this.#writer = writable.getWriter();
    this.#remoteAddress = remoteAddress === undefined ? undefined : parseAddress(remoteAddress);
    // Reads and writes tell what goes wrong.
    socket.closed.catch(ignore);
    this.#reader.closed.catch(ignore);
    this.#writer.closed.catch(ignore);
  }

  /** The address of the peer. */
  get remoteAddress(): RemoteAddress | undefined {
    return this.#remoteAddress;
  }

  /** Names who receives; the first call starts the reading. */
  attach(sink: TransportSink): void {
    this.#sink = sink;
    this.#startReading();
  }

  /** Bytes of the chunk lent that the runtime has not taken. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Writes a chunk. Always `false`, unless our direction has ended and the chunk is dropped. */
  write(chunk: Uint8Array): boolean {
    if (this.#closed || this.#writeEnding) return true;
    void this.#write(chunk);
    return false;
  }

  /** Stops reading; a chunk for which the read is pending is still delivered. */
  pause(): void {
    this.#paused = true;
  }

  /** Reads on. */
  resume(): void {
    this.#paused = false;
    this.#startReading();
  }

  /** Ends our direction, after the write under way. */
  closeWrite(): void {
    if (this.#closed || this.#writeEnding) return;
    this.#writeEnding = true;
    if (!this.#writing) void this.#shutDown();
  }

  /** Closes the socket; what the kernel has taken is still sent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close().catch(ignore);
  }

  /** Always throws a `NotSupportedError`: the runtime has no such switch. */
  setNoDelay(_noDelay: boolean): void {
    throw new DOMException(
      "Cannot set noDelay: a Worker has no such switch",
      "NotSupportedError",
    );
  }

  #startReading(): void {
    if (this.#reading || this.#readEnded || this.#paused || this.#closed) return;
    if (this.#sink === undefined) return;
    void this.#readAll();
  }

  /** Reads until paused, ended or closed. Never rejects. */
  async #readAll(): Promise<void> {
    this.#reading = true;
    try {
      do {
        const { done, value } = await this.#reader.read(new Uint8Array(this.#buffer));
        if (this.#closed) break;
        if (done) {
          this.#endReading();
          break;
        }
        this.#sink!.receive(value);
        this.#buffer = value.buffer;
      } while (!this.#paused && !this.#closed);
      if (this.#writeError !== undefined) this.#lose(this.#writeError);
    } catch (error) {
      this.#lose(this.#writeError ?? error);
    } finally {
      this.#reading = false;
    }
  }

  #endReading(): void {
    this.#readEnded = true;
    if (this.#writeError !== undefined) return;
    if (this.#writeEnded) this.close();
    this.#sink!.receiveEof();
  }

  /** Writes a chunk, piece by piece. Never rejects. */
  async #write(chunk: Uint8Array): Promise<void> {
    this.#writing = true;
    this.#unwritten = chunk.length;
    try {
      do {
        const at = chunk.length - this.#unwritten;
        const piece = chunk.length <= WRITE_SIZE ? chunk : chunk.subarray(at, at + WRITE_SIZE);
        await this.#writer.write(piece);
        this.#unwritten -= piece.length;
      } while (this.#unwritten > 0 && !this.#closed);
    } catch (error) {
      this.#failWriting(error);
      return;
    }
    this.#writing = false;
    if (this.#closed) return;
    if (this.#writeEnding) void this.#shutDown();
    this.#sink?.drained();
  }

  /** Ends our direction. Never rejects. */
  async #shutDown(): Promise<void> {
    try {
      await this.#writer.close();
    } catch (error) {
      // Where the peer has ended its own direction, it may have gone altogether meanwhile.
      if (!this.#readEnded) return this.#failWriting(error);
    }
    this.#writeEnded = true;
    if (this.#readEnded) this.close();
  }

  #failWriting(error: unknown): void {
    if (this.#reading) this.#writeError = error;
    else this.#lose(error);
  }

  #lose(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#sink?.lost(error);
  }
}
