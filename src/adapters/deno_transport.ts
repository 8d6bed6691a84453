/** A byte transport over a `Deno.Conn`. */

import type { RemoteAddress } from "../types.ts";
import { toAddress } from "./deno_address.ts";
import { PromiseTransport } from "./promise_transport.ts";
import { ReadBuffer } from "./read_buffer.ts";

/**
 * Drives `read`, `write` and `closeWrite` of a TCP, TLS or Unix connection directly: Deno's own
 * streams over it cost twice as much and cannot half-close.
 */
export class DenoTransport extends PromiseTransport<number | null, number> {
  readonly #connection: Deno.Conn;
  readonly #buffer = new ReadBuffer();
  #remoteAddress: RemoteAddress | undefined;

  /** Takes the connection over. */
  constructor(connection: Deno.Conn) {
    super();
    this.#connection = connection;
  }

  /** The address of the peer. */
  override get remoteAddress(): RemoteAddress | undefined {
    return this.#remoteAddress ??= toAddress(this.#connection.remoteAddr);
  }

  /** Over TCP without TLS. */
  override get supportsNoDelay(): boolean {
    return "setNoDelay" in this.#connection;
  }

  /** Switches Nagle's algorithm. Throws a `NotSupportedError` over TLS and over a Unix socket. */
  override setNoDelay(noDelay: boolean): void {
    if (!this.supportsNoDelay) {
      throw new DOMException(
        "Cannot set noDelay: Deno offers it for TCP without TLS only; dialling can set it before TLS",
        "NotSupportedError",
      );
    }
    if (!this.closed) (this.#connection as Deno.TcpConn).setNoDelay(noDelay);
  }

  protected override startRead(): Promise<number | null> {
    return this.#connection.read(this.#buffer.bytes);
  }

  protected override bytesRead(length: number | null): Uint8Array | null {
    return length === null ? null : this.#buffer.filled(length);
  }

  protected override afterDelivery(length: number | null): void {
    this.#buffer.fit(length!);
  }

  protected override releaseReading(): void {
    this.#buffer.release();
  }

  protected override startWrite(chunk: Uint8Array): Promise<number> {
    return this.#connection.write(chunk);
  }

  protected override bytesWritten(length: number): number {
    return length;
  }

  protected override endWriting(): Promise<void> {
    return this.#connection.closeWrite();
  }

  protected override dispose(): void {
    // Unlike close(), this does not throw where the connection is closed already.
    this.#connection[Symbol.dispose]();
  }
}
