/**
 * WebSocket on Deno, behind `Deno.serve`:
 *
 * ```ts
 * import { upgradeWebSocket } from "@gale/websocket/deno";
 *
 * const server = Deno.serve({ port: 0 }, (request, info) => {
 *   const { response, connection } = upgradeWebSocket(request, { info });
 *   connection?.forEach((message) => connection.send(message));
 *   return response; // the upgrade, or a refusal that says why
 * });
 * await server.shutdown();
 * ```
 *
 * or over TCP, with this library's own codec, which can do more and checks more:
 *
 * ```ts
 * import { serveTcp, upgradeWebSocket } from "@gale/websocket/deno";
 *
 * const server = serveTcp({ port: 0 }, (request) => {
 *   const { response, connection } = upgradeWebSocket(request, { compression: true });
 *   connection?.forEach((message) => connection.send(message));
 *   return response;
 * });
 * await server.shutdown();
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
import { DenoHostListener } from "./deno_host_listener.ts";
import { type DenoUpgradeOptions, upgradeOnDeno } from "./deno_upgrade.ts";

export { connectWebSocket } from "./deno_connect.ts";
export { type DenoUpgradeOptions, guardUpgrades } from "./deno_upgrade.ts";
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
 * the response to return, with the connection that opens once it has been returned.
 *
 * The response has 30 seconds to be returned, after which the connection ends with 1006. No message
 * arrives before that, so do not wait for one before you return.
 *
 * The request is one of {@linkcode serveTcp}, or of `Deno.serve`, itself and not a copy. For the
 * latter, Deno's own WebSocket is below the connection. It shows no pings and compresses nothing
 * (`capabilities` tells). Besides:
 *
 * - `pingInterval` and `pingTimeout` are added up for Deno's `idleTimeout`, which pings after half
 *   of it and gives the peer up after the other half. If one of them is 0, there are no pings.
 * - Deno reads on while the application is busy: more than `maxQueuedAmount` closes with 1013. It
 *   also reads a message whole before `maxMessageSize` is looked at.
 * - After `close()`, a message in place of the peer's Close makes Deno drop the connection: 1006.
 * - `abort()` sends a Close frame with 1001, since Deno cannot drop a socket. The socket of a peer
 *   that never answers the Close stays open until the peer sends anything, or leaves.
 * - Deno itself reads the frames: it accepts unmasked ones, and answers a violation by dropping the
 *   connection.
 * - `shutdown()` of `Deno.serve` closes all connections with 1001 and does not wait for the answer;
 *   they see 1005. To end them otherwise, close them first. It waits forever if a client left
 *   between its request and the upgrade; end the process after a while then.
 *
 * Deno upgrades when the response is first awaited, copied or returned: a function that throws
 * before, or returns another response, does no harm, and the connection ends with 1006. If it does
 * so *after* that, for example by throwing when it has awaited the response, Deno stops the whole
 * server: {@linkcode guardUpgrades} prevents that.
 *
 * What `checkOrigin` and `selectSubprotocol` throw is thrown as well.
 *
 * @throws {TypeError} if the request is not of either server, or has been upgraded or answered
 * already, or if an option is wrong.
 * @throws {RangeError} if an option is out of its range.
 */
export function upgradeWebSocket<Data = unknown>(
  request: Request,
  options?: DenoUpgradeOptions<Data>,
): UpgradeResult<Data> {
  return upgradeRaw(request, options) ?? upgradeOnDeno(request, options);
}

/**
 * Serves HTTP/1.1 and WebSocket over TCP, TLS or a Unix socket, with this library's own handshake
 * and codec. Each connection carries one request. Needs `--allow-net`, or `--allow-read` and
 * `--allow-write` for a Unix socket.
 *
 * It listens when it returns. The code that answers is loaded by the first call; clients that
 * connect before it is there wait. If it cannot be loaded, `onError` is told, and the server ends.
 *
 * Over TLS, Deno keeps the socket of a peer that stands still in its handshake, or does not read,
 * until the peer leaves, even after this library has given it up: on the open Internet, let a proxy
 * do the TLS.
 *
 * If it cannot listen, Deno's error is thrown. So is what `onListen` throws, and the reason of a
 * `signal` that is aborted already: nothing listens then.
 *
 * @throws {TypeError} if an option is wrong, or `handler` is not a function.
 * @throws {RangeError} if an option is out of its range.
 */
export function serveTcp(options: ServeTcpOptions, handler: RequestHandler): TcpServer {
  const target = resolveListenOptions(options);
  return new LazyTcpServer(handler, options, { listen: () => new DenoHostListener(target) });
}
