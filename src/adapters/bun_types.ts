/**
 * The part of Bun's API that is used here, declared structurally: Bun's own types are an npm
 * package, and the library depends on none. What `Bun.serve` gives and takes is assignable to it
 * and from it.
 */

/** A TCP, TLS or Unix socket. */
export interface BunSocket<Data> {
  /** What the application keeps with the socket, once it has put it there. */
  data: Data | undefined;
  /** The peer's address; `undefined` for a Unix socket and once closed. */
  readonly remoteAddress: string | undefined;
  /** The peer's port; `undefined` for a Unix socket and once closed. */
  readonly remotePort: number | undefined;
  /** Writes what the kernel takes at once: the number of bytes, or -1 if the socket is closed. */
  write(data: Uint8Array, byteOffset?: number, byteLength?: number): number;
  /** Ends our direction. */
  shutdown(): void;
  /** Closes both directions at once. */
  close(): void;
  /** Stops reading. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Switches Nagle's algorithm. */
  setNoDelay(noDelay: boolean): void;
}

/** The callbacks that all sockets of a listener share. */
export interface BunSocketHandlers<Data> {
  /** How `data` is handed over. */
  readonly binaryType: "uint8array";
  /** The socket is connected; a TLS handshake is still to come. */
  open(socket: BunSocket<Data>): void;
  /** The TLS handshake ended. */
  handshake?(socket: BunSocket<Data>, success: boolean, error: Error | null): void;
  /** Bytes arrived. */
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
  /** The kernel takes bytes again. */
  drain(socket: BunSocket<Data>): void;
  /** The peer ended its direction. */
  end(socket: BunSocket<Data>): void;
  /** The socket is gone. */
  close(socket: BunSocket<Data>, error?: Error): void;
  /** A callback threw. */
  error(socket: BunSocket<Data>, error: Error): void;
}

/**
 * What is spoken over TLS, `http/1.1` preceded by its length: a peer that would choose h2 must know
 * (RFC 7301 section 3.1).
 */
export const ALPN_PROTOCOLS = "\x08http/1.1";

/** TLS of a listener or of a connection. */
export interface BunTlsOptions {
  /** Certificates of authorities, in PEM, instead of the host's list. */
  ca?: string[];
  /** Our certificate chain, in PEM. */
  cert?: string;
  /** The private key, in PEM. */
  key?: string;
  /** The name to ask for and to verify. */
  serverName?: string;
  /**
   * The protocols offered or accepted, each preceded by a byte with its length (RFC 7301 section
   * 3.1).
   */
  ALPNProtocols?: string;
  /** Whether a peer without a valid certificate is refused. */
  rejectUnauthorized?: boolean;
}

/** Where to listen or to connect. */
export interface BunSocketOptions<Data> {
  /** The address or host name. */
  hostname?: string;
  /** The port. */
  port?: number;
  /** The path of a Unix socket, instead of host and port. */
  unix?: string;
  /** TLS; plaintext without. */
  tls?: BunTlsOptions;
  /** Whether our direction stays open when the peer ends its own. */
  allowHalfOpen: boolean;
  /** The callbacks. */
  socket: BunSocketHandlers<Data>;
}

/** A listening socket. */
export interface BunListener {
  /** The port listened on. */
  readonly port: number;
  /** The address listened on. */
  readonly hostname: string;
  /** Stops listening, and with `true` closes what was accepted. */
  stop(closeActiveConnections?: boolean): void;
  /** Keeps the process alive while it listens. */
  ref(): void;
  /** Lets the process end while it listens. */
  unref(): void;
}

/** A WebSocket of `Bun.serve`. */
export interface BunServerWebSocket<Data> {
  /** What was given to `server.upgrade`. */
  data: Data;
  /** How bytes are given to the handlers. */
  binaryType?: "nodebuffer" | "arraybuffer" | "uint8array" | "blob";
  /** Sends text: the number of bytes, -1 if it had to be queued, 0 if it was dropped. */
  sendText(text: string, compress?: boolean): number;
  /** Sends bytes, like `sendText`. */
  sendBinary(data: Uint8Array, compress?: boolean): number;
  /** Sends a ping, like `sendText`. */
  ping(payload: Uint8Array): number;
  /** Gathers what is sent within; `message`, `open` and `drain` are called this way. */
  cork(callback: () => void): void;
  /**
   * Sends a Close frame, ends the TCP connection and calls `close`, without waiting for the peer.
   */
  close(code?: number, reason?: string): void;
  /** Drops the TCP connection and calls `close`. */
  terminate(): void;
  /** Bytes that are queued. */
  getBufferedAmount(): number;
  /** Stops reading. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/**
 * The `websocket` object of `Bun.serve`, with the limits and the callbacks that all sockets share.
 */
export interface BunWebSocketHandlers<Data> {
  /** Gives `ws.data` its type; never there at run time. */
  readonly data?: Data;
  /** Bytes of the largest message received. */
  readonly maxPayloadLength: number;
  /** Bytes queued above which messages are dropped. */
  readonly backpressureLimit: number;
  /** Seconds of silence after which a socket is dropped; 0 for never. */
  readonly idleTimeout: number;
  /** Whether Bun pings by itself. */
  readonly sendPings: boolean;
  /** Compression in either direction, for clients that offer it. */
  readonly perMessageDeflate: {
    readonly compress: "dedicated";
    readonly decompress: "dedicated";
  };
  /** A socket is open. */
  open(socket: BunServerWebSocket<Data>): void;
  /** A message arrived. */
  message(socket: BunServerWebSocket<Data>, message: string | Uint8Array<ArrayBuffer>): void;
  /** A ping arrived, and was answered. */
  ping(socket: BunServerWebSocket<Data>, payload: Uint8Array): void;
  /** A pong arrived. */
  pong(socket: BunServerWebSocket<Data>, payload: Uint8Array): void;
  /** Some of what is queued was written. */
  drain(socket: BunServerWebSocket<Data>): void;
  /** A socket is closed. */
  close(socket: BunServerWebSocket<Data>, code: number, reason: string): void;
}

/** The server of `Bun.serve`, as far as an upgrade needs it. */
export interface BunServer<Data> {
  /** Answers a request with 101 and calls `open`; `false` if it cannot. */
  upgrade(request: Request, options: { headers: Headers; data: Data }): boolean;
  /** Where a request comes from; `null` over a Unix socket. */
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
}

/** The global `Bun`. */
export interface BunSocketApi {
  /** Listens. */
  listen<Data>(options: BunSocketOptions<Data>): BunListener;
  /** Connects; the promise resolves before a TLS handshake. */
  connect<Data>(options: BunSocketOptions<Data>): Promise<BunSocket<Data>>;
}

/** The global `Bun`; throws an `Error` on another host. */
export function bunSocketApi(): BunSocketApi {
  const { Bun } = globalThis as { Bun?: BunSocketApi };
  if (Bun === undefined) throw new Error("Cannot use Bun's sockets: the host is not Bun");
  return Bun;
}
