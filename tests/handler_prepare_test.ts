/** What a handler is given for one request alone. */

import { assert, assertEquals } from "@std/assert";
import { WebSocketHandler } from "../src/handler.ts";
import { WebSocketRouter } from "../src/router.ts";
import type { CompressionOptions, ConnectionOptions } from "../src/types.ts";
import { test } from "./harness.ts";
import { MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

/** A handler that only listens. */
class Silent extends WebSocketHandler {
  override onMessage(): void {}
}

test("WebSocketHandler.checkOrigin heeds what is given for the request (RFC 6455 10.2)", async () => {
  class Strict extends Silent {
    override checkOrigin(origin: string): boolean {
      return super.checkOrigin(origin);
    }
  }
  const router = new WebSocketRouter([["/", Strict]], { allowedOrigins: ["https://a.example"] });
  const cases: [origin: string, given: string[] | undefined, status: number][] = [
    ["https://a.example", undefined, 200],
    ["https://b.example", undefined, 403],
    ["https://a.example", ["https://b.example"], 403],
    ["https://b.example", ["https://b.example"], 200],
  ];
  for (const [origin, allowedOrigins, status] of cases) {
    const upgrade = new MemoryUpgrade();
    const request = upgradeRequest("/", { origin });
    const response = await router.handle(request, upgrade.upgrade, { allowedOrigins });
    assertEquals(response?.status, status, `${origin} ${allowedOrigins}`);
    await upgrade.clients[0]?.close();
  }
});

test("What WebSocketRouter.handle is given goes before what a handler decides", async () => {
  class Decided extends Silent {
    override getConnectionOptions(): ConnectionOptions {
      return { maxMessageSize: 1, maxFragments: 2 };
    }
    override getCompressionOptions(): boolean | CompressionOptions {
      return true;
    }
    override selectSubprotocol(): string {
      return "never";
    }
  }
  const router = new WebSocketRouter([["/", Decided]], { maxQueuedAmount: 4 });
  const upgrade = new MemoryUpgrade();
  await router.handle(
    upgradeRequest("/", { "sec-websocket-protocol": "a, b" }),
    upgrade.upgrade,
    { maxMessageSize: 7, compression: false, selectSubprotocol: () => "b" },
  );
  const { maxMessageSize, maxFragments, maxQueuedAmount, compression } = upgrade.options[0]!;
  assertEquals([maxMessageSize, maxFragments, maxQueuedAmount, compression], [7, 2, 4, false]);
  assertEquals(upgrade.client.protocol, "b");
  await upgrade.client.close();
});

test("WebSocketHandler.responseHeaders go out beside the headers given for the request", async () => {
  class Cookies extends Silent {
    override prepare(): void {
      this.responseHeaders.append("set-cookie", "a=1");
    }
  }
  const router = new WebSocketRouter([["/", Cookies]], { headers: { "x-node": "1" } });
  for (const [headers, node] of [[undefined, "1"], [{ "x-node": "2" }, "2"]] as const) {
    const upgrade = new MemoryUpgrade();
    const response = await router.handle(upgradeRequest(), upgrade.upgrade, { headers });
    assertEquals(response?.headers.get("x-node"), node);
    assertEquals(response?.headers.getSetCookie(), ["a=1"]);
    await upgrade.client.close();
  }
});

test("WebSocketHandler does not keep what was given for the handshake", async () => {
  const handlers: WebSocketHandler[] = [];
  class Kept extends Silent {
    constructor() {
      super();
      handlers.push(this);
    }
  }
  const router = new WebSocketRouter([["/", Kept]]);
  const upgrade = new MemoryUpgrade();
  await router.handle(upgradeRequest(), upgrade.upgrade, { allowedOrigins: "*" });
  assert(!handlers[0]!.checkOrigin("https://a.example"));
  await upgrade.client.close();
});
