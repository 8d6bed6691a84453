/** A transport in the hands of the test, and connections over it. */

import { connectionOver, type WebSocketConnection } from "../../src/connection/connection.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ProtocolLink, type ProtocolLinkInit } from "../../src/connection/protocol_link.ts";
import type { ByteTransport, TransportSink } from "../../src/connection/transport.ts";
import type { ConnectionOptions, RemoteAddress } from "../../src/types.ts";
import { concat, type ParsedFrame, parseFrames } from "../protocol/frames.ts";

/** Notes what is done to it; what arrives, and when a write is done, is up to the test. */
export class FakeTransport implements ByteTransport {
  readonly remoteAddress: RemoteAddress = { transport: "tcp", hostname: "192.0.2.1", port: 7 };
  readonly supportsNoDelay = true;
  /** Copies of the chunks written, whether taken at once or not. */
  readonly writes: Uint8Array[] = [];
  /** Whether writes wait until `drain`. */
  blocked = false;
  /** Whether a chunk is lent to this transport. */
  lent: Uint8Array | undefined;
  /** What of it is not taken. */
  unwritten: number = 0;
  paused = false;
  writeEnded = false;
  closed = false;
  noDelay: boolean | undefined;
  /** Whether a chunk stays as it is while paused; otherwise it is spoilt as soon as it is taken. */
  holdsChunks = false;
  #held: Uint8Array = new Uint8Array(0);
  #sink: TransportSink | undefined;

  attach(sink: TransportSink): void {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): boolean {
    if (this.lent !== undefined) throw new Error("a write is under way");
    if (this.writeEnded || this.closed) throw new Error("written after the end");
    this.writes.push(chunk.slice());
    if (!this.blocked) return true;
    this.lent = chunk;
    this.unwritten = chunk.length;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#held.fill(0xee);
  }

  closeWrite(): void {
    this.writeEnded = true;
  }

  close(): void {
    this.closed = true;
    this.#held.fill(0xee);
  }

  setNoDelay(noDelay: boolean): void {
    this.noDelay = noDelay;
  }

  /** Bytes arrive, in one read. */
  receive(...pieces: Uint8Array[]): void {
    if (this.closed) return;
    const chunk = concat(...pieces);
    this.#sink!.receive(chunk);
    if (this.holdsChunks && this.paused && !this.closed) this.#held = chunk;
    else chunk.fill(0xee);
  }

  /** The peer ends its direction. */
  receiveEof(): void {
    if (!this.closed) this.#sink!.receiveEof();
  }

  /** Our direction fails. */
  failWriting(error: unknown = new Error("pipe")): void {
    if (!this.closed) this.#sink!.writeFailed(error);
  }

  /** The transport is lost. */
  lose(error: unknown = new Error("reset")): void {
    if (!this.closed) this.#sink!.lost(error);
  }

  /** The chunk lent is written. */
  drain(): void {
    if (this.lent === undefined) throw new Error("nothing is lent");
    this.lent = undefined;
    this.#sink!.drained();
  }

  /** All that was written, as frames. */
  get frames(): ParsedFrame[] {
    return parseFrames(concat(...this.writes));
  }

  /** Bytes that were written. */
  get byteLength(): number {
    return this.writes.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

/** A connection over a transport in the test's hands; by default the server's end. */
export function openConnection(
  options: ConnectionOptions = {},
  init: Partial<ProtocolLinkInit> = {},
): { readonly connection: WebSocketConnection; readonly transport: FakeTransport } {
  const resolved = resolveConnectionOptions(options);
  const link = new ProtocolLink(
    { role: "server", url: "ws://localhost/", protocol: "", extensions: "", ...init },
    resolved,
  );
  const connection = connectionOver(link, resolved, options);
  const transport = new FakeTransport();
  link.open(transport);
  return { connection, transport };
}

/**
 * Lets everything run that can run without anything arriving. Twice, since on a busy machine a timer
 * of 0 may come before what `setImmediate` has been given earlier.
 */
export async function settle(): Promise<void> {
  for (let round = 0; round < 2; round++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** How a promise stands once everything has run. */
export async function stateOf(
  promise: Promise<unknown>,
): Promise<"pending" | "resolved" | "rejected"> {
  let state: "pending" | "resolved" | "rejected" = "pending";
  promise.then(() => state = "resolved", () => state = "rejected");
  await settle();
  return state;
}
