/**
 * WebSocket servers over any byte stream, on any host with Web streams.
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
import {
  type AcceptOptions,
  acceptTransport,
  type ServeStreamOptions,
  serveTransport,
} from "../server/accept.ts";
import type { RequestHandler } from "../server/http_exchange.ts";
import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import { upgradeRaw } from "../server/upgrade_registry.ts";
import type { ByteStream } from "../types.ts";

export { CloseCode } from "../close_code.ts";
export {
  WebSocketClosedError,
  WebSocketHandshakeError,
  WebSocketProtocolError,
} from "../errors.ts";
export type { AcceptOptions, ServeStreamOptions, StreamOptions } from "../server/accept.ts";
export type * from "./server_types.ts";

/**
 * Upgrades a request to a WebSocket: checks it by RFC 6455 section 4.2 and the options, and makes
 * the response to return, with the connection that opens once it has been returned; if that takes
 * longer than 30 seconds, the connection ends with 1006.
 *
 * What `checkOrigin` and `selectSubprotocol` throw is thrown as well.
 *
 * @throws {TypeError} if the request is not one that {@linkcode serveStream} or a `serveTcp` of
 * this library passed to its function, or has been upgraded or answered already, or if an option is
 * wrong.
 * @throws {RangeError} if an option is out of its range.
 */
export function upgradeWebSocket<Data = unknown>(
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
 * Reads one HTTP/1.1 request from a byte stream and answers it, by a function that may upgrade it
 * by {@linkcode upgradeWebSocket}.
 *
 * Resolves once the stream is at its end or a WebSocket has taken it over. It also resolves if the
 * request was refused, for example with 408 after `handshakeTimeout`, and if the function has
 * thrown: then `onError` is told, and the client is answered with 500.
 *
 * Rejects if the stream is lost, if the client stands still for `stallTimeout`, with the reason of
 * the signal, and with a `TypeError` or `RangeError` if an option is wrong or the stream is locked.
 *
 * @example
 * ```ts
 * import { type ByteStream, serveStream, upgradeWebSocket } from "@gale/websocket/tcp";
 *
 * async function serve(stream: ByteStream): Promise<void> {
 *   await serveStream(stream, (request) => {
 *     const { response, connection } = upgradeWebSocket(request);
 *     connection?.forEach((message) => connection.send(message));
 *     return response;
 *   });
 * }
 * ```
 */
export async function serveStream(
  stream: ByteStream,
  handler: RequestHandler,
  options: ServeStreamOptions = {},
): Promise<void> {
  const { remoteAddress } = options;
  await serveTransport(() => new StreamTransport(stream, remoteAddress), handler, options);
}

/**
 * Reads the opening handshake of a client from a byte stream and answers it.
 *
 * Once the client has been answered, rejects with a {@linkcode WebSocketHandshakeError} if the
 * request was refused or did not come in time, or if the stream ended before it (there is no
 * `response` then); with what `onRequest` threw; with the reason of the signal; or with a
 * `TypeError` or `RangeError` if what `onRequest` returned is wrong. If the options are wrong or
 * the stream is locked, rejects with one of the latter before it reads anything.
 */
export async function acceptWebSocket<Data = unknown>(
  stream: ByteStream,
  options: AcceptOptions<Data> = {},
): Promise<WebSocketConnection<Data>> {
  const { remoteAddress } = options;
  return await acceptTransport(() => new StreamTransport(stream, remoteAddress), options);
}
