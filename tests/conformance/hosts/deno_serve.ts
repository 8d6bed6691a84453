/** The application on `Deno.serve`. */

import { upgradeWebSocket } from "@gale/websocket/deno";
import { handle } from "../app.ts";
import { closeAll } from "../reports.ts";
import { collectGarbage } from "./garbage.ts";
import { announce } from "./lifetime.ts";

const server = Deno.serve(
  {
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  },
  (request, info) => handle(request, upgradeWebSocket, { host: { info }, collectGarbage }),
);
announce(server.addr.port, async () => {
  await closeAll();
  await server.shutdown();
});
