/** The `websocket` object of `Bun.serve`. */

import { requireInteger, requireOptionalFunction } from "../arguments.ts";
import { DEFAULTS } from "../connection/options.ts";
import { BACKPRESSURE_LIMIT, BunHostSocket, type BunWebSocketData } from "./bun_host_socket.ts";
import type { BunServerWebSocket, BunWebSocketHandlers } from "./bun_types.ts";

/** What holds for all WebSockets of one server. */
export interface WebSocketHandlersOptions {
  /**
   * The largest message that a connection of the server may accept, in bytes, after decompression;
   * a larger one ends the connection with 1009. A `maxMessageSize` of {@linkcode upgradeWebSocket}
   * may be smaller.
   * @default 10485760 (10 MiB)
   */
  readonly maxMessageSize?: number | undefined;
  /**
   * The application's own `websocket` object, as it was before: it goes on serving the sockets that
   * the application upgrades by `server.upgrade`, while routes move over to
   * {@linkcode upgradeWebSocket} one by one. Only its callbacks are used. Its settings are not,
   * since all sockets of a server of Bun's share them: ours apply. Those sockets take messages of
   * `maxMessageSize`, are compressed where the client offers it, are never dropped for being silent
   * (`idleTimeout` is 0) and are not pinged. Bun drops what they send once 1 MiB is queued;
   * `publishToSelf` and `closeOnBackpressureLimit` are off.
   */
  readonly others?: OtherWebSocketHandlers | undefined;
}

/**
 * The callbacks of a `websocket` object of an application's own; its types are the application's.
 */
export interface OtherWebSocketHandlers {
  /** A socket is open. */
  open?(socket: never): unknown;
  /** A message arrived. */
  message?(socket: never, message: never): unknown;
  /** A ping arrived, and was answered. */
  ping?(socket: never, payload: never): unknown;
  /** A pong arrived. */
  pong?(socket: never, payload: never): unknown;
  /** Some of what is queued was written. */
  drain?(socket: never): unknown;
  /** A socket is closed. */
  close?(socket: never, code: number, reason: string): unknown;
}

/** The largest limit that Bun knows. */
const MAX_MESSAGE_SIZE = 2 ** 32 - 1;

/**
 * Makes a `websocket` object for `Bun.serve`, in place of {@linkcode websocket}, where messages may
 * be larger than 10 MiB, or where the application has WebSockets of its own besides.
 *
 * Bun's own timeout and pings are off: each connection has its own, by the options of its upgrade.
 * Compression costs nothing where an upgrade does not agree to it.
 *
 * @template Own The type of the `data` that the application's own sockets have.
 *
 * @throws {RangeError} if `maxMessageSize` is not an integer from 0 to 4294967295.
 * @throws {TypeError} if a callback of `others` is not a function.
 *
 * @example
 * ```ts ignore
 * Bun.serve({
 *   fetch(request, server) {
 *     if (request.url.endsWith("/feed")) return upgradeWebSocket(request, { server }).response;
 *     if (server.upgrade(request, { data: "chat" })) return; // not moved over yet
 *     return new Response("a page");
 *   },
 *   websocket: createWebSocketHandlers<string>({ others: chat }),
 * });
 * ```
 */
export function createWebSocketHandlers<Own = never>(
  options: WebSocketHandlersOptions = {},
): BunWebSocketHandlers<BunWebSocketData | Own> {
  const { maxMessageSize = DEFAULTS.maxMessageSize, others } = options;
  requireInteger("maxMessageSize", maxMessageSize, { to: MAX_MESSAGE_SIZE });
  const handlers: BunWebSocketHandlers<BunHostSocket> = {
    maxPayloadLength: maxMessageSize,
    backpressureLimit: BACKPRESSURE_LIMIT,
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: { compress: "dedicated", decompress: "dedicated" },
    open(socket) {
      if (!(socket.data instanceof BunHostSocket)) {
        // Bun closes the socket then.
        throw new TypeError(
          "Cannot serve the WebSocket: upgradeWebSocket has not upgraded its request",
        );
      }
      socket.data.onOpen(socket, maxMessageSize);
    },
    message: ({ data }, message) => data.onMessage(message),
    ping: ({ data }, payload) => data.onPing(payload),
    pong: ({ data }, payload) => data.onPong(payload),
    drain: ({ data }) => data.onDrain(),
    close({ data }, code, reason) {
      if (data instanceof BunHostSocket) data.onClose(code, reason);
    },
  };
  return others === undefined ? handlers : withOthers(handlers, others);
}

/** The callbacks of either object. */
type AnyHandlers = Partial<BunWebSocketHandlers<BunHostSocket>>;

const CALLBACKS = ["open", "message", "ping", "pong", "drain", "close"] as const;

/** Leaves the sockets that are not ours to another object. Without one, there is no detour. */
function withOthers(
  ours: BunWebSocketHandlers<BunHostSocket>,
  others: OtherWebSocketHandlers,
): BunWebSocketHandlers<BunHostSocket> {
  for (const name of CALLBACKS) requireOptionalFunction(`others.${name}`, others[name]);
  const handlersOf = ({ data }: BunServerWebSocket<unknown>): AnyHandlers =>
    data instanceof BunHostSocket ? ours : others as AnyHandlers;
  // What they return may be a promise, and Bun must know of its rejection.
  return {
    ...ours,
    open: (socket) => handlersOf(socket).open?.(socket),
    message: (socket, message) => handlersOf(socket).message?.(socket, message),
    ping: (socket, payload) => handlersOf(socket).ping?.(socket, payload),
    pong: (socket, payload) => handlersOf(socket).pong?.(socket, payload),
    drain: (socket) => handlersOf(socket).drain?.(socket),
    close: (socket, code, reason) => handlersOf(socket).close?.(socket, code, reason),
  };
}

/**
 * What `Bun.serve` needs as `websocket` for {@linkcode upgradeWebSocket}. One object may serve
 * several servers. {@linkcode createWebSocketHandlers} makes one for larger messages.
 */
export const websocket: BunWebSocketHandlers<BunWebSocketData> = createWebSocketHandlers();
