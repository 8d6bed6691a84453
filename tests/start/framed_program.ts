/**
 * Serves an echo over the server of the runtime, by the entry point that it is given, and tells what
 * comes of it; then of `serveTcp`, and of a byte stream.
 */

import process from "node:process";
import type { WebSocketConnection } from "@gale/websocket";
import type * as ForBun from "@gale/websocket/bun";
import type * as ForDeno from "@gale/websocket/deno";

const entryPoint = process.argv[2]!;

interface BunGlobal {
  serve(options: {
    readonly port: number;
    readonly websocket: typeof ForBun.websocket;
    fetch(request: Request, server: ForBun.BunServer<ForBun.BunWebSocketData>): Response;
  }): { readonly port: number };
}

/** Whether it was asked for, which makes Deno load its timers of Node.js. */
let wantsImmediate = false;
const { setImmediate } = globalThis;
Object.defineProperty(globalThis, "setImmediate", {
  get() {
    wantsImmediate = true;
    return setImmediate;
  },
});

let served: WebSocketConnection | undefined;

function echo(connection: WebSocketConnection | undefined): void {
  served = connection;
  void (async () => {
    for await (const message of connection!) await connection!.send(message);
  })();
}

/** Serves, and gives the port. */
async function serve(): Promise<number> {
  if ("Bun" in globalThis) {
    const { upgradeWebSocket, websocket }: typeof ForBun = await import(entryPoint);
    return (globalThis as unknown as { Bun: BunGlobal }).Bun.serve({
      port: 0,
      websocket,
      fetch(request, server) {
        const { response, connection } = upgradeWebSocket(request, { server });
        echo(connection);
        return response;
      },
    }).port;
  }
  const { upgradeWebSocket }: typeof ForDeno = await import(entryPoint);
  return Deno.serve({ port: 0, onListen() {} }, (request) => {
    const { response, connection } = upgradeWebSocket(request);
    echo(connection);
    return response;
  }).addr.port;
}

const socket = new WebSocket(`ws://127.0.0.1:${await serve()}/`);
socket.onopen = () => socket.send("hello");
const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
console.log("echoed:", data);
console.log("wants setImmediate:", wantsImmediate);

const { serveTcp }: typeof ForDeno = await import(entryPoint);
const server = serveTcp({
  port: 0,
  onError: (error) => console.log("serveTcp:", (error as Error).message),
}, () => new Response());
await server.finished;

const Connection = served!.constructor as typeof WebSocketConnection;
try {
  new Connection(new TransformStream(), { role: "server" });
} catch (error) {
  console.log("byte stream:", (error as Error).message);
}
process.exit(0);
