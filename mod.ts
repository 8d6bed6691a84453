/**
 * WebSocket for Deno, Bun and the edge: one connection, one handler and one client, the same on
 * every host. It imports nothing but the platform.
 *
 * Servers come from the entry point of the host: `@gale/websocket/deno`, `@gale/websocket/bun`,
 * `@gale/websocket/cloudflare`, or `@gale/websocket/tcp` for any byte stream.
 *
 * ```ts
 * import { connectWebSocket } from "@gale/websocket";
 *
 * async function follow(url: string): Promise<void> {
 *   await using connection = await connectWebSocket(url, { compression: true });
 *   await connection.send({ subscribe: "news" });
 *   for await (const message of connection) console.log(message);
 * }
 * ```
 *
 * @module
 */

export { connectWebSocket } from "./src/adapters/connect.ts";
export type { ConnectOptions } from "./src/client.ts";
export { CloseCode } from "./src/close_code.ts";
export type {
  ForEachOptions,
  ReceiveOptions,
  SendOptions,
  WebSocketConnectionOptions,
} from "./src/connection/connection.ts";
export type { Dial, DialOptions, DialTarget } from "./src/connection/dial.ts";
export { WebSocketConnection } from "./src/connection/stream_link.ts";
export type { ByteTransport, TransportSink } from "./src/connection/transport.ts";
export type { Engine } from "./src/engine.ts";
export {
  WebSocketClosedError,
  type WebSocketClosedErrorInit,
  WebSocketHandshakeError,
  type WebSocketHandshakeErrorInit,
  WebSocketProtocolError,
} from "./src/errors.ts";
export { WebSocketHandler } from "./src/handler.ts";
export type { ClientHandshakeOptions } from "./src/handshake/client.ts";
export type { HeadLimits } from "./src/handshake/http1.ts";
export type { HandshakeOptions } from "./src/handshake/server.ts";
export {
  type WebSocketFunction,
  type WebSocketHandlerClass,
  type WebSocketRoute,
  WebSocketRouter,
  type WebSocketRouterOptions,
} from "./src/router.ts";
export type { Upgrade, UpgradeOptions, UpgradeResult } from "./src/server/upgrade.ts";
export type {
  ByteStream,
  Capabilities,
  Clock,
  CloseInfo,
  CompressionOptions,
  ConnectionOptions,
  ConnectionStats,
  JsonObject,
  JsonValue,
  Message,
  RemoteAddress,
  Sendable,
} from "./src/types.ts";
