/** WebSocket over the TCP connections that a Worker's `connect` handler receives. */

import type { WebSocketConnection } from "../connection/connection.ts";
import type * as Accept from "../server/accept.ts";
import type { AcceptOptions, ServeStreamOptions } from "../server/accept.ts";
import type { RequestHandler } from "../server/http_exchange.ts";
import { unlessAborted } from "../unless_aborted.ts";
import type { WorkersSocket, WorkersSocketInfo } from "./cloudflare_types.ts";

/** Options of {@linkcode serveSocket}: unless given, `secure` is what the socket says. */
export type ServeSocketOptions = Omit<ServeStreamOptions, "remoteAddress">;

/** Options of {@linkcode acceptWebSocket}: unless given, `secure` is what the socket says. */
export type AcceptSocketOptions<Data = unknown> = Omit<AcceptOptions<Data>, "remoteAddress">;

/**
 * Reads one HTTP/1.1 request from a TCP connection and answers it, by a function that may upgrade
 * it by `upgradeWebSocket`, with this library's own handshake and codec.
 *
 * A WebSocket lives no longer than the `connect` handler: let that wait for `socket.closed` as
 * well.
 *
 * Resolves once the connection is at its end or a WebSocket has taken it over. It also resolves if
 * the request was refused, for example with 408 after `handshakeTimeout`, and if the function has
 * thrown: then `onError` is told, and the client is answered with 500.
 *
 * Rejects if the connection is lost, if the client stands still for `stallTimeout`, with the reason
 * of the signal, and with a `TypeError` or `RangeError` if an option is wrong or a stream of the
 * socket is locked.
 *
 * @example
 * ```ts
 * import { serveSocket, upgradeWebSocket, type WorkersSocket } from "@gale/websocket/cloudflare";
 *
 * // Of a Worker that ends with `export default { connect }`.
 * async function connect(socket: WorkersSocket): Promise<void> {
 *   await serveSocket(socket, (request) => {
 *     const { response, connection } = upgradeWebSocket(request);
 *     connection?.forEach((message) => connection.send(message));
 *     return response;
 *   });
 *   // The WebSocket lives no longer than this function. Rejects where the peer is given up.
 *   await socket.closed.catch(() => {});
 * }
 * ```
 */
export async function serveSocket(
  socket: WorkersSocket,
  handler: RequestHandler,
  options: ServeSocketOptions = {},
): Promise<void> {
  const { accept, open, secure } = await prepare(
    socket,
    options,
    ({ checkServeStream }) => checkServeStream(handler, options),
  );
  await accept.serveTransport(open, handler, { ...options, secure });
}

/**
 * Reads the opening handshake of a client from a TCP connection and answers it; from then on this
 * library's own codec serves the connection, with pings, compression and backpressure.
 *
 * The connection lives no longer than the `connect` handler: let that wait for `connection.closed`.
 *
 * Once the client has been answered, rejects with a {@linkcode WebSocketHandshakeError} if the
 * request was refused or did not come in time, or if the connection ended before it (there is no
 * `response` then); with what `onRequest` threw; with the reason of the signal; or with a
 * `TypeError` or `RangeError` if what `onRequest` returned is wrong. If the options are wrong or a
 * stream of the socket is locked, rejects with one of the latter before it reads anything.
 *
 * @example
 * ```ts
 * import { acceptWebSocket, type WorkersSocket } from "@gale/websocket/cloudflare";
 *
 * // Of a Worker that ends with `export default { connect }`.
 * async function connect(socket: WorkersSocket): Promise<void> {
 *   const connection = await acceptWebSocket(socket);
 *   connection.forEach((message) => connection.send(message));
 *   await connection.closed; // the connection lives no longer than this function
 * }
 * ```
 */
export async function acceptWebSocket<Data = unknown>(
  socket: WorkersSocket,
  options: AcceptSocketOptions<Data> = {},
): Promise<WebSocketConnection<Data>> {
  const { accept, open, secure } = await prepare(
    socket,
    options,
    ({ checkAcceptOptions }) => checkAcceptOptions(options),
  );
  return await accept.acceptTransport(open, { ...options, secure });
}

/**
 * What both need: the code, loaded with the first of them, and what the socket tells about itself.
 */
async function prepare(
  socket: WorkersSocket,
  { secure, signal }: ServeSocketOptions | AcceptSocketOptions,
  check: (accept: typeof Accept) => void,
) {
  const [accept, { WorkersTransport }] = await Promise.all([
    import("../server/accept.ts"),
    import("./cloudflare_transport.ts"),
  ]);
  check(accept);
  const { remoteAddress } = await openedWithin(socket, signal);
  return {
    accept,
    open: () => new WorkersTransport(socket, remoteAddress),
    secure: secure ?? socket.secureTransport === "on",
  };
}

/** Waits until the socket is open, and gives it up if the signal comes first. */
async function openedWithin(
  socket: WorkersSocket,
  signal: AbortSignal | undefined,
): Promise<WorkersSocketInfo> {
  try {
    return await unlessAborted(socket.opened, signal);
  } catch (error) {
    socket.close().catch(() => {});
    throw error;
  }
}
