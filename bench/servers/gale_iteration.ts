/** An echo over this library, in a loop over each connection. */
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { connectionOptions, serve, upgradeWebSocket } from "./gale_hosts.ts";

async function echo(connection: WebSocketConnection): Promise<void> {
  for await (const message of connection) await connection.send(message);
}

serve((request, host) => {
  const { response, connection } = upgradeWebSocket(request, { ...connectionOptions, ...host });
  // The load generator drops its connections, which is no error here.
  if (connection !== undefined) echo(connection).catch(() => {});
  return response;
});
