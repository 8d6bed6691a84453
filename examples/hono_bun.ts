/**
 * WebSockets in a Hono application on Bun: `bun run examples/hono_bun.ts`. What Hono offers, above
 * all middleware, does its work before the upgrade.
 */

import { Hono } from "hono";
import { logger } from "hono/logger";
import { type Message, WebSocketHandler, WebSocketRouter } from "@gale/websocket";
import {
  type BunUpgradeOptions,
  guardUpgrades,
  upgradeWebSocket,
  websocket,
} from "@gale/websocket/bun";

class Greeter extends WebSocketHandler {
  override open(name: string) {
    return this.writeMessage({ hello: name, from: this.connection.remoteAddress?.hostname });
  }
  override onMessage(message: Message) {
    return this.writeMessage(message);
  }
}

const router = new WebSocketRouter([["/greet/:name", Greeter]]);

/** Bun gives Hono its server as the environment, and that makes the upgrade. */
interface App {
  Bindings: NonNullable<BunUpgradeOptions["server"]>;
}

const app: Hono<App> = new Hono<App>();

app.use(logger());

app.get("/", (context) => context.text("Connect to /echo, or to /greet/:name.\n"));

// One route, one function.
app.get("/echo", (context) => {
  const { response, connection } = upgradeWebSocket(context.req.raw, { server: context.env });
  // It rejects if a client vanishes, which is nobody's mistake: nothing is reported.
  void connection?.forEach((message) => connection.send(message));
  return response;
});

// A router of handlers; what is no WebSocket of its own goes on to Hono's next route.
app.use(async (context, next) => {
  const response = await router.handle(context.req.raw, upgradeWebSocket, { server: context.env });
  return response ?? await next();
});

// An application that rejects after an upgrade would end the process on Bun.
const server: { fetch: typeof app.fetch; websocket: typeof websocket } = {
  fetch: guardUpgrades(app.fetch),
  websocket,
};
export default server;
