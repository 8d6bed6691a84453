/** What the tests of the server run on instead of sockets. */

import type { ByteTransport, TransportSink } from "../../src/connection/transport.ts";
import type { RemoteAddress } from "../../src/types.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of a text in which the lines of a head end in plain line feeds. */
export function http(text: string): Uint8Array {
  return encoder.encode(text.replaceAll("\n", "\r\n"));
}

/** A transport whose other end is the test. */
export class FakeTransport implements ByteTransport {
  readonly remoteAddress: RemoteAddress = { transport: "tcp", hostname: "192.0.2.7", port: 4711 };
  readonly supportsNoDelay = true;
  /** What Nagle's algorithm was switched to, if it was. */
  noDelay: boolean | undefined;
  /** Whether our side has ended its direction. */
  writeClosed = false;
  /** Whether our side has closed. */
  closed = false;
  /** Whether reading is paused. */
  paused = false;
  /** Whether writes wait for {@linkcode drain}. */
  blocked = false;
  #sink: TransportSink | undefined;
  #written: Uint8Array[] = [];
  #held: Uint8Array[] = [];
  #lent: Uint8Array | undefined;
  #waiting: { condition: () => boolean; resolve: () => void }[] = [];

  attach(sink: TransportSink): void {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.writeClosed) throw new Error("a write to a closed transport");
    if (this.#lent !== undefined) throw new Error("a write while another is under way");
    this.#written.push(chunk.slice());
    this.#wake();
    if (this.blocked) this.#lent = chunk;
    return !this.blocked;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    queueMicrotask(() => {
      while (this.#held.length > 0 && !this.paused) this.#sink!.receive(this.#held.shift()!);
    });
    this.#wake();
  }

  closeWrite(): void {
    this.writeClosed = true;
    this.#wake();
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  setNoDelay(noDelay: boolean): void {
    this.noDelay = noDelay;
  }

  /** Bytes from the peer; they wait while reading is paused. */
  feed(bytes: Uint8Array): void {
    const chunk = bytes.slice();
    if (this.paused) {
      this.#held.push(chunk);
    } else if (!this.closed) {
      this.#sink!.receive(chunk);
      chunk.fill(0xee); // It was lent until now.
    }
  }

  /** The peer ends its direction. */
  feedEof(): void {
    if (!this.closed) this.#sink!.receiveEof();
  }

  /** Our direction fails. */
  failWriting(error: unknown): void {
    this.#sink!.writeFailed(error);
  }

  /** The transport fails. */
  lose(error: unknown): void {
    this.closed = true;
    this.#lent = undefined;
    this.#sink!.lost(error);
    this.#wake();
  }

  /** The chunk lent is written, and so are the next ones at once. */
  drain(): void {
    this.blocked = false;
    this.#lent = undefined;
    this.#sink!.drained();
  }

  /** All that was written, as text. */
  get text(): string {
    return this.#written.map((chunk) => decoder.decode(chunk)).join("");
  }

  /** All that was written. */
  get bytes(): Uint8Array {
    return Uint8Array.from(this.#written.flatMap((chunk) => [...chunk]));
  }

  /** How many writes there were. */
  get writes(): number {
    return this.#written.length;
  }

  /** Waits until something holds, looked at after each call to this transport. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }

  /** Waits until a response has been written to its end. */
  answered(): Promise<void> {
    return this.until(() => this.writeClosed || this.closed);
  }

  #wake(): void {
    this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
      if (!condition()) return true;
      resolve();
      return false;
    });
  }
}

/** Lets everything run that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
