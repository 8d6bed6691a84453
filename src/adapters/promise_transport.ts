/** A {@linkcode ByteTransport} over a socket whose reads and writes are promises. */

import type { ByteTransport, TransportSink } from "../connection/transport.ts";
import type { RemoteAddress } from "../types.ts";

/**
 * Drives such a socket; a host says how that reads and writes by extending this. The host's own
 * promises are awaited: one more around each would be felt.
 *
 * Owns the socket. Once both directions have ended in order it is closed without being asked.
 *
 * A failed write does not hide what the peer sent before it went away, its Close frame most of all:
 * reading goes on.
 */
export abstract class PromiseTransport<Read, Write> implements ByteTransport {
  #sink: TransportSink | undefined = undefined;
  #paused = false;
  /** The last read, where its bytes are still lent because reading was paused. */
  #lent: Read | undefined = undefined;
  /** Whether {@linkcode #readAll} runs: at most one does. */
  #reading = false;
  #readEnded = false;
  #writing = false;
  #unwritten = 0;
  /** Whether our direction is to end, has ended or has failed. */
  #writeEnding = false;
  #writeEnded = false;
  #closed = false;

  /** The address of the peer. */
  abstract readonly remoteAddress: RemoteAddress | undefined;
  /** Whether {@linkcode setNoDelay} works here. */
  abstract readonly supportsNoDelay: boolean;
  /** No read begins while it is paused. */
  readonly holdsChunks: boolean = true;
  /** Switches Nagle's algorithm. Throws a `NotSupportedError` if the host cannot. */
  abstract setNoDelay(noDelay: boolean): void;

  /** Begins to read. */
  protected abstract startRead(): Promise<Read>;
  /** The bytes that a read brought, `null` if the peer has ended its direction. */
  protected abstract bytesRead(read: Read): Uint8Array | null;
  /** The bytes of a read are no longer needed. Called before the next read, if one follows. */
  protected abstract afterDelivery(read: Read): void;
  /** Begins to write a chunk, or as much of it as goes at a time. */
  protected abstract startWrite(chunk: Uint8Array): Promise<Write>;
  /** How many bytes of a chunk a write has taken. */
  protected abstract bytesWritten(write: Write, chunk: Uint8Array): number;
  /** Ends our direction. */
  protected abstract endWriting(): Promise<void>;
  /** Closes the socket; what the kernel has taken is still sent. Called once; does not throw. */
  protected abstract dispose(): void;

  /** Reading is over: no read is pending, and none follows. May be called again. */
  protected releaseReading(): void {}

  /** Whether the socket is closed. */
  protected get closed(): boolean {
    return this.#closed;
  }

  /** Whether a write is under way. */
  protected get isWriting(): boolean {
    return this.#writing;
  }

  /** Names who receives; the first call starts the reading. */
  attach(sink: TransportSink): void {
    this.#sink = sink;
    this.#startReading();
  }

  /** Bytes of the chunk lent that the host has not taken. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Writes a chunk. Always `false`, unless our direction has ended and the chunk is dropped. */
  write(chunk: Uint8Array): boolean {
    if (this.#closed || this.#writeEnding) return true;
    void this.#writeAll(chunk);
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
    this.dispose();
    if (!this.#reading) this.releaseReading();
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
      if (this.#lent !== undefined) {
        this.afterDelivery(this.#lent);
        this.#lent = undefined;
      }
      do {
        const read = await this.startRead();
        if (this.#closed) break;
        const bytes = this.bytesRead(read);
        if (bytes === null) {
          this.#endReading();
          break;
        }
        this.#sink!.receive(bytes);
        if (this.#paused) {
          this.#lent = read;
          break;
        }
        this.afterDelivery(read);
      } while (!this.#closed);
    } catch (error) {
      this.#lose(error);
    } finally {
      this.#reading = false;
      if (this.#readEnded || this.#closed) this.releaseReading();
    }
  }

  #endReading(): void {
    this.#readEnded = true;
    if (this.#writeEnded) this.close();
    this.#sink!.receiveEof();
  }

  /** Writes a whole chunk. Never rejects. */
  async #writeAll(chunk: Uint8Array): Promise<void> {
    this.#writing = true;
    this.#unwritten = chunk.length;
    try {
      let rest = chunk;
      for (;;) {
        const written = this.bytesWritten(await this.startWrite(rest), rest);
        this.#unwritten -= written;
        if (this.#unwritten === 0 || this.#closed) break;
        rest = rest.subarray(written);
      }
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
      await this.endWriting();
    } catch (error) {
      // If the peer has ended its own direction, it may have gone altogether meanwhile.
      if (!this.#readEnded) return this.#failWriting(error);
    }
    this.#writeEnded = true;
    if (this.#readEnded) this.close();
  }

  #failWriting(error: unknown): void {
    if (this.#closed) return;
    this.#writeEnding = true;
    this.#sink?.writeFailed(error);
  }

  #lose(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#sink?.lost(error);
  }
}
