import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { WebSocketHandler } from "../src/handler.ts";
import { WebSocketRouter, type WebSocketRouterOptions } from "../src/router.ts";
import type { Message } from "../src/types.ts";
import { test } from "./harness.ts";
import { captureConsole, MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

test("WebSocketRouter refuses a pattern that is none", () => {
  assertThrows(() => new WebSocketRouter([["/:", () => {}]]), TypeError);
});

test("WebSocketRouter refuses routes that could serve nothing", async () => {
  class Stray {
    onMessage(): void {}
  }
  const wrong: [routes: unknown, message: string][] = [
    [{ "/a": () => {} }, "routes must be an array, not an object"],
    ["/a", "routes must be an array"],
    [undefined, "routes must be an array"],
    [[["a", () => {}]], 'pattern "a" matches no path'],
    [[[":a", () => {}]], 'pattern ":a" matches no path'],
    [[["/a", Stray]], "handler must extend WebSocketHandler, and class Stray does not"],
    [[["/a", {}]], "handler must be a function"],
  ];
  for (const [routes, message] of wrong) {
    assertThrows(() => new WebSocketRouter(routes as []), TypeError, message);
  }
  const patterns = [
    "/a",
    "*",
    "(.*)",
    "{/a}?",
    ":path(.*)",
    "\\/a",
    /\/a/,
    new URLPattern({ pathname: "/a" }),
  ];
  new WebSocketRouter(patterns.map((pattern) => [pattern, function (): void {}]));
  const router = new WebSocketRouter([]);
  const handle = router.handle as (request: Request) => Promise<unknown>;
  await assertRejects(
    () => handle.call(router, upgradeRequest("/a")),
    TypeError,
    "upgrade must be",
  );
});

test("WebSocketRouter matches no path that Host brings along, and calls no handler for it", async () => {
  let prepared = 0;
  class Admin extends WebSocketHandler {
    override prepare(): Response {
      prepared++;
      return new Response("secret");
    }
    override onMessage(): void {}
  }
  const router = new WebSocketRouter([["/admin/:name", Admin]]);
  const host = "example.com/admin/secret?";
  const { headers } = upgradeRequest("/", { host });
  const requests = [
    { url: `http://${host}/public`, method: "GET", headers } as Request,
    {
      url: "/admin/secret",
      method: "GET",
      headers: new Headers({ upgrade: "websocket" }),
    } as Request,
  ];
  for (const request of requests) {
    const response = await router.handle(request, new MemoryUpgrade().upgrade);
    assertEquals([response?.status, prepared], [400, 0]);
  }
});

test("WebSocketRouter serves by the first route that matches", async () => {
  const called: string[] = [];
  const router = new WebSocketRouter([
    ["/b", () => void called.push("b")],
    ["/:any", () => void called.push("any")],
    ["/a", () => void called.push("a")],
  ]);
  for (const path of ["/a", "/b"]) {
    const upgrade = new MemoryUpgrade();
    await router.handle(upgradeRequest(path), upgrade.upgrade);
    await upgrade.client.close();
  }
  assertEquals(called, ["any", "b"]);
});

test("WebSocketRouter leaves plain HTTP and unknown paths to its caller", async () => {
  let called = 0;
  const router = new WebSocketRouter([["/ws", () => void called++]]);
  const upgrade = new MemoryUpgrade();
  const plain = [
    new Request("http://example.com/ws"),
    new Request("http://example.com/ws", { headers: { upgrade: "h2c" } }),
    new Request("http://example.com/ws", { method: "POST", body: "a" }),
    upgradeRequest("/other"),
  ];
  for (const request of plain) {
    assertEquals(await router.handle(request, upgrade.upgrade), undefined);
    assert(!request.bodyUsed);
  }
  assertEquals([called, upgrade.options], [0, []]);
});

test("WebSocketRouter gives the refusal of a request that is at fault", async () => {
  let called = 0;
  class Never extends WebSocketHandler {
    override open(): void {
      called++;
    }
    override onMessage(): void {}
  }
  const router = new WebSocketRouter([["/function", () => void called++], ["/class", Never]]);
  for (const path of ["/function", "/class"]) {
    const cases: [headers: Record<string, string>, status: number][] = [
      [{ "sec-websocket-version": "8" }, 426],
      [{ "sec-websocket-key": "short" }, 400],
      [{ "origin": "https://evil.example" }, 403],
    ];
    for (const [headers, status] of cases) {
      const upgrade = new MemoryUpgrade();
      const response = await router.handle(upgradeRequest(path, headers), upgrade.upgrade);
      assertEquals(response?.status, status);
    }
  }
  assertEquals(called, 0);
});

test("WebSocketRouter makes a handler for each connection, with the route's third element", async () => {
  const seen: unknown[] = [];
  class Greeter extends WebSocketHandler {
    readonly #greeting: string;
    constructor({ greeting }: { readonly greeting: string }) {
      super();
      this.#greeting = greeting;
      seen.push(this);
    }
    override open(name: string): Promise<void> {
      return this.writeMessage(`${this.#greeting}, ${name}`);
    }
    override onMessage(_message: Message): void {}
  }
  const router = new WebSocketRouter([
    ["/en/:name", Greeter, { greeting: "Hello" }],
    ["/de/:name", Greeter, { greeting: "Hallo" }],
  ]);
  const upgrade = new MemoryUpgrade();
  for (const path of ["/en/Ada", "/de/Bob"]) {
    await router.handle(upgradeRequest(path), upgrade.upgrade);
  }
  const [ada, bob] = upgrade.clients;
  assertEquals([await ada!.receive(), await bob!.receive()], ["Hello, Ada", "Hallo, Bob"]);
  assertEquals(new Set(seen).size, 2);
  await Promise.all([ada!.close(), bob!.close()]);
});

test("WebSocketRouter gives a function the connection, the request and the groups", async () => {
  const request = upgradeRequest("/echo/a?b=c");
  const router = new WebSocketRouter([["/echo/:prefix", async (connection, given, prefix) => {
    assert(given === request);
    for await (const message of connection) await connection.send(`${prefix}: ${message}`);
  }]]);
  const upgrade = new MemoryUpgrade();
  await router.handle(request, upgrade.upgrade);
  await upgrade.client.send("b");
  assertEquals(await upgrade.client.receive(), "a: b");
  await upgrade.client.close();
});

test("WebSocketRouter passes its options on, and keeps its own", async () => {
  const upgrade = new MemoryUpgrade();
  const options: WebSocketRouterOptions = { maxMessageSize: 5, onError: () => {} };
  const router = new WebSocketRouter([["/", async (connection) => {
    await connection.closed;
  }]], options);
  await router.handle(upgradeRequest(), upgrade.upgrade);
  assertEquals(upgrade.options, [{ maxMessageSize: 5 }]);
  await upgrade.client.send("123456");
  assertEquals((await upgrade.client.closed).code, 1009);
});

test("WebSocketRouter.handle takes undefined for not given, as the host's options do", async () => {
  class Silent extends WebSocketHandler {
    override onMessage(): void {}
  }
  const limits = { maxMessageSize: 5, allowedHosts: ["example.org"] };
  const router = new WebSocketRouter([["/function", () => {}], ["/class", Silent]], limits);
  for (const path of ["/function", "/class"]) {
    const upgrade = new MemoryUpgrade();
    const unsaid = { maxMessageSize: undefined, allowedHosts: undefined, compression: undefined };
    const guarded = await router.handle(upgradeRequest(path), upgrade.upgrade, unsaid);
    assertEquals(guarded?.status, 403, path);
    await router.handle(upgradeRequest(path), upgrade.upgrade, {
      ...unsaid,
      allowedHosts: ["example.com"],
    });
    assertEquals(upgrade.options[1]!.maxMessageSize, 5, path);
    await upgrade.client.close();
  }
});

test("WebSocketRouter closes with 1011 when a function throws, and tells onError", async () => {
  const expected = new Error("expected");
  const functions: (() => unknown)[] = [
    () => {
      throw expected;
    },
    () => Promise.reject(expected),
  ];
  for (const failing of functions) {
    const errors: unknown[] = [];
    const router = new WebSocketRouter([["/", failing]], {
      onError: (error) => void errors.push(error),
    });
    const upgrade = new MemoryUpgrade();
    await router.handle(upgradeRequest(), upgrade.upgrade);
    assertEquals((await upgrade.client.closed).code, 1011);
    assertEquals(errors, [expected]);
  }
});

test("WebSocketRouter.onError is the console by default, and may itself fail", async () => {
  const expected = new Error("expected");
  const another = new Error("of onError");
  const cases: [options: WebSocketRouterOptions, lines: unknown[]][] = [
    [{}, [expected]],
    [{
      onError: () => {
        throw another;
      },
    }, [another]],
    [{ onError: () => Promise.reject(another) }, [another]],
  ];
  for (const [options, expectedLines] of cases) {
    const lines = await captureConsole(async () => {
      const router = new WebSocketRouter([["/", () => Promise.reject(expected)]], options);
      const upgrade = new MemoryUpgrade();
      await router.handle(upgradeRequest(), upgrade.upgrade);
      await upgrade.client.closed;
    });
    assertEquals(lines, expectedLines);
  }
});

test("WebSocketRouter does not report that a client has vanished from a function", async () => {
  const errors: unknown[] = [];
  const ended = Promise.withResolvers<void>();
  const router = new WebSocketRouter([["/", async (connection) => {
    try {
      for await (const message of connection) await connection.send(message);
    } finally {
      ended.resolve();
    }
  }]], { onError: (error) => void errors.push(error) });
  const upgrade = new MemoryUpgrade();
  await router.handle(upgradeRequest(), upgrade.upgrade);
  upgrade.client.abort();
  await ended.promise;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(errors, []);
});
