/**
 * The byte side of a connection: what a host must give for our codec to run on it.
 *
 * A transport is driven by callbacks, since that is what the fastest hosts offer, and since it
 * makes the rule of borrowed buffers plain: a host's bytes can reach the codec without a copy.
 */

import type { Engine } from "../engine.ts";
import type { RemoteAddress } from "../types.ts";

/** Who receives what a transport reads. None of these may throw. */
export interface TransportSink {
  /**
   * Bytes arrived. The chunk is lent until the call returns; the receiver may overwrite it in place
   * (it unmasks there) and keeps no view of it, unless the transport holds chunks or gives them
   * away.
   */
  receive(chunk: Uint8Array): void;
  /** The peer ended its direction. Nothing is received after it; writing may still work. */
  receiveEof(): void;
  /** The chunk that `write` could not take at once is now written and the writer's own again. */
  drained(): void;
  /**
   * Our direction has failed: what was written may not have left, no `drained()` follows, and what
   * is written from now on is dropped. What the peer has sent before is still received, then
   * `receiveEof` or `lost` follows.
   */
  writeFailed(error: unknown): void;
  /** The transport is lost in both directions. The last call. Never follows our own `close()`. */
  lost(error: unknown): void;
}

/** A duplex of bytes, at most one write under way at a time. */
export interface ByteTransport {
  /** The address of the peer, where the host knows it. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** Whether {@linkcode setNoDelay} works here. */
  readonly supportsNoDelay: boolean;
  /**
   * The engine of this host, for what is fast in one engine and slow in the other.
   * @default "V8"
   */
  readonly engine?: Engine;
  /**
   * Whether the chunks it delivers are the receiver's to keep, in memory that is used for nothing
   * else.
   * @default false
   */
  readonly givesChunks?: boolean;
  /**
   * Whether a chunk is lent beyond `receive` where reading is paused by then: until `resume()` or
   * `close()`. So what of it waits for a slow application need not be copied.
   * @default false
   */
  readonly holdsChunks?: boolean;

  /**
   * Names who receives from now on. The first call starts the reading; a later one (the handshake
   * hands over to the codec) only redirects it. May be called from within `receive`.
   */
  attach(sink: TransportSink): void;

  /**
   * Writes a chunk. `true`: taken whole, and the chunk is the caller's again. `false`: the chunk is
   * lent until the sink's `drained()`, and no other write may be made before. Never throws: failure
   * is told by `writeFailed` or `lost`.
   */
  write(chunk: Uint8Array): boolean;

  /**
   * Does the same with the first `length` bytes of a chunk, where that spares the host a view.
   * @default `write` is given a view
   */
  writeStart?(chunk: Uint8Array, length: number): boolean;

  /**
   * Bytes of the chunk lent that the host has not taken yet, so that a slow peer can be told from
   * one that has gone; after the end, what it has never taken.
   * @default all of them, until `drained()`
   */
  readonly unwritten?: number;

  /** Stops reading: after a chunk already under way, `receive` is not called before `resume()`. */
  pause(): void;

  /**
   * Reads on. Calls no method of the sink before it has returned: what is held is delivered in a
   * later turn or microtask, so that an {@linkcode attach} that follows misses nothing.
   */
  resume(): void;

  /** Ends our direction (FIN, or close_notify), after what was written. Reading goes on. */
  closeWrite(): void;

  /**
   * Releases everything at once; what was taken is still sent where either direction has ended in
   * order. Idempotent. No sink method is called after it.
   */
  close(): void;

  /**
   * Switches Nagle's algorithm. Throws a "NotSupportedError" that says why where the host cannot.
   */
  setNoDelay(noDelay: boolean): void;
}
