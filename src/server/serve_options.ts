/**
 * What `serveTcp` takes, the same on every host.
 */

import {
  requireDelay,
  requireInteger,
  requireOptionalClock,
  requireOptionalFunction,
  requireOptionalPem,
  requireOptionalSignal,
  type Resolved,
} from "../arguments.ts";
import { defaultClock } from "../connection/clock.ts";
import { tell } from "../connection/observer.ts";
import { type HeadLimits, resolveHeadLimits } from "../handshake/head_limits.ts";
import type { Clock, RemoteAddress } from "../types.ts";

/** Whom the server itself has turned away, without asking the request function. */
export interface ServerRefusal {
  /**
   * The status of the answer; `undefined` if there was none and the connection was closed, as it is
   * beyond `maxConnections`.
   */
  readonly status: number | undefined;
  /** Why, in the words that the client was told, if it was. */
  readonly reason: string;
  /** The address of the peer, where the host knows it. */
  readonly remoteAddress: RemoteAddress | undefined;
}

/** Options of a server over byte transports. Times are milliseconds. */
export interface ServeOptions {
  /**
   * Milliseconds that the head of a request may take, counted from when the connection is accepted;
   * after that, the answer is 408. 0 for no limit: a client that never finishes its head then keeps
   * its socket, and its place among `maxConnections`, for as long as it likes (Slowloris). Choose 0
   * only behind a proxy that itself waits for the whole head.
   * @default 10000
   */
  readonly handshakeTimeout?: number | undefined;
  /**
   * Milliseconds that a client may stand still while the server waits for it, in the middle of the
   * body of a request or of a response; after that, the connection is dropped. 0 for no limit, with
   * the same danger.
   * @default 30000
   */
  readonly stallTimeout?: number | undefined;
  /**
   * Milliseconds that `shutdown` may take to answer requests and to close WebSockets; what is still
   * open then is dropped. With 0 it is dropped at once.
   * @default 10000
   */
  readonly shutdownTimeout?: number | undefined;
  /**
   * Connections open at once, requests and WebSockets together; further ones are closed as they
   * come.
   * @default Infinity
   */
  readonly maxConnections?: number | undefined;
  /**
   * Limits on the head of a request, answered with 414 or 431 when exceeded.
   * @default { maxHeadSize: 16384, maxFields: 100, maxLineSize: 8192 }
   */
  readonly headLimits?: HeadLimits | undefined;
  /**
   * Called with what the request function threw or did wrong, and, on Deno, with failures to
   * accept, of which Bun does not tell. The server lives on, even if this function throws or, being
   * async, rejects; that is written to the console. Also called if the server's own code cannot be loaded, which ends the server.
   * @default `console.error`
   */
  readonly onError?: ((error: unknown) => unknown) | undefined;
  /**
   * Called with each client that the server turns away by itself: because what it sent is not an
   * HTTP/1 request, exceeds `headLimits` or `handshakeTimeout`, or has a method that is not
   * implemented, or because it is one too many. Your function itself sees what it refuses, or what
   * `upgradeWebSocket` refuses for it. Anybody can cause these calls as often as they like: count
   * rather than log.
   * @default none
   */
  readonly onRefuse?: ((refusal: ServerRefusal) => unknown) | undefined;
  /**
   * The source of time.
   * @default the platform's
   */
  readonly clock?: Clock | undefined;
}

/** Where a server listens. */
export interface ListenAddress {
  /** What is listened on. */
  readonly transport: "tcp" | "unix";
  /** The IP address, or the socket's path. */
  readonly hostname: string;
  /** The port; 0 for a Unix socket. */
  readonly port: number;
}

/** Options of `serveTcp`. */
export interface ServeTcpOptions extends ServeOptions {
  /**
   * The port; 0 for one that is free.
   * @default 8000
   */
  readonly port?: number | undefined;
  /**
   * The address to listen on.
   * @default "0.0.0.0"
   */
  readonly hostname?: string | undefined;
  /**
   * The path of a Unix socket, instead of port and hostname. A file that is already there, such as
   * one left by a server that was killed, keeps the server from listening.
   */
  readonly path?: string | undefined;
  /** The certificate chain, in PEM: the server speaks TLS. Goes with `key`. */
  readonly cert?: string | undefined;
  /** The private key, in PEM. Goes with `cert`. */
  readonly key?: string | undefined;
  /**
   * Whether Nagle's algorithm is off, so that a small message leaves at once. Deno cannot switch it
   * under TLS.
   * @default true
   */
  readonly noDelay?: boolean | undefined;
  /** Shuts the server down when aborted, as `shutdown` does. */
  readonly signal?: AbortSignal | undefined;
  /** Called once the server listens. */
  readonly onListen?: ((address: ListenAddress) => void) | undefined;
}

/** {@linkcode ServeOptions} with every default filled in, and callbacks that never throw. */
export type ResolvedServeOptions = Resolved<ServeOptions>;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} if a number is out of its range, naming it.
 * @throws {TypeError} if a callback is not a function, or the signal or the clock is not one.
 */
export function resolveServeOptions(
  options: ServeOptions & { readonly signal?: AbortSignal | undefined },
): ResolvedServeOptions {
  requireOptionalSignal("signal", options.signal);
  requireOptionalFunction("onError", options.onError);
  requireOptionalFunction("onRefuse", options.onRefuse);
  requireOptionalClock(options.clock);
  const maxConnections = options.maxConnections ?? Infinity;
  if (maxConnections !== Infinity) requireInteger("maxConnections", maxConnections, { from: 1 });
  return {
    handshakeTimeout: requireDelay("handshakeTimeout", options.handshakeTimeout ?? 10_000),
    stallTimeout: requireDelay("stallTimeout", options.stallTimeout ?? 30_000),
    shutdownTimeout: requireDelay("shutdownTimeout", options.shutdownTimeout ?? 10_000),
    maxConnections,
    headLimits: resolveHeadLimits(options.headLimits),
    onError: (error) => void tell(options.onError ?? console.error, error),
    onRefuse: (refusal) => {
      if (options.onRefuse !== undefined) void tell(options.onRefuse, refusal);
    },
    clock: options.clock ?? defaultClock(),
  };
}

/** Where and how a host listens, with every default filled in. */
export interface ListenTarget {
  /** The port; 0 for one that is free. */
  readonly port: number;
  /** The address. */
  readonly hostname: string;
  /** The path of a Unix socket, in place of the two above. */
  readonly path: string | undefined;
  /** What TLS needs, where it is spoken, in PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** Whether Nagle's algorithm is off. */
  readonly noDelay: boolean;
}

/**
 * Fills in the defaults of what only matters to a listener.
 *
 * @throws {TypeError} if options contradict each other, or `onListen` is not a function.
 * @throws {RangeError} if the port is not one.
 */
export function resolveListenOptions(options: ServeTcpOptions): ListenTarget {
  const { port = 8000, hostname = "0.0.0.0", path, cert, key, noDelay = true } = options;
  requireOptionalFunction("onListen", options.onListen);
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("Cannot listen: cert and key must be given together");
  }
  requireOptionalPem("cert", cert);
  requireOptionalPem("key", key);
  if (path !== undefined && (options.port !== undefined || options.hostname !== undefined)) {
    throw new TypeError("Cannot listen: path excludes port and hostname");
  }
  const certificate = cert === undefined || key === undefined ? undefined : { cert, key };
  if (path !== undefined && certificate !== undefined) {
    throw new TypeError("Cannot listen: a Unix socket takes no certificate");
  }
  requireInteger("port", port, { to: 65_535 });
  return { port, hostname, path, certificate, noDelay };
}
