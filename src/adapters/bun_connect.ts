/** The client on Bun. */

import { connectBy, type ConnectOptions } from "../client.ts";
import type { WebSocketConnection } from "../connection/connection.ts";
import { dial } from "./bun_dial.ts";

/**
 * Opens a WebSocket to a server, as `connectWebSocket` of the main entry point does, over Bun's
 * sockets unless `options` give another `dial`.
 */
export async function connectWebSocket(
  url: string | URL | Request,
  options: ConnectOptions = {},
): Promise<WebSocketConnection> {
  return await connectBy(options.dial ?? dial, url, options);
}
