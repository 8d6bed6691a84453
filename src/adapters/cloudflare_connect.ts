/** The client on Workers. */

import type { ConnectOptions } from "../client.ts";
import type { WebSocketConnection } from "../connection/connection.ts";

/**
 * Opens a WebSocket to a server, as `connectWebSocket` of the main entry point does, over a
 * Worker's TCP sockets unless `options` give another `dial`: with headers, pings, compression and
 * the response of a server that refuses, all of which a Worker's own `WebSocket` lacks.
 *
 * `caCerts`, `cert` and `key`, `unixPath` and `noDelay: false` cannot be had on Workers: the
 * promise rejects with a {@linkcode WebSocketHandshakeError} that says so. The connection belongs
 * to the request during which it was opened, and ends with it.
 */
export async function connectWebSocket<Data = unknown>(
  url: string | URL | Request,
  options: ConnectOptions<Data> = {},
): Promise<WebSocketConnection<Data>> {
  const [{ connectBy }, { dial }] = await Promise.all([
    import("../client.ts"),
    import("./cloudflare_dial.ts"),
  ]);
  return await connectBy(options.dial ?? dial, url, options);
}
