/** `Bun.serve` for tests of what is built on it. */

import type { BunWebSocketData } from "../../src/adapters/bun_host_socket.ts";
import type { BunServer } from "../../src/adapters/bun_types.ts";

/** The server that `fetch` is passed. */
export type TestServer = BunServer<BunWebSocketData>;

/** What is served, and how. */
export interface ServeOptions {
  fetch(request: Request, server: TestServer): Response | Promise<Response>;
  readonly websocket?: unknown;
  /** Instead of a port. */
  readonly unix?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

interface BunServe {
  serve(options: object): { readonly port: number; stop(closeActive: boolean): Promise<void> };
}

/** Serves on 127.0.0.1 while `run` runs; an error of `fetch` becomes a 500 with its message. */
export async function serving(
  options: ServeOptions,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const { Bun } = globalThis as unknown as { readonly Bun: BunServe };
  const where = options.unix === undefined ? { hostname: "127.0.0.1", port: 0 } : {};
  const server = Bun.serve({
    ...where,
    ...options,
    error: (error: Error) => new Response(`${error.name}: ${error.message}`, { status: 500 }),
  });
  try {
    await run(server.port);
  } finally {
    await server.stop(true);
  }
}
