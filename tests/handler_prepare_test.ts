/** What a handler knows before there is a connection, and what it is given for one request alone. */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { WebSocketHandler } from "../src/handler.ts";
import { WebSocketRouter } from "../src/router.ts";
import type { CompressionOptions, ConnectionOptions } from "../src/types.ts";
import { test } from "./harness.ts";
import { MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

interface User {
  readonly name: string;
}

/** A handler that only listens. */
class Silent<Data = unknown> extends WebSocketHandler<Data> {
  override onMessage(): void {}
}

test("WebSocketHandler.prepare is called with the groups of the route, as open is", async () => {
  const calls: unknown[] = [];
  class Room extends Silent {
    override prepare(room: string, seat?: string): Response | void {
      calls.push(["prepare", room, seat]);
      if (room === "secret") return new Response("not for you", { status: 403 });
    }
    override open(room: string, seat?: string): void {
      calls.push(["open", room, seat]);
    }
  }
  const router = new WebSocketRouter([["/rooms/:room/:seat?", Room]]);
  const upgrade = new MemoryUpgrade();
  await router.handle(upgradeRequest("/rooms/tea%20room/3"), upgrade.upgrade);
  const refusal = await router.handle(upgradeRequest("/rooms/secret"), upgrade.upgrade);
  assertEquals(refusal?.status, 403);
  assertEquals(calls, [
    ["prepare", "tea room", "3"],
    ["open", "tea room", "3"],
    ["prepare", "secret", undefined],
  ]);
  await upgrade.client.close();
});

test("WebSocketHandler.data is there from prepare on, of the request or else of the router", async () => {
  const seen: string[] = [];
  class Member extends Silent<User> {
    constructor() {
      super();
      assertStrictEquals(this.data, undefined);
    }
    override prepare(): void {
      seen.push(this.data.name);
    }
    override checkOrigin(): boolean {
      seen.push(this.data.name);
      return true;
    }
    override open(): void {
      seen.push(this.data.name, this.connection.data.name);
    }
    override onClose(): void {
      seen.push(this.data.name);
    }
  }
  const router = new WebSocketRouter([["/", Member]], { data: { name: "anybody" } });
  for (const [given, name] of [[{}, "anybody"], [{ data: { name: "ann" } }, "ann"]] as const) {
    const upgrade = new MemoryUpgrade();
    const request = upgradeRequest("/", { origin: "https://a.example" });
    await router.handle(request, upgrade.upgrade, given);
    await upgrade.client.close();
    await upgrade.servers[0]!.closed;
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(seen.splice(0), Array(5).fill(name));
  }
});

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
