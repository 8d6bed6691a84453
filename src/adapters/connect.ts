/** The client on whichever host runs it. */

import type { ConnectOptions } from "../client.ts";
import type { WebSocketConnection } from "../connection/connection.ts";
import type { Dial } from "../connection/dial.ts";

/**
 * Opens a WebSocket to a server: dials, makes the opening handshake (RFC 6455 section 4.1) and
 * resolves once the connection is open. A `Request` gives its URL, its headers and its signal, if
 * `options` have none; its method must be GET. The URL is one of `ws:`, `wss:`, `http:` or
 * `https:`, without a fragment; a user in it goes as Basic credentials.
 *
 * Rejects
 * - with a `TypeError` or `RangeError` for a URL or an option that is invalid, before anything is
 *   dialled, and if the host is none of Deno, Bun and Workers and `dial` is not given;
 * - with the signal's reason once the signal is aborted;
 * - with a {@linkcode WebSocketHandshakeError} if the server cannot be reached (the host's error is
 *   the `cause`), if it takes longer than `connectTimeout` (a `DOMException` named `TimeoutError`
 *   is the `cause`), if it answers with another status than 101 (the `response` has the status, the
 *   headers, and the body up to `maxErrorBodySize`), if its answer is malformed or a 101 that does
 *   not fit the request (there is no `response`), and if `onResponse` throws or rejects (its error
 *   is the `cause`).
 *
 * Nothing stays open then, except for an attempt that the host cannot take back: on Bun and Workers
 * any, on Deno one by a client certificate or to a Unix socket. It is released when it ends. On Deno, `--allow-net` is needed.
 *
 * RFC 6455 section 4.1 has clients connect to an address once at a time, for the sake of servers
 * that a page could flood with attempts. Here the application is trusted: attempts are not queued.
 *
 * @example
 * ```ts
 * import { connectWebSocket } from "@gale/websocket";
 *
 * async function ask(url: string, question: string) {
 *   await using connection = await connectWebSocket(url, { connectTimeout: 5_000 });
 *   await connection.send(question);
 *   return await connection.receive();
 * }
 * ```
 */
export async function connectWebSocket<Data = unknown>(
  url: string | URL | Request,
  options: ConnectOptions<Data> = {},
): Promise<WebSocketConnection<Data>> {
  const { connectBy } = await import("../client.ts");
  return await connectBy(options.dial ?? hostDial(), url, options);
}

/** The dial of the host that runs this, loaded when it is needed. */
function hostDial(): Dial {
  if ("WebSocketPair" in globalThis) {
    return async (target, signal) => (await import("./cloudflare_dial.ts")).dial(target, signal);
  }
  if ("Deno" in globalThis) {
    return async (target, signal) => (await import("./deno_dial.ts")).dial(target, signal);
  }
  if ("Bun" in globalThis) {
    return async (target, signal) => (await import("./bun_dial.ts")).dial(target, signal);
  }
  throw new TypeError("Cannot connect: this host has no dial of its own, so give the option dial");
}
