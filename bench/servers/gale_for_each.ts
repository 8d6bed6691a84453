/** An echo over this library, by a function that each connection calls. */
import { connectionOptions, serve, upgradeWebSocket } from "./gale_hosts.ts";

serve((request, host) => {
  const { response, connection } = upgradeWebSocket(request, { ...connectionOptions, ...host });
  // The load generator drops its connections, which is no error here.
  connection?.forEach((message) => connection.send(message)).catch(() => {});
  return response;
});
