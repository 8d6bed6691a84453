/** The client on Bun. */

import type { ConnectOptions } from "../client.ts";
import type { WebSocketConnection } from "../connection/connection.ts";

/**
 * Opens a WebSocket to a server, as `connectWebSocket` of the main entry point does, over Bun's
 * sockets unless `options` give another `dial`.
 */
export async function connectWebSocket<Data = unknown>(
  url: string | URL | Request,
  options: ConnectOptions<Data> = {},
): Promise<WebSocketConnection<Data>> {
  const [{ connectBy }, { dial }] = await Promise.all([
    import("../client.ts"),
    import("./bun_dial.ts"),
  ]);
  return await connectBy(options.dial ?? dial, url, options);
}
