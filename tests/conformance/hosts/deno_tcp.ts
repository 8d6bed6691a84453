/** The application on TCP by Deno, with the project's own codec. */

import { serveTcp, upgradeWebSocket } from "@gale/websocket/deno";
import { handle } from "../app.ts";
import { collectGarbage } from "./garbage.ts";
import { announce } from "./lifetime.ts";

const server = serveTcp(
  { port: 0, hostname: "127.0.0.1", onError: () => {} },
  (request) => handle(request, upgradeWebSocket, { collectGarbage }),
);
announce(server.addr.port, () => server.shutdown());
