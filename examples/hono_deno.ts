/**
 * WebSockets in a Hono application on Deno: `deno serve -A examples/hono_deno.ts`. What Hono
 * offers, above all middleware, does its work before the upgrade.
 */

import { Hono } from "hono";
import { logger } from "hono/logger";
import { type Message, WebSocketHandler, WebSocketRouter } from "@gale/websocket";
import { guardUpgrades, upgradeWebSocket } from "@gale/websocket/deno";

class Greeter extends WebSocketHandler {
  override open(name: string) {
    return this.writeMessage({ hello: name, from: this.connection.remoteAddress?.hostname });
  }
  override onMessage(message: Message) {
    return this.writeMessage(message);
  }
}

const router = new WebSocketRouter([["/greet/:name", Greeter]]);

/** Deno gives Hono the address of the client as its environment. */
const app = new Hono<{ Bindings: Deno.ServeHandlerInfo }>();

app.use(logger());

app.get("/", (context) => context.text("Connect to /echo, or to /greet/:name.\n"));

// One route, one function.
app.get("/echo", (context) => {
  const { response, connection } = upgradeWebSocket(context.req.raw, { info: context.env });
  // It rejects if a client vanishes, which is nobody's mistake: nothing is reported.
  void connection?.forEach((message) => connection.send(message));
  return response;
});

// A router of handlers; what is no WebSocket of its own goes on to Hono's next route.
app.use(async (context, next) => {
  const response = await router.handle(context.req.raw, upgradeWebSocket, { info: context.env });
  return response ?? await next();
});

// Middleware that fails after an upgrade would stop a server of `Deno.serve`.
const server: Deno.ServeDefaultExport = { fetch: guardUpgrades(app.fetch) };
export default server;
