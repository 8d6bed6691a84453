/**
 * WebSocket servers over any byte stream in hand, on any host with Web streams.
 *
 * ```ts
 * import { acceptWebSocket, type ByteStream } from "@gale/websocket/tcp";
 *
 * async function greet(stream: ByteStream): Promise<void> {
 *   await using connection = await acceptWebSocket(stream);
 *   await connection.send("Welcome");
 * }
 * ```
 *
 * @module
 */

import type { WebSocketConnection } from "../connection/connection.ts";
import { StreamTransport } from "../connection/stream_transport.ts";
import { WebSocketHandshakeError } from "../errors.ts";
import { type ExchangeEnd, HttpExchange, type RequestHandler } from "../server/http_exchange.ts";
import { upgradeRaw } from "../server/raw_upgrade.ts";
import { resolveServeOptions, type ServeOptions } from "../server/serve_options.ts";
import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import type { ByteStream, RemoteAddress } from "../types.ts";

export type {
  ReceiveOptions,
  SendOptions,
  WebSocketConnection,
  WebSocketConnectionOptions,
} from "../connection/connection.ts";
export { WebSocketHandshakeError } from "../errors.ts";
export type { HeadLimits } from "../handshake/http1.ts";
export type { HandshakeOptions } from "../handshake/server.ts";
export type { PeerInfo, RequestHandler } from "../server/http_exchange.ts";
export type { ServeOptions } from "../server/serve_options.ts";
export type { Upgrade, UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
export type * from "../types.ts";

/** What a byte stream does not tell of itself. */
export interface StreamOptions {
  /**
   * Whether TLS carries the stream, so that URLs are `https:` and `wss:`.
   * @default false
   */
  readonly secure?: boolean;
  /** The address of the peer. */
  readonly remoteAddress?: RemoteAddress;
}

/** Options of {@linkcode serveStream}. */
export interface ServeStreamOptions
  extends StreamOptions, Omit<ServeOptions, "maxConnections" | "shutdownTimeout"> {
  /** Drops the stream when aborted before the request is answered. */
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode acceptWebSocket}. */
export interface AcceptOptions
  extends UpgradeOptions, StreamOptions, Pick<ServeOptions, "handshakeTimeout" | "headLimits"> {
  /**
   * Called with the request before it is answered. Options that it returns replace those given, one by
   * one; a `Response` refuses the request.
   */
  readonly onRequest?: (
    request: Request,
  ) => UpgradeOptions | Response | undefined | Promise<UpgradeOptions | Response | undefined>;
}

/**
 * Upgrades a request to a WebSocket: checks it by RFC 6455 section 4.2 and the options, and makes the
 * response to return, with the connection that opens once it has been returned.
 *
 * Throws a `TypeError` when the request is not one that {@linkcode serveStream} or a `serveTcp` of this
 * library passed to its function, has been upgraded or answered already, or when an option is wrong.
 */
export function upgradeWebSocket<Data = undefined>(
  request: Request,
  options?: UpgradeOptions<Data>,
): UpgradeResult<Data> {
  const result = upgradeRaw(request, options);
  if (result === undefined) {
    throw new TypeError(
      "Cannot upgrade the request: it is not the one that serveStream or serveTcp passed on",
    );
  }
  return result;
}

/**
 * Reads one HTTP/1.1 request from a byte stream and answers it, by a function that may upgrade it by
 * {@linkcode upgradeWebSocket}.
 *
 * Resolves once the stream is at its end or a WebSocket has taken it over. Rejects with what went
 * wrong on the way: a lost stream, a timeout, a `TypeError` where the stream is locked.
 */
export async function serveStream(
  stream: ByteStream,
  handler: RequestHandler,
  options: ServeStreamOptions = {},
): Promise<void> {
  const { error } = await runExchange(stream, handler, options);
  if (error !== undefined) throw error;
}

/**
 * Reads the opening handshake of a client from a byte stream and answers it.
 *
 * Rejects, once the client has been answered, with a {@linkcode WebSocketHandshakeError} where the
 * request was refused or did not come in time, with what `onRequest` threw, with the reason of the
 * signal, or with a `TypeError` where an option is wrong or the stream is locked.
 */
export async function acceptWebSocket(
  stream: ByteStream,
  options: AcceptOptions = {},
): Promise<WebSocketConnection> {
  let refusal: Response | undefined;
  const failures: unknown[] = [];
  const answer = async (request: Request) => {
    const chosen = await options.onRequest?.(request);
    const response = chosen instanceof Response
      ? chosen
      : upgradeWebSocket(request, { ...options, ...chosen }).response;
    if (response.status !== 101) refusal = response.clone();
    return response;
  };
  const onError = (error: unknown) => void failures.push(error);
  const end = await runExchange(stream, answer, { ...options, onError });
  if (end.connection !== undefined) return end.connection;
  options.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  throw handshakeError(end.refusal ?? refusal, end.error);
}

async function runExchange(
  stream: ByteStream,
  handler: RequestHandler,
  options: ServeStreamOptions,
): Promise<ExchangeEnd> {
  const resolved = resolveServeOptions(options);
  const { signal, secure = false } = options;
  signal?.throwIfAborted();
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<ExchangeEnd>();
  const transport = new StreamTransport(stream, options.remoteAddress);
  const exchange = new HttpExchange(transport, handler, { ...resolved, secure, onEnd });
  const onAbort = () => exchange.abort(signal!.reason);
  signal?.addEventListener("abort", onAbort);
  exchange.start();
  try {
    return await ended;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

function handshakeError(response: Response | undefined, cause: unknown): WebSocketHandshakeError {
  if (response === undefined) {
    return new WebSocketHandshakeError("Cannot accept: the handshake was cut short", { cause });
  }
  const message = `Cannot accept: the handshake was refused with status ${response.status}`;
  return new WebSocketHandshakeError(message, { response, cause });
}
