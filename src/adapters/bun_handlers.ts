/** The `websocket` object of `Bun.serve`. */

import { requireInteger } from "../arguments.ts";
import { DEFAULTS } from "../connection/options.ts";
import { BACKPRESSURE_LIMIT, BunSocket, type BunSocketData } from "./bun_socket.ts";
import type { BunWebSocketHandlers } from "./bun_types.ts";

/** What holds for all WebSockets of one server. */
export interface WebSocketHandlersOptions {
  /**
   * The largest message that a connection of the server may accept, in bytes, after decompression; a
   * larger one ends the connection with 1009. A `maxMessageSize` of {@linkcode upgradeWebSocket} may be
   * smaller.
   * @default 10485760 (10 MiB)
   */
  readonly maxMessageSize?: number;
}

/** The largest limit that Bun knows. */
const MAX_MESSAGE_SIZE = 2 ** 32 - 1;

/**
 * Makes a `websocket` object for `Bun.serve`, in place of {@linkcode websocket}, where messages may be
 * larger than 10 MiB.
 *
 * Bun's own timeout and pings are off: each connection has its own, by the options of its upgrade.
 * Compression costs nothing where an upgrade does not agree to it.
 *
 * @throws {RangeError} if `maxMessageSize` is not an integer from 0 to 4294967295.
 */
export function createWebSocketHandlers(
  options: WebSocketHandlersOptions = {},
): BunWebSocketHandlers<BunSocketData> {
  const { maxMessageSize = DEFAULTS.maxMessageSize } = options;
  requireInteger("maxMessageSize", maxMessageSize, { to: MAX_MESSAGE_SIZE });
  const handlers: BunWebSocketHandlers<BunSocket> = {
    maxPayloadLength: maxMessageSize,
    backpressureLimit: BACKPRESSURE_LIMIT,
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: { compress: "dedicated", decompress: "dedicated" },
    open(socket) {
      if (!(socket.data instanceof BunSocket)) {
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
      if (data instanceof BunSocket) data.onClose(code, reason);
    },
  };
  return handlers;
}

/**
 * What `Bun.serve` needs as `websocket` for {@linkcode upgradeWebSocket}. One object may serve several
 * servers. {@linkcode createWebSocketHandlers} makes one for larger messages.
 */
export const websocket: BunWebSocketHandlers<BunSocketData> = createWebSocketHandlers();
