/** A message as it is received: text as a string, binary as bytes. */
export type Message = string | Uint8Array<ArrayBuffer>;

/**
 * A value that may be sent as one message; see `WebSocketConnection.send` for how each is framed.
 */
export type Sendable =
  | string
  | ArrayBufferView
  | ArrayBuffer
  | Blob
  | ReadableStream<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | JsonObject
  | readonly unknown[]
  | { toJSON(): unknown };

/**
 * A plain object, which is sent as JSON. The type keeps out promises, functions, maps and sets. It
 * cannot keep out instances of other classes, which `send` rejects with a `TypeError`.
 */
export interface JsonObject {
  /** What `JSON.stringify` takes. */
  // deno-lint-ignore no-explicit-any -- a value that an interface describes would not do for `unknown`
  readonly [key: string]: any;
  /** Data and no method, which promises have. */
  readonly then?: JsonValue;
  /** Data and no method, which functions have. */
  readonly bind?: JsonValue;
  /** Data and no method, which maps and sets have. */
  readonly forEach?: JsonValue;
}

/** The values that JSON has, one level deep. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | { readonly [key: string]: unknown };

/** How a connection ended. */
export interface CloseInfo {
  /**
   * The close code received, 1005 when the peer's Close had none, 1006 when none came. Over
   * `Bun.serve`, after a `close` of ours, it is our own.
   */
  readonly code: number;
  /**
   * The reason received, or the empty string. Over `Bun.serve`, after a `close` of ours, it is our
   * own.
   */
  readonly reason: string;
  /**
   * Whether both Close frames were exchanged, ours after everything whose `send` was not rejected.
   * `Bun.serve` does not tell whether the peer answered a `close` of ours: there it is taken to have.
   */
  readonly wasClean: boolean;
  /** What ended the connection, if it was an error: a violation, a timeout, a lost transport. */
  readonly error?: unknown;
}

/** What the host under a connection can do; see `docs/hosts.md`. */
export interface Capabilities {
  /** Whether pings can be sent and pongs are seen. */
  readonly ping: boolean;
  /** Whether permessage-deflate was agreed on for this connection (RFC 7692). */
  readonly compression: boolean;
  /** Whether a slow application makes the connection stop reading. */
  readonly inboundBackpressure: boolean;
  /** Whether `send` and `bufferedAmount` show that a peer is slow. */
  readonly outboundBackpressure: boolean;
  /** Whether Nagle's algorithm can be switched. */
  readonly noDelay: boolean;
}

/** Counters of one connection, from its opening on. */
export interface ConnectionStats {
  /** Messages sent. */
  readonly messagesSent: number;
  /** Messages received, whether or not the application has taken them yet. */
  readonly messagesReceived: number;
  /**
   * Bytes that the transport has taken, the headers of frames included. Where the host frames, only
   * the bytes of messages, and text counts as one byte for each UTF-16 unit.
   */
  readonly bytesSent: number;
  /** Bytes received from the transport; see `bytesSent`. */
  readonly bytesReceived: number;
}

/**
 * A source of time. The default one is the platform's; `ManualClock` of `@gale/websocket/testing`
 * lets a test decide what time it is.
 */
export interface Clock {
  /** Milliseconds since some fixed point, never going back. */
  now(): number;
  /**
   * Runs `callback` once after `delay` milliseconds; the result is for {@linkcode clearTimeout}.
   */
  setTimeout(callback: () => void, delay: number): unknown;
  /** Cancels a timeout. */
  clearTimeout(id: unknown): void;
}

/** A duplex of bytes. */
export interface ByteStream {
  /** The bytes that arrive. */
  readonly readable: ReadableStream<Uint8Array>;
  /** The bytes to send. */
  readonly writable: WritableStream<Uint8Array>;
}

/** The address of a peer. */
export interface RemoteAddress {
  /** What carries the connection. */
  readonly transport: "tcp" | "unix";
  /** The IP address, or the path of a Unix socket, empty where the host does not tell it. */
  readonly hostname: string;
  /** The port; 0 for a Unix socket, and where the host does not tell it. */
  readonly port: number;
}

/** How permessage-deflate is offered or accepted (RFC 7692 section 7.1). */
export interface CompressionOptions {
  /**
   * The effort, 1 (fastest) to 9 (smallest).
   * @default 6
   */
  readonly level?: number | undefined;
  /**
   * Messages of fewer bytes are sent uncompressed. One sent as a stream is compressed whatever its
   * size, which is not known beforehand; on `Bun.serve` it is gathered first, and this applies.
   * Without effect on Workers, where the platform decides.
   * @default 256
   */
  readonly threshold?: number | undefined;
  /**
   * Whether the server forgets its window after each message: this saves the server's memory, and
   * messages are compressed less well.
   * @default false
   */
  readonly serverNoContextTakeover?: boolean | undefined;
  /**
   * Whether the client forgets its window after each message.
   * @default false
   */
  readonly clientNoContextTakeover?: boolean | undefined;
  /**
   * The largest base-2 logarithm of the server's window, 8 to 15.
   * @default 15
   */
  readonly serverMaxWindowBits?: number | undefined;
  /**
   * The largest base-2 logarithm of the client's window, 8 to 15. On a server, below 15, clients
   * that do not offer `client_max_window_bits` get no compression; Firefox is one.
   * @default 15
   */
  readonly clientMaxWindowBits?: number | undefined;
}

/** Options that every connection takes, whichever host carries it. Times are milliseconds. */
export interface ConnectionOptions {
  /**
   * The largest message accepted, in bytes, after decompression; a larger one ends the connection
   * with 1009.
   * @default 10485760 (10 MiB)
   */
  readonly maxMessageSize?: number | undefined;
  /**
   * The largest number of fragments of one message; more end the connection with 1008.
   * @default 131072
   */
  readonly maxFragments?: number | undefined;
  /**
   * Bytes of received messages that may wait for the application; above, the transport is not read.
   * @default 262144 (256 KiB)
   */
  readonly receiveHighWaterMark?: number | undefined;
  /**
   * Reading resumes once no more than this many bytes wait.
   * @default a quarter of `receiveHighWaterMark`
   */
  readonly receiveLowWaterMark?: number | undefined;
  /**
   * Bytes that may wait to be written before the promise of `send` is held back; at most
   * `maxBufferedAmount`.
   * @default 65536 (64 KiB), or `maxBufferedAmount` where that is less
   */
  readonly sendHighWaterMark?: number | undefined;
  /**
   * A promise of `send` held back resolves once no more than this many bytes wait.
   * @default a quarter of `sendHighWaterMark`
   */
  readonly sendLowWaterMark?: number | undefined;
  /**
   * The most bytes that may wait to be written: a peer that falls further behind is closed with
   * 1013. Meant for an application that does not wait for `send`, such as a broadcast; one that
   * waits does not need it.
   * @default Infinity
   */
  readonly maxBufferedAmount?: number | undefined;
  /**
   * Bytes of received messages that may wait for the application where the host cannot stop reading
   * (`capabilities.inboundBackpressure` is `false`): more end the connection with 1013.
   * @default 16777216 (16 MiB)
   */
  readonly maxQueuedAmount?: number | undefined;
  /**
   * Milliseconds of silence after which the peer is pinged; 0 for never. It is checked four times
   * in this interval whether something has arrived, so the ping may come up to a quarter of it
   * later.
   * @default 30000
   */
  readonly pingInterval?: number | undefined;
  /**
   * Milliseconds to wait for any sign of life after that ping, before the connection is given up
   * with 1006; 0 for no limit.
   * @default 30000
   */
  readonly pingTimeout?: number | undefined;
  /**
   * Milliseconds without a data message in either direction after which the connection is closed
   * with 1001; 0 for never. Pings and pongs do not count.
   *
   * Not the `idleTimeout` of Deno and Bun, which are seconds of the peer's silence: that is
   * `pingInterval` and `pingTimeout` here.
   * @default 0
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Milliseconds to wait for the peer's Close frame, and for the end of the transport, before the
   * connection is aborted. The application has at most half of it to answer what came before the
   * peer's Close.
   * @default 10000
   */
  readonly closeTimeout?: number | undefined;
  /**
   * Drops the connection when aborted, as `WebSocketConnection.abort` does; to send a code, call
   * `close`.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the payload of each ping received; the ping is answered without the application.
   * May be async; what it throws or rejects with is written to the console.
   */
  readonly onPing?: ((payload: Uint8Array) => unknown) | undefined;
  /**
   * Called with the payload of each pong received, whether or not a ping asked for it. May be
   * async; what it throws or rejects with is written to the console.
   */
  readonly onPong?: ((payload: Uint8Array) => unknown) | undefined;
  /**
   * The source of time.
   * @default the platform's
   */
  readonly clock?: Clock | undefined;
}

/** What the handshake of a byte stream has settled, which was done elsewhere. */
export interface WebSocketConnectionOptions<Data = unknown> extends ConnectionOptions {
  /** Which side of the connection this is: a client masks what it sends. */
  readonly role: "server" | "client";
  /**
   * The URL to show.
   * @default ""
   */
  readonly url?: string | undefined;
  /**
   * The subprotocol agreed.
   * @default ""
   */
  readonly protocol?: string | undefined;
  /**
   * The extensions agreed, as in the `Sec-WebSocket-Extensions` header of the response:
   * permessage-deflate with any parameters, or none.
   * @default ""
   */
  readonly extensions?: string | undefined;
  /** How this side compresses, where permessage-deflate is agreed. */
  readonly compression?: Pick<CompressionOptions, "level" | "threshold"> | undefined;
  /** The address of the peer. */
  readonly remoteAddress?: RemoteAddress | undefined;
  /** What the application wants to find at {@linkcode WebSocketConnection.data}. */
  readonly data?: Data;
}
