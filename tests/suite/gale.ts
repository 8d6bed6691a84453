/**
 * This library's own endpoints as the suite tests them, on the runtime that runs this file: a server
 * on raw TCP that echoes by a handler, and a client that echoes by iteration.
 */

import type { ConnectOptions } from "../../src/client.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketHandler } from "../../src/handler.ts";
import { WebSocketRouter } from "../../src/router.ts";
import type { TcpServer } from "../../src/server/tcp_server.ts";
import type { RequestHandler } from "../../src/server/http_exchange.ts";
import type { ServeTcpOptions } from "../../src/server/serve_options.ts";
import type { Upgrade } from "../../src/server/upgrade.ts";
import type { Message } from "../../src/types.ts";
import { runtime } from "../harness.ts";

/** What a host's entry point has. */
interface Host {
  serveTcp(options: ServeTcpOptions, handler: RequestHandler): TcpServer;
  readonly upgradeWebSocket: Upgrade;
  connectWebSocket(url: string, options: ConnectOptions): Promise<WebSocketConnection>;
}

/** A server that runs. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
}

/** All is compressed where that is agreed on, and the largest messages of the suite pass. */
const OPTIONS = { compression: { threshold: 0 }, maxMessageSize: 32 * 1024 * 1024 } as const;

async function loadHost(): Promise<Host> {
  return runtime === "deno"
    ? await import("../../src/adapters/deno.ts")
    : await import("../../src/adapters/bun.ts");
}

class Echo extends WebSocketHandler {
  override onMessage(message: Message) {
    return this.writeMessage(message);
  }
}

/** Serves an echo on a free port; with a certificate, by TLS. */
export async function serveEcho(
  certificate: Pick<ServeTcpOptions, "cert" | "key"> = {},
): Promise<RunningServer> {
  const { serveTcp, upgradeWebSocket } = await loadHost();
  const router = new WebSocketRouter([["/", Echo]], OPTIONS);
  const server = serveTcp({ port: 0, hostname: "127.0.0.1", ...certificate }, async (request) => {
    return await router.handle(request, upgradeWebSocket) ?? new Response(null, { status: 404 });
  });
  const { port } = server.addr as { readonly port: number };
  return { port, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Connects, echoes until the end, and resolves; rejects where it does not connect or is failed. */
export async function connectEcho(url: string): Promise<void> {
  const { connectWebSocket } = await loadHost();
  const connection = await connectWebSocket(url, OPTIONS);
  for await (const message of connection) await connection.send(message);
}
