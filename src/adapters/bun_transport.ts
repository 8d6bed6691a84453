/** A {@linkcode ByteTransport} over a socket of `Bun.listen` or `Bun.connect`. */

import type { ByteTransport, TransportSink } from "../connection/transport.ts";
import type { Engine } from "../engine.ts";
import type { RemoteAddress } from "../types.ts";
import type { BunSocket, BunSocketHandlers } from "./bun_types.ts";

/** What a socket does not tell about itself, or not always. */
export interface BunSocketKind {
  /**
   * Whether it is one of a listener with TLS, where what is written before the handshake is done
   * fails.
   * @default false
   */
  readonly secure?: boolean;
  /**
   * Whether it is a Unix socket; a TCP socket whose peer has gone by then has no address either.
   * @default false
   */
  readonly unix?: boolean;
}

/**
 * Driven by the callbacks that {@linkcode BunTransport.handlers} makes, one set for all sockets of
 * a listener. The listener or connection must have `allowHalfOpen: true`.
 *
 * Bun hands each chunk over in memory of its own, which it does not use again. What arrives before
 * there is a sink, or while paused, is held, and the end of the connection after it, unless a write
 * is waiting as well. Once both directions have ended in order the socket is closed without being
 * asked.
 */
export class BunTransport implements ByteTransport {
  /** What Bun runs on. */
  readonly engine: Engine = "JavaScriptCore";
  /** Bun reads each chunk into memory of its own. */
  readonly givesChunks: boolean = true;
  /** The address of the peer. */
  readonly remoteAddress: RemoteAddress | undefined;
  readonly #socket: BunSocket<BunTransport>;
  #sink: TransportSink | undefined = undefined;
  /** Whether the socket lives. */
  #open = true;
  /** Whether the sink is told nothing more. */
  #done = false;
  #paused = false;
  /** Whether the socket itself is paused, which takes system calls. */
  #stopped = false;
  /** What arrived before it could be delivered; there is none as a rule. */
  #held: Uint8Array[] | undefined = undefined;
  #readEnded = false;
  /** Whether the sink is still to be told of the end of reading. */
  #eofDue = false;
  /** The loss the sink is still to be told of. */
  #lossDue: { readonly error: unknown } | undefined = undefined;
  /** The chunk that the kernel has not taken whole, while it may. */
  #pending: Uint8Array | undefined = undefined;
  /** What it has taken of that, and the end; kept when the socket is lost. */
  #pendingOffset = 0;
  #pendingEnd = 0;
  /** Whether the handshake of TLS is awaited, until which nothing can be written. */
  #shaking = false;
  /** Whether our direction is to end, or has ended. */
  #writeEnding = false;
  #writeEnded = false;

  /**
   * Makes the callbacks for `Bun.listen` and `Bun.connect`.
   *
   * @param opened Called with the transport of each socket that is connected; over TLS the
   * handshake is still to come.
   */
  static handlers(
    opened: (transport: BunTransport) => void,
    { secure = false, unix = false }: BunSocketKind = {},
  ): BunSocketHandlers<BunTransport> {
    return {
      binaryType: "uint8array",
      open(socket) {
        const transport = new BunTransport(socket, unix);
        transport.#shaking = secure;
        socket.data = transport;
        opened(transport);
      },
      // Without this, Bun calls `open` only after the TLS handshake, which a client may never
      // finish.
      handshake(socket) {
        socket.data!.#shaking = false;
      },
      data(socket, chunk) {
        socket.data!.#onData(chunk);
      },
      drain(socket) {
        socket.data!.#onDrain();
      },
      end(socket) {
        socket.data!.#onEnd();
      },
      close(socket, error) {
        // Also called for an attempt to connect that failed; there is no transport then.
        if (socket.data !== undefined) socket.data.#onClose(error);
      },
      error(socket, error) {
        if (socket.data !== undefined) socket.data.#fail(error);
      },
    };
  }

  /** Takes a connected socket over; the callbacks do so. */
  constructor(socket: BunSocket<BunTransport>, unix: boolean) {
    this.#socket = socket;
    // Read now, since a closed socket has forgotten it.
    this.remoteAddress = unix ? { transport: "unix", hostname: "", port: 0 } : addressOf(socket);
  }

  /** Over TCP, with TLS or without. */
  get supportsNoDelay(): boolean {
    return this.remoteAddress?.transport !== "unix";
  }

  /** Names who receives. What was held until the first call follows in a microtask. */
  attach(sink: TransportSink): void {
    const first = this.#sink === undefined;
    this.#sink = sink;
    if (first) this.#deliverSoon();
  }

  /** Writes a chunk; `true` if the kernel took it whole, as it usually does. */
  write(chunk: Uint8Array): boolean {
    return this.writeStart(chunk, chunk.length);
  }

  /**
   * Writes the start of a chunk. A view would take 250 ns of the 5 µs that a single message costs.
   */
  writeStart(chunk: Uint8Array, length: number): boolean {
    if (this.#done || this.#writeEnding) return true;
    const taken = !this.#open || this.#shaking ? -1 : this.#socket.write(chunk, 0, length);
    if (taken === length) return true;
    this.#pendingOffset = Math.max(0, taken);
    this.#pendingEnd = length;
    if (!this.#open) this.#loseUnread();
    else if (taken < 0) this.#failSoon();
    else this.#pending = chunk;
    return false;
  }

  /** Bytes of the chunk lent that the kernel has not taken. */
  get unwritten(): number {
    return this.#pendingEnd - this.#pendingOffset;
  }

  /**
   * Stops reading: the socket only once it brings another chunk, since most pauses are over before.
   */
  pause(): void {
    this.#paused = true;
  }

  /** Reads on. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#held !== undefined) this.#deliverSoon();
    else this.#readOn();
  }

  /** Ends our direction, after what was written. */
  closeWrite(): void {
    if (this.#writeEnding || !this.#open) return;
    this.#writeEnding = true;
    if (this.#pending === undefined) this.#shutDown();
  }

  /** Closes the socket; what the kernel has taken is still sent. */
  close(): void {
    this.#done = true;
    this.#held = undefined;
    this.#closeSocket();
  }

  /** Switches Nagle's algorithm. Throws a `NotSupportedError` for a Unix socket. */
  setNoDelay(noDelay: boolean): void {
    if (!this.supportsNoDelay) {
      throw new DOMException(
        "Cannot set noDelay: a Unix socket has no such delay",
        "NotSupportedError",
      );
    }
    if (this.#open) this.#socket.setNoDelay(noDelay);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#done) return;
    if (this.#sink !== undefined && !this.#paused && this.#held === undefined) {
      this.#sink.receive(chunk);
      return;
    }
    (this.#held ??= []).push(chunk);
    // No more than what Bun reads at once is held.
    if (this.#stopped || !this.#open) return;
    this.#stopped = true;
    this.#socket.pause();
  }

  #readOn(): void {
    if (!this.#stopped || !this.#open) return;
    this.#stopped = false;
    this.#socket.resume();
  }

  #onDrain(): void {
    const chunk = this.#pending;
    if (chunk === undefined) return;
    const offset = this.#pendingOffset;
    const taken = this.#socket.write(chunk, offset, this.#pendingEnd - offset);
    if (taken < 0) return this.#failSoon();
    this.#pendingOffset += taken;
    if (this.#pendingOffset < this.#pendingEnd) return;
    this.#pending = undefined;
    if (this.#writeEnding) this.#shutDown();
    if (!this.#done) this.#sink?.drained();
  }

  #onEnd(): void {
    this.#endReading();
    if (this.#writeEnded) this.#closeSocket();
    this.#deliver();
  }

  #onClose(error: Error | undefined): void {
    this.#open = false;
    if (this.#pending !== undefined) this.#loseUnread();
    this.#pending = undefined;
    // Of the peer's FIN after ours, Bun tells only by closing.
    if (this.#writeEnded && !error) this.#endReading();
    if (!this.#readEnded || !this.#writeEnded) {
      this.#lossDue ??= { error: error ?? new Error("The connection was closed by the peer") };
    }
    this.#deliver();
  }

  #endReading(): void {
    if (this.#readEnded) return;
    this.#readEnded = true;
    this.#eofDue = true;
  }

  #shutDown(): void {
    this.#writeEnded = true;
    this.#socket.shutdown();
    if (this.#readEnded) this.#closeSocket();
  }

  /**
   * A write has failed for good. A sink that has paused reading until that write is done would
   * never read what is held: drop it, and tell of the loss now.
   */
  #loseUnread(): void {
    if (!this.#paused || this.#held === undefined) return;
    this.#held = undefined;
    this.#deliverSoon();
  }

  /** A write met a closed socket; not told at once, since the writer is at work. */
  #failSoon(): void {
    this.#loseUnread();
    queueMicrotask(() => this.#fail(new Error("Cannot write: the connection is closed")));
  }

  #fail(error: Error): void {
    this.#lossDue ??= { error };
    if (this.#pending !== undefined) this.#loseUnread();
    this.#closeSocket();
    this.#deliver();
  }

  #closeSocket(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#pending = undefined;
    this.#socket.close();
  }

  #deliverSoon(): void {
    queueMicrotask(() => this.#deliver());
  }

  /** Tells the sink what is due, in order: the chunks held, the end of reading, the loss. */
  #deliver(): void {
    if (this.#sink === undefined) return;
    while (this.#held !== undefined) {
      if (this.#paused || this.#done) return;
      const chunk = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = undefined;
      this.#sink.receive(chunk);
      if (this.#held === undefined && !this.#paused) this.#readOn();
    }
    if (this.#eofDue && !this.#done) {
      this.#eofDue = false;
      this.#sink.receiveEof();
    }
    if (this.#lossDue !== undefined && !this.#done) {
      this.#done = true;
      this.#sink.lost(this.#lossDue.error);
    }
  }
}

function addressOf(
  { remoteAddress: hostname, remotePort: port }: BunSocket<BunTransport>,
): RemoteAddress | undefined {
  if (hostname === undefined || port === undefined) return undefined;
  return { transport: "tcp", hostname, port };
}
