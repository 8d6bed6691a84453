/**
 * A byte transport whose request is still to be read: serves it, or makes it a WebSocket.
 */

import { requireFunction, requireOptionalFunction, withoutUndefined } from "../arguments.ts";
import { resolveConnectionOptions } from "../connection/options.ts";
import { resolveHandshakeOptions } from "../handshake/server.ts";
import type { WebSocketConnection } from "../connection/connection.ts";
import type { ByteTransport } from "../connection/transport.ts";
import { WebSocketHandshakeError } from "../errors.ts";
import { EarlyBytes } from "../http/early_bytes.ts";
import type { RemoteAddress } from "../types.ts";
import { type ExchangeEnd, HttpExchange, type RequestHandler } from "./http_exchange.ts";
import { resolveServeOptions, type ServeOptions } from "./serve_options.ts";
import type { UpgradeOptions } from "./upgrade.ts";
import { upgradeRaw } from "./upgrade_registry.ts";

/** What a byte stream does not tell about itself. */
export interface StreamOptions {
  /**
   * Whether TLS carries the stream, so that URLs are `https:` and `wss:`.
   * @default false
   */
  readonly secure?: boolean | undefined;
  /** The address of the peer. */
  readonly remoteAddress?: RemoteAddress | undefined;
}

/** Options of `serveStream`. */
export interface ServeStreamOptions
  extends StreamOptions, Omit<ServeOptions, "maxConnections" | "shutdownTimeout"> {
  /** Drops the stream when aborted before the request is answered. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `acceptWebSocket`. */
export interface AcceptOptions<Data = unknown>
  extends
    UpgradeOptions<Data>,
    StreamOptions,
    Pick<ServeOptions, "handshakeTimeout" | "headLimits"> {
  /**
   * Called with the request before it is answered. Options that it returns replace those given, one
   * by one, except for those that are `undefined`; a `Response` refuses the request.
   */
  readonly onRequest?:
    | ((
      request: Request,
    ) =>
      | UpgradeOptions<Data>
      | Response
      | undefined
      | Promise<UpgradeOptions<Data> | Response | undefined>)
    | undefined;
}

/** Bytes kept of the body of a refusal for the error's `response`: as many as a client keeps. */
const MAX_REFUSAL_BODY = 65_536;

/** Makes the transport, once the options are known to be in order. */
type OpenTransport = () => ByteTransport;

/**
 * Checks what `serveStream` is given.
 *
 * @throws {TypeError} if the handler or a callback is not a function, or `signal` is not an
 * `AbortSignal`.
 * @throws {RangeError} if a number is out of its range, naming it.
 */
export function checkServeStream(handler: RequestHandler, options: ServeStreamOptions): void {
  requireFunction("handler", handler);
  resolveServeOptions(options);
}

/**
 * Checks what `acceptWebSocket` is given.
 *
 * @throws {TypeError} if an option is of a wrong type.
 * @throws {RangeError} if a number is out of its range, naming it.
 */
export function checkAcceptOptions(options: AcceptOptions): void {
  resolveServeOptions(options);
  resolveConnectionOptions(options);
  resolveHandshakeOptions(options);
  requireOptionalFunction("onRequest", options.onRequest);
}

/**
 * Reads one request and has it answered by `handler`; see `serveStream` of `@gale/websocket/tcp`.
 */
export async function serveTransport(
  open: OpenTransport,
  handler: RequestHandler,
  options: ServeStreamOptions,
): Promise<void> {
  checkServeStream(handler, options);
  const { error } = await runExchange(open, handler, options);
  if (error !== undefined) throw error;
}

/** Reads an opening handshake and answers it; see `acceptWebSocket` of `@gale/websocket/tcp`. */
export async function acceptTransport<Data>(
  open: OpenTransport,
  options: AcceptOptions<Data>,
): Promise<WebSocketConnection<Data>> {
  checkAcceptOptions(options);
  let refusal: Refusal | undefined;
  const failures: unknown[] = [];
  const answer = async (request: Request) => {
    const chosen = await options.onRequest?.(request);
    const response = chosen instanceof Response
      ? chosen
      : upgradeRaw(request, { ...options, ...withoutUndefined(chosen) })!.response;
    if (response.status === 101 || !isSendable(response)) return response;
    refusal = copyWhileSent(response);
    return refusal.sent;
  };
  const onError = (error: unknown) => void failures.push(error);
  const end = await runExchange(open, answer, { ...options, onError });
  if (end.connection !== undefined) return end.connection as WebSocketConnection<Data>;
  options.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  throw handshakeError(end.refusal ?? refusal?.copy(), end.error);
}

async function runExchange(
  open: OpenTransport,
  handler: RequestHandler,
  options: ServeStreamOptions,
): Promise<ExchangeEnd> {
  const resolved = resolveServeOptions(options);
  const { signal, secure = false } = options;
  const transport = open();
  if (signal?.aborted) {
    transport.close();
    throw signal.reason;
  }
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<ExchangeEnd>();
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

/** Whether a response can be read; otherwise whoever sends it says what is wrong. */
function isSendable({ status, bodyUsed, body }: Response): boolean {
  return status !== 0 && !bodyUsed && body?.locked !== true;
}

/** A response on its way out, and what is kept of it. */
interface Refusal {
  /** The response to send. */
  readonly sent: Response;
  /** The same with what has been read of the body, up to {@linkcode MAX_REFUSAL_BODY}. */
  copy(): Response;
}

/**
 * Keeps the start of a body as it goes by. A `clone` would keep all of it, and would keep its
 * source running after the client has gone.
 */
function copyWhileSent(response: Response): Refusal {
  const { status, statusText, headers, body } = response;
  const init = { status, statusText, headers };
  if (body === null) return { sent: response, copy: () => new Response(null, init) };
  const kept = new EarlyBytes();
  let wanted = MAX_REFUSAL_BODY;
  const transform = (
    chunk: Uint8Array<ArrayBuffer>,
    controller: TransformStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ) => {
    if (wanted > 0 && chunk instanceof Uint8Array) {
      const start = chunk.subarray(0, wanted);
      kept.push(start);
      wanted -= start.length;
    }
    controller.enqueue(chunk);
  };
  // One chunk ahead, so that a short body is there even if the client goes before it is sent.
  const keeper = new TransformStream({ transform }, undefined, { highWaterMark: 1 });
  return {
    sent: new Response(body.pipeThrough(keeper), init),
    copy: () => new Response(kept.take().slice(), init),
  };
}

function handshakeError(response: Response | undefined, cause: unknown): WebSocketHandshakeError {
  if (response === undefined) {
    return new WebSocketHandshakeError("Cannot accept: the handshake was cut short", { cause });
  }
  const message = `Cannot accept: the handshake was refused with status ${response.status}`;
  return new WebSocketHandshakeError(message, { response, cause });
}
