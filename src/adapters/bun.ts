/**
 * WebSocket on Bun.
 *
 * ```ts
 * import { serveTcp, upgradeWebSocket } from "@gale/websocket/bun";
 *
 * function serve(): void {
 *   serveTcp({ port: 8000 }, (request) => {
 *     const { response, connection } = upgradeWebSocket(request);
 *     connection?.send("Welcome");
 *     return response;
 *   });
 * }
 * ```
 *
 * @module
 */

import { type Acceptor, ByteServer, type Listener, type TcpServer } from "../server/byte_server.ts";
import type { RequestHandler } from "../server/http_exchange.ts";
import { upgradeRaw } from "../server/raw_upgrade.ts";
import { checkListenOptions, type ServeTcpOptions } from "../server/serve_options.ts";
import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import { BunTransport } from "./bun_transport.ts";
import { type BunListener, bunSocketApi, type BunSocketOptions } from "./bun_types.ts";

export { connectWebSocket } from "./bun_connect.ts";
export type { ConnectOptions } from "../client.ts";
export type { Dial, DialTarget } from "../connection/dial.ts";
export type { ByteTransport, TransportSink } from "../connection/transport.ts";
export type {
  ReceiveOptions,
  SendOptions,
  WebSocketConnection,
  WebSocketConnectionOptions,
} from "../connection/connection.ts";
export type { ClientHandshakeOptions } from "../handshake/client.ts";
export type { HeadLimits } from "../handshake/http1.ts";
export type { HandshakeOptions } from "../handshake/server.ts";
export type { PeerInfo, RequestHandler } from "../server/http_exchange.ts";
export type { ListenAddress, ServeOptions, ServeTcpOptions } from "../server/serve_options.ts";
export type { TcpServer } from "../server/byte_server.ts";
export type { Upgrade, UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
export type * from "../types.ts";

/** `http/1.1` behind its length (RFC 7301 section 3.1). */
const ALPN_PROTOCOLS = "\x08http/1.1";

/**
 * Upgrades a request to a WebSocket: checks it by RFC 6455 section 4.2 and the options, and makes the
 * response to return, with the connection that opens once it has been returned.
 *
 * Throws a `TypeError` when the request is not one that {@linkcode serveTcp} passed to its function,
 * has been upgraded or answered already, or when an option is wrong.
 */
export function upgradeWebSocket<Data = undefined>(
  request: Request,
  options?: UpgradeOptions<Data>,
): UpgradeResult<Data> {
  const result = upgradeRaw(request, options);
  if (result === undefined) {
    throw new TypeError(
      "Cannot upgrade the request: it is not the one that serveTcp of this module passed on",
    );
  }
  return result;
}

/**
 * Serves HTTP/1.1 and WebSocket over TCP, TLS or a Unix socket, with this library's own handshake and
 * codec. Each connection carries one request.
 *
 * Throws a `TypeError` or `RangeError` where the options are wrong, and Bun's error where it cannot
 * listen.
 */
export function serveTcp(options: ServeTcpOptions, handler: RequestHandler): TcpServer {
  checkListenOptions(options);
  return new ByteServer(handler, options, (acceptor) => listen(options, acceptor));
}

function listen(options: ServeTcpOptions, acceptor: Acceptor): Listener {
  const { port = 8000, hostname = "0.0.0.0", path, cert, key, noDelay = true } = options;
  const init: BunSocketOptions<BunTransport> = {
    allowHalfOpen: true,
    socket: BunTransport.handlers((transport) => {
      if (noDelay && transport.supportsNoDelay) transport.setNoDelay(true);
      acceptor.accept(transport);
    }),
  };
  if (path !== undefined) {
    const listener = bunSocketApi().listen({ ...init, unix: path });
    return hold(listener, { transport: "unix", hostname: path, port: 0 });
  }
  const tls = cert === undefined || key === undefined
    ? {}
    : { tls: { cert, key, ALPNProtocols: ALPN_PROTOCOLS } };
  const listener = bunSocketApi().listen({ ...init, ...tls, port, hostname });
  return hold(listener, { transport: "tcp", hostname: listener.hostname, port: listener.port });
}

function hold(listener: BunListener, address: Listener["address"]): Listener {
  return {
    address,
    close: () => listener.stop(),
    ref: () => (listener as BunListener & { ref(): void }).ref(),
    unref: () => listener.unref(),
  };
}
