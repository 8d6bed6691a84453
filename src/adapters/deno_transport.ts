/** A {@linkcode ByteTransport} over a `Deno.Conn`. */

import type { ByteTransport, TransportSink } from "../connection/transport.ts";
import type { RemoteAddress } from "../types.ts";
import { ReadBuffer } from "./read_buffer.ts";

function toRemoteAddress(address: Deno.Addr): RemoteAddress | undefined {
  if ("path" in address) {
    // The client's end of a Unix socket has none.
    return { transport: "unix", hostname: address.path ?? "", port: 0 };
  }
  // `transport` is not asked for, since Deno leaves it out behind `startTls`.
  if ("hostname" in address) {
    return { transport: "tcp", hostname: address.hostname, port: address.port };
  }
  return undefined;
}

/**
 * Drives `read`, `write` and `closeWrite` of a TCP, TLS or Unix connection directly: Deno's own
 * streams over it cost twice as much and cannot half-close.
 *
 * Owns the connection. Once both directions have ended in order it is closed without being asked.
 *
 * A failed write does not hide what the peer sent before it went away, its Close frame most of all:
 * `lost` waits until everything has been read, unless reading is paused.
 */
export class DenoTransport implements ByteTransport {
  readonly #connection: Deno.Conn;
  readonly #buffer = new ReadBuffer();
  #remoteAddress: RemoteAddress | undefined;
  #sink: TransportSink | undefined = undefined;
  #paused = false;
  /** Whether {@linkcode #readAll} runs: at most one does. */
  #reading = false;
  #readEnded = false;
  #writing = false;
  #unwritten = 0;
  /** Whether our direction is to end, or has ended. */
  #writeEnding = false;
  #writeEnded = false;
  #writeError: unknown = undefined;
  #closed = false;

  /**
   * Takes the connection over.
   *
   * @param remoteAddress The address of the peer, where it is not the connection's own.
   */
  constructor(connection: Deno.Conn, remoteAddress?: RemoteAddress) {
    this.#connection = connection;
    this.#remoteAddress = remoteAddress;
  }

  /** The address of the peer. */
  get remoteAddress(): RemoteAddress | undefined {
    return this.#remoteAddress ??= toRemoteAddress(this.#connection.remoteAddr);
  }

  /** Over TCP without TLS. */
  get supportsNoDelay(): boolean {
    return "setNoDelay" in this.#connection;
  }

  /** Names who receives; the first call starts the reading. */
  attach(sink: TransportSink): void {
    this.#sink = sink;
    this.#startReading();
  }

  /** Bytes of the chunk lent that Deno has not taken. */
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

  /** Closes the connection; what the kernel has taken is still sent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Unlike close(), this does not throw where the connection is closed already.
    this.#connection[Symbol.dispose]();
    if (!this.#reading) this.#buffer.release();
  }

  /** Switches Nagle's algorithm. Throws a `NotSupportedError` over TLS and over a Unix socket. */
  setNoDelay(noDelay: boolean): void {
    if (!this.supportsNoDelay) {
      throw new DOMException(
        "Cannot set noDelay: Deno offers it for TCP without TLS only; dialling can set it before TLS",
        "NotSupportedError",
      );
    }
    if (!this.#closed) (this.#connection as Deno.TcpConn).setNoDelay(noDelay);
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
        const { bytes } = this.#buffer;
        const length = await this.#connection.read(bytes);
        if (this.#closed) break;
        if (length === null) {
          this.#endReading();
          break;
        }
        this.#sink!.receive(this.#buffer.filled(length));
        this.#buffer.fit(length);
      } while (!this.#paused && !this.#closed);
      if (this.#writeError !== undefined) this.#lose(this.#writeError);
    } catch (error) {
      this.#lose(this.#writeError ?? error);
    } finally {
      this.#reading = false;
      if (this.#readEnded || this.#closed) this.#buffer.release();
    }
  }

  #endReading(): void {
    this.#readEnded = true;
    if (this.#writeError !== undefined) return;
    if (this.#writeEnded) this.close();
    this.#sink!.receiveEof();
  }

  /** Writes a whole chunk. Never rejects. */
  async #writeAll(chunk: Uint8Array): Promise<void> {
    this.#writing = true;
    this.#unwritten = chunk.length;
    try {
      let written = await this.#connection.write(chunk);
      while (written < chunk.length) {
        this.#unwritten = chunk.length - written;
        written += await this.#connection.write(chunk.subarray(written));
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
      await this.#connection.closeWrite();
    } catch (error) {
      // Where the peer has ended its own direction, it may have gone altogether meanwhile.
      if (!this.#readEnded) return this.#failWriting(error);
    }
    this.#writeEnded = true;
    if (this.#readEnded) this.close();
  }

  #failWriting(error: unknown): void {
    if (this.#reading) {
      this.#writeError = error;
    } else {
      this.#lose(error);
    }
  }

  #lose(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#sink?.lost(error);
  }
}
