/** The client on Deno. */

import { connectBy, type ConnectOptions } from "../client.ts";
import type { WebSocketConnection } from "../connection/connection.ts";
import { dial } from "./deno_dial.ts";

/**
 * Opens a WebSocket to a server, as `connectWebSocket` of the main entry point does, over Deno's
 * sockets unless `options` give another `dial`.
 */
export async function connectWebSocket(
  url: string | URL | Request,
  options: ConnectOptions = {},
): Promise<WebSocketConnection> {
  return await connectBy(options.dial ?? dial, url, options);
}
