/** This library's own TCP server, under the runtime that runs it. */
import type { Upgrade } from "../../src/server/upgrade.ts";
import { announce, HOSTNAME } from "./serving.ts";

const adapter = "Bun" in globalThis
  ? await import("../../src/adapters/bun.ts")
  : await import("../../src/adapters/deno.ts");

/** `upgradeWebSocket` of the runtime. */
export const upgradeWebSocket: Upgrade = adapter.upgradeWebSocket;

/** Serves with `serveTcp` of the runtime. */
export function serve(handler: (request: Request) => Response | Promise<Response>): void {
  const server = adapter.serveTcp({ hostname: HOSTNAME, port: 0 }, handler);
  announce(server.addr.port);
}
