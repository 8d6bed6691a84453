/** What this library uses of the Workers runtime, which brings no types of its own along. */

import type { ByteStream, RemoteAddress } from "../types.ts";

/** One side of a WebSocket in a Worker. */
export interface WorkersWebSocket extends EventTarget {
  /** Whether binary messages come as `ArrayBuffer`s; blobs otherwise. */
  binaryType: string;
  /** 2 while the peer's Close waits for an answer, 3 once the runtime has given it. */
  readonly readyState: number;
  /** Bytes not yet written; older versions do not tell. */
  readonly bufferedAmount?: number;
  /** Begins the delivery of messages. */
  accept(options?: {
    /** Whether the application answers the peer's Close. */
    readonly allowHalfOpen?: boolean;
  }): void;
  /** Sends a message. */
  send(data: string | ArrayBufferView): void;
  /** Sends a Close frame. */
  close(code?: number, reason?: string): void;
}

/**
 * A TCP connection of a Worker, as `connect` gives it or a Worker's `connect` handler receives it.
 */
export interface WorkersSocket extends ByteStream {
  /** Settles when the connection is established, the TLS handshake included. */
  readonly opened: Promise<WorkersSocketInfo>;
  /** Settles when the connection has ended. */
  readonly closed: Promise<void>;
  /** Whether TLS carries the connection. */
  readonly secureTransport?: "off" | "on" | "starttls";
  /** Closes the connection. */
  close(): Promise<void>;
}

/** A TCP connection that `connect` gives. */
export interface WorkersClientSocket extends WorkersSocket {
  /** Begins TLS on a connection made for it, which goes on in the socket that this returns. */
  startTls(options?: {
    /** The name that the server's certificate must bear. */
    readonly expectedServerHostname?: string;
  }): WorkersClientSocket;
}

/** What is known of a connection once it is established. */
export interface WorkersSocketInfo {
  /** The peer's address, followed by a colon and the port. */
  readonly remoteAddress?: string;
}

/** `connect` of the module `cloudflare:sockets`. */
export type WorkersConnect = (
  address: { readonly hostname: string; readonly port: number },
  options: {
    /** When to speak TLS. */
    readonly secureTransport: "off" | "on" | "starttls";
    /** Whether writing goes on when the peer has ended its direction. */
    readonly allowHalfOpen: boolean;
  },
) => WorkersClientSocket;

/** The globals of the runtime. */
interface WorkersGlobals {
  readonly WebSocketPair?: new () => Readonly<Record<0 | 1, WorkersWebSocket>>;
  readonly Cloudflare?: {
    readonly compatibilityFlags?: Readonly<Record<string, boolean>>;
  };
}

/** A pair of connected WebSockets: one to return, one to keep. Throws a `TypeError` elsewhere. */
export function createSocketPair(): Readonly<Record<0 | 1, WorkersWebSocket>> {
  const { WebSocketPair } = globalThis as WorkersGlobals;
  if (WebSocketPair === undefined) {
    throw new TypeError("Cannot upgrade the request: this host is not Cloudflare Workers");
  }
  return new WebSocketPair();
}

/** Whether the runtime behaves as the compatibility flag has it. */
export function hasCompatibilityFlag(name: string): boolean {
  return (globalThis as WorkersGlobals).Cloudflare?.compatibilityFlags?.[name] === true;
}

/** Reads an address as the runtime writes it: `192.0.2.1:80`, `[2001:db8::1]:80`. */
export function parseAddress(address: string): RemoteAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
  if (match === null) return undefined;
  return { transport: "tcp", hostname: match[1] ?? match[2]!, port: Number(match[3]) };
}
