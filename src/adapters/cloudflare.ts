/**
 * WebSocket on Cloudflare Workers.
 *
 * ```ts
 * import { upgradeWebSocket } from "@gale/websocket/cloudflare";
 *
 * // Of a Worker that ends with `export default { fetch: serve }`.
 * function serve(request: Request): Response {
 *   const { response, connection } = upgradeWebSocket(request);
 *   connection?.forEach((message) => connection.send(message));
 *   return response; // the upgrade, or a refusal that says why
 * }
 * ```
 *
 * `upgradeWebSocket` works in a Worker's `fetch` and in a Durable Object's. A Worker may use a
 * connection only while it serves the request that opened it, so connections that send to each
 * other, such as those of a chat, belong in one Durable Object: `examples/cloudflare.ts` shows
 * both. There a connection keeps its object in memory; the hibernation of WebSockets
 * (`state.acceptWebSocket`), which takes them out of a program's hands, is not for this library's
 * connections.
 *
 * The runtime frames what `fetch` upgrades. It sends no pings, though it answers the peer's; it
 * does not stop reading for a slow application, so that more than `maxQueuedAmount` closes the
 * connection; it answers invalid frames by itself; and the TCP connection of a peer that does not
 * answer a Close stays until the peer goes. `capabilities` tells what there is.
 * {@linkcode acceptWebSocket} and {@linkcode connectWebSocket} have none of these limits: they run
 * this library's own codec over TCP.
 *
 * The compatibility date must be 2022-10-31 or later, since the URL standard is needed.
 *
 * @module
 */

import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import { upgradeRaw } from "../server/upgrade_registry.ts";
import { upgradeOnWorkers } from "./cloudflare_upgrade.ts";

export {
  type AcceptSocketOptions,
  acceptWebSocket,
  serveSocket,
  type ServeSocketOptions,
} from "./cloudflare_accept.ts";
export { connectWebSocket } from "./cloudflare_connect.ts";
export type { WorkersSocket, WorkersSocketInfo } from "./cloudflare_types.ts";
export { CloseCode } from "../close_code.ts";
export {
  WebSocketClosedError,
  WebSocketHandshakeError,
  WebSocketProtocolError,
} from "../errors.ts";
export type { AcceptOptions, ServeStreamOptions, StreamOptions } from "../server/accept.ts";
export type * from "./client_types.ts";
export type * from "./server_types.ts";

/**
 * Upgrades a request to a WebSocket: checks it by RFC 6455 section 4.2 and the options, and makes
 * the response to return, with the connection that opens once it has been returned; if that takes
 * longer than 30 seconds, the connection ends with 1006. A request that another Worker makes
 * through a binding has nothing of the handshake except `Upgrade: websocket`, and is not asked for
 * the rest.
 *
 * `pingInterval` and `pingTimeout` have no effect, since a Worker cannot send pings; so a router
 * with these options serves on Workers as well. Only `idleTimeout`, which counts messages, finds
 * out that a client has gone without a word; clients that have nothing to say for longer than that
 * should send a message now and then. `compression` is negotiated as asked for, and off otherwise,
 * but its `level` and `threshold` are the runtime's. `remoteAddress` is what the runtime knows of
 * the client; on Cloudflare's network, that is the address without the port, which is 0.
 *
 * What `checkOrigin` and `selectSubprotocol` throw is thrown as well.
 *
 * @throws {TypeError} if the request has been upgraded already, if an option is wrong,
 * or if the host is not Workers.
 * @throws {RangeError} if an option is out of its range.
 */
export function upgradeWebSocket<Data = unknown>(
  request: Request,
  options: UpgradeOptions<Data> = {},
): UpgradeResult<Data> {
  return upgradeRaw(request, options) ?? upgradeOnWorkers(request, options);
}
