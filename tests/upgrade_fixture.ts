/** Requests for a WebSocket, and the upgrade of them in memory, for what is built on `Upgrade`. */

import { negotiateUpgrade } from "../src/handshake/server.ts";
import type { Upgrade, UpgradeOptions } from "../src/server/upgrade.ts";
import { createPair, type WebSocketConnection } from "../src/testing.ts";

/** A request for a WebSocket, as a client in order makes it. */
export function upgradeRequest(
  path = "/",
  headers: Readonly<Record<string, string>> = {},
): Request {
  return new Request(new URL(path, "http://example.com"), {
    headers: {
      "host": "example.com",
      "upgrade": "websocket",
      "connection": "Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    },
  });
}

/** An upgrade to connections in memory. */
export class MemoryUpgrade {
  /** The clients' ends, in the order of the upgrades. */
  readonly clients: WebSocketConnection[] = [];
  /** The servers' ends of these. */
  readonly servers: WebSocketConnection[] = [];
  /** The options that it was called with. */
  readonly options: UpgradeOptions[] = [];

  /** The last client's end. */
  get client(): WebSocketConnection {
    return this.clients.at(-1)!;
  }

  /** Stands for the host's `upgradeWebSocket`. */
  readonly upgrade: Upgrade = (request, options = {}) => {
    this.options.push(options);
    const agreement = negotiateUpgrade(request, options);
    if (agreement instanceof Response) {
      return { response: agreement, connection: undefined, request };
    }
    const { headers, protocol } = agreement;
    const compression = agreement.compression !== undefined && (options.compression ?? false);
    const { client, server } = createPair({ server: options, protocol, compression });
    this.clients.push(client);
    this.servers.push(server);
    return { response: new Response(null, { headers }), connection: server, request };
  };
}

/** What `console.error` is called with while `body` runs. */
export async function captureConsole(body: () => Promise<void>): Promise<unknown[]> {
  const original = console.error;
  const lines: unknown[] = [];
  console.error = (...args: unknown[]) => void lines.push(...args);
  try {
    await body();
  } finally {
    console.error = original;
  }
  return lines;
}
