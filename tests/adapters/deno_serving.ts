/** Servers of `Deno.serve` for tests, and clients of theirs. */

import { connect } from "node:net";
import { type DenoUpgradeOptions, upgradeWebSocket } from "../../src/adapters/deno.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { RawClient, UPGRADE } from "./raw_client.ts";

/** A server that is ended at the end of a test, whatever its connections do. */
export interface ServeFixture extends AsyncDisposable {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly port: number;
  /** What `onError` was told. */
  readonly errors: unknown[];
  /** A client that says nothing yet. */
  open(): RawClient;
  /** The status of a page, which tells that the server lives. */
  fetchStatus(): Promise<number>;
}

/** The path of a page that is no WebSocket. */
const PAGE = "/page";

/** Serves a page, and everything else by `handler`. */
export function serve(handler: Deno.ServeHandler<Deno.NetAddr>): ServeFixture {
  const errors: unknown[] = [];
  const controller = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: controller.signal,
    onListen: () => {},
    onError(error) {
      errors.push(error);
      return new Response("failed", { status: 500 });
    },
  }, (request, info) => request.url.endsWith(PAGE) ? new Response("page") : handler(request, info));
  let finished = false;
  void server.finished.then(() => finished = true);
  const { port } = server.addr;
  return {
    server,
    port,
    errors,
    open: () => new RawClient(connect(port, "127.0.0.1")),
    async fetchStatus() {
      const response = await fetch(`http://127.0.0.1:${port}${PAGE}`);
      await response.body?.cancel();
      return response.status;
    },
    async [Symbol.asyncDispose]() {
      // Deno fails to abort a server that has shut down.
      if (!finished) controller.abort();
      await server.finished;
    },
  };
}

/** Connects a raw client to a server that has only that one, and gives both ends. */
export async function connectRaw(
  options: DenoUpgradeOptions = {},
): Promise<
  ServeFixture & { readonly client: RawClient; readonly connection: WebSocketConnection }
> {
  const accepted = Promise.withResolvers<WebSocketConnection>();
  const fixture = serve((request, info) => {
    const { response, connection } = upgradeWebSocket(request, { info, ...options });
    if (connection !== undefined) accepted.resolve(connection);
    return response;
  });
  const client = fixture.open();
  client.send(UPGRADE);
  await client.receive("\r\n\r\n");
  return { ...fixture, client, connection: await accepted.promise };
}
