/** An echo over this library's own TCP server, in a loop over each connection. */
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { serve, upgradeWebSocket } from "./gale_tcp.ts";

async function echo(connection: WebSocketConnection): Promise<void> {
  for await (const message of connection) await connection.send(message);
}

serve((request) => {
  const { response, connection } = upgradeWebSocket(request);
  // The load generator drops its connections, which is no error here.
  if (connection !== undefined) echo(connection).catch(() => {});
  return response;
});
