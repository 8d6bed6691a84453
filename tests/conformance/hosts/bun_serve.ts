/** The application on `Bun.serve`. */

import {
  type BunServer,
  type BunWebSocketData,
  type BunWebSocketHandlers,
  createWebSocketHandlers,
  upgradeWebSocket,
} from "@gale/websocket/bun";
import { handle } from "../app.ts";
import { closeAll } from "../reports.ts";
import { collectGarbage } from "./garbage.ts";
import { announce } from "./lifetime.ts";

/** The part of Bun that is used here. */
interface BunServe {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: BunServer<BunWebSocketData>): Promise<Response>;
    error(): Response;
    readonly websocket: BunWebSocketHandlers<BunWebSocketData>;
  }): { readonly port: number; stop(): Promise<void> };
}

const { Bun: bun } = globalThis as unknown as { readonly Bun: BunServe };

const server = bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) =>
    handle(request, upgradeWebSocket, { host: { server }, collectGarbage }),
  error: () => new Response(null, { status: 500 }),
  websocket: createWebSocketHandlers({ maxMessageSize: 1 << 24 }),
});
announce(server.port, async () => {
  await closeAll();
  await server.stop();
});
