/**
 * WebSocket on Bun: behind `Bun.serve`, over plain TCP or TLS, and as a client.
 *
 * ```ts ignore
 * import { upgradeWebSocket, websocket } from "@gale/websocket/bun";
 *
 * Bun.serve({
 *   port: 8000,
 *   fetch(request, server) {
 *     const { response, connection } = upgradeWebSocket(request, { server });
 *     connection?.forEach((message) => connection.send(message));
 *     return response; // the upgrade, or a refusal that says why
 *   },
 *   websocket,
 * });
 * ```
 *
 * With {@linkcode serveTcp} in place of `Bun.serve`, this library's own codec reads and writes the
 * frames:
 *
 * ```ts
 * import { serveTcp, upgradeWebSocket } from "@gale/websocket/bun";
 *
 * function serve(): void {
 *   serveTcp({ port: 8000 }, (request) => {
 *     const { response, connection } = upgradeWebSocket(request, { compression: true });
 *     connection?.forEach((message) => connection.send(message));
 *     return response;
 *   });
 * }
 * ```
 *
 * For more than an echo there is `WebSocketRouter` of `@gale/websocket`, with functions and handler
 * classes: it closes a connection whose function throws, and serves the same on every host.
 *
 * @module
 */

import type { RequestHandler } from "../server/http_exchange.ts";
import { resolveListenOptions, type ServeTcpOptions } from "../server/serve_options.ts";
import { LazyTcpServer, type TcpServer } from "../server/tcp_server.ts";
import type { UpgradeResult } from "../server/upgrade.ts";
import { upgradeRaw } from "../server/upgrade_registry.ts";
import { BunHostListener } from "./bun_host_listener.ts";
import { type BunUpgradeOptions, upgradeBunRequest } from "./bun_upgrade.ts";

export { connectWebSocket } from "./bun_connect.ts";
export { createWebSocketHandlers, websocket } from "./bun_handlers.ts";
export type { OtherWebSocketHandlers, WebSocketHandlersOptions } from "./bun_handlers.ts";
export type { BunWebSocketData } from "./bun_host_socket.ts";
export type { BunServer, BunServerWebSocket, BunWebSocketHandlers } from "./bun_types.ts";
export { type BunUpgradeOptions, guardUpgrades } from "./bun_upgrade.ts";
export { CloseCode } from "../close_code.ts";
export {
  WebSocketClosedError,
  WebSocketHandshakeError,
  WebSocketProtocolError,
} from "../errors.ts";
export type { ListenAddress, ServeTcpOptions } from "../server/serve_options.ts";
export type { TcpServer } from "../server/tcp_server.ts";
export type * from "./client_types.ts";
export type * from "./server_types.ts";

/**
 * Upgrades a request to a WebSocket: checks it by RFC 6455 section 4.2 and the options, and makes
 * the response to return, with the connection. A refused request has a response that says why, and
 * no connection.
 *
 * A request of {@linkcode serveTcp} is upgraded once the response is returned; if that takes longer
 * than 30 seconds, the connection ends with 1006.
 *
 * A request of `Bun.serve` needs the option `server`, and that server must have this module's
 * {@linkcode websocket}, or one of {@linkcode createWebSocketHandlers}. The upgrade is done when
 * this function returns. Bun does not look at what the application returns after that, so headers
 * for the 101 must be given as an option. An async `fetch` that rejects after the upgrade ends the
 * process: {@linkcode guardUpgrades} prevents that.
 *
 * What differs on `Bun.serve`:
 *
 * - `close` sends the Close frame once the peer has taken all that was sent, but does not wait for
 *   the peer's: the connection ends at once, its `closed` with the code and reason given to
 *   `close`, and what the peer sent meanwhile is dropped.
 * - The peer's Close is answered before the application hears of it.
 * - A message sent in fragments leaves as a whole.
 * - Of `compression`, `level` is ignored. A `serverMaxWindowBits` below 15 together with
 *   `serverNoContextTakeover` is more than Bun can do: messages are sent uncompressed.
 * - `maxFragments` is ignored; Bun has no such limit. `maxMessageSize` is at most that of the
 *   `websocket` object, which is its default.
 * - `setNoDelay` fails, and a request of HTTP/1.0 is not distinguished from one of HTTP/1.1.
 * - A peer that has gone before the upgrade gives a connection that has ended, with 1006.
 *
 * @throws {TypeError} if an option is wrong; if the request is not from `serveTcp`, and `server` is
 * missing, has no `websocket` object, or has one that is not ours, which then has the client's
 * socket; or if the request has been upgraded or answered already, or is not the object that the
 * server passed on.
 * @throws {RangeError} if an option is out of its range, or `maxMessageSize` exceeds that of the
 * `websocket` object.
 */
export function upgradeWebSocket<Data = unknown>(
  request: Request,
  options: BunUpgradeOptions<Data> = {},
): UpgradeResult<Data> {
  const result = upgradeRaw(request, options);
  if (result !== undefined) return result;
  if (options.server === undefined) {
    throw new TypeError(
      "Cannot upgrade the request: it is not the one that serveTcp of this module passed on, and " +
        "for one of Bun.serve the option `server` is missing",
    );
  }
  return upgradeBunRequest(request, options.server, options);
}

/**
 * Serves HTTP/1.1 and WebSocket over TCP, TLS or a Unix socket, with this library's own handshake
 * and codec. Each connection carries one request.
 *
 * It listens when it returns. The code that answers is loaded by the first call; clients that
 * connect before it is there wait. If it cannot be loaded, `onError` is told, and the server ends.
 *
 * If it cannot listen, Bun's error is thrown. So is what `onListen` throws, and the reason of a
 * `signal` that is aborted already: nothing listens then.
 *
 * @throws {TypeError} if an option is wrong, or `handler` is not a function.
 * @throws {RangeError} if an option is out of its range.
 */
export function serveTcp(options: ServeTcpOptions, handler: RequestHandler): TcpServer {
  const target = resolveListenOptions(options);
  return new LazyTcpServer(handler, options, { listen: () => new BunHostListener(target) });
}
