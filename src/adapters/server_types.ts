/**
 * The types that every entry point with a server has, so that none has to be imported from
 * elsewhere.
 */

export type {
  ForEachOptions,
  ReceiveOptions,
  SendOptions,
  WebSocketConnection,
  WebSocketConnectionOptions,
} from "../connection/connection.ts";
export type { HeadLimits } from "../handshake/http1.ts";
export type { HandshakeOptions } from "../handshake/server.ts";
export type { PeerInfo, RequestHandler } from "../server/http_exchange.ts";
export type { ServeOptions, ServerRefusal } from "../server/serve_options.ts";
export type { Upgrade, UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
export type * from "../types.ts";
