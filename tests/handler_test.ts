import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { WebSocketClosedError, WebSocketProtocolError } from "../src/errors.ts";
import { runHandler, WebSocketHandler } from "../src/handler.ts";
import type { UpgradeOptions } from "../src/server/upgrade.ts";
import { createPair, ManualClock } from "../src/testing.ts";
import type { CloseInfo, CompressionOptions, ConnectionOptions, Message } from "../src/types.ts";
import { test } from "./harness.ts";
import { captureConsole, MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

/** A handler that notes what is called, in order. */
class Recorder extends WebSocketHandler {
  readonly calls: string[] = [];
  readonly errors: unknown[] = [];
  readonly #over = Promise.withResolvers<void>();

  /** Resolves behind `onClose`. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  override open(): void | Promise<void> {
    this.calls.push("open");
  }

  override onMessage(message: Message): unknown {
    this.calls.push(`message ${message}`);
    return undefined;
  }

  override onClose(_info?: CloseInfo): void | Promise<void> {
    this.calls.push("close");
    this.#over.resolve();
  }

  override onError(error: unknown): void | Promise<void> {
    this.errors.push(error);
  }
}

type ErrorClass = new (...given: never[]) => Error;

interface Run extends MemoryUpgrade {
  readonly response: Response;
}

/** Runs a handler for a request. */
async function run(
  handler: WebSocketHandler,
  { request = upgradeRequest(), options = {} }: {
    readonly request?: Request;
    readonly options?: UpgradeOptions;
  } = {},
): Promise<Run> {
  const upgrade = new MemoryUpgrade();
  const response = await runHandler(handler, {
    request,
    upgrade: upgrade.upgrade,
    options,
    given: {},
    groups: [],
  });
  return Object.assign(upgrade, { response });
}

/** Lets all that needs no event from outside happen. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

// Before the connection --------------------------------------------------------------------------

test("WebSocketHandler.prepare may answer instead, now or later", async () => {
  for (const wait of [false, true]) {
    class Guarded extends Recorder {
      override prepare(): Response | Promise<Response> {
        const response = new Response("sign in", { status: 401 });
        return wait ? Promise.resolve(response) : response;
      }
    }
    const handler = new Guarded();
    const { response, options } = await run(handler);
    assertEquals([response.status, await response.text()], [401, "sign in"]);
    assertEquals([options, handler.calls], [[], []]);
  }
});

test("WebSocketHandler.prepare is awaited before the upgrade, and sees the request", async () => {
  class Slow extends Recorder {
    override async prepare(): Promise<void> {
      await settle();
      this.responseHeaders.set("x-path", new URL(this.request.url).pathname);
      this.calls.push("prepared");
    }
  }
  const handler = new Slow();
  const { response, client } = await run(handler, { request: upgradeRequest("/a") });
  assertEquals(response.headers.get("x-path"), "/a");
  assertEquals(handler.calls, ["prepared", "open"]);
  await client.close();
});

test("WebSocketHandler.responseHeaders go out beside the router's headers", async () => {
  class Cookies extends Recorder {
    override prepare(): void {
      this.responseHeaders.append("set-cookie", "a=1");
      this.responseHeaders.append("set-cookie", "b=2");
    }
  }
  const { response, client } = await run(new Cookies(), { options: { headers: { "x-a": "b" } } });
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assertEquals(response.headers.get("x-a"), "b");
  await client.close();
});

test("WebSocketHandler is not opened where the upgrade is refused", async () => {
  const handler = new Recorder();
  const request = upgradeRequest("/", { origin: "https://evil.example" });
  const { response, clients } = await run(handler, { request });
  assertEquals(response.status, 403);
  const text = await response.text();
  assertStringIncludes(text, "evil.example");
  assertStringIncludes(text, "example.com");
  assertEquals([clients, handler.calls], [[], []]);
});

test("WebSocketHandler answers 500 where it throws before the connection, and reports it", async () => {
  const error = new Error("expected");
  const fail = () => {
    throw error;
  };
  const cases: Record<string, Partial<WebSocketHandler>> = {
    prepare: { prepare: fail },
    "prepare, async": { prepare: () => Promise.reject(error) },
    checkOrigin: { checkOrigin: fail },
    selectSubprotocol: { selectSubprotocol: fail },
    getCompressionOptions: { getCompressionOptions: fail },
  };
  for (const [name, methods] of Object.entries(cases)) {
    const handler = Object.assign(new Recorder(), methods);
    const request = upgradeRequest("/", {
      "origin": "http://example.com",
      "sec-websocket-protocol": "a",
    });
    const { response } = await run(handler, { request });
    assertEquals(response.status, 500, name);
    assertEquals(await response.text(), "Internal Server Error\n", name);
    assertEquals([handler.errors, handler.calls], [[error], []], name);
  }
});

test("WebSocketHandler asks the router's own functions where a method is not overridden", async () => {
  const Wider = class extends Recorder {
    override checkOrigin(origin: string): boolean {
      return super.checkOrigin(origin) || origin === "https://partner.example";
    }
    override selectSubprotocol(offered: readonly string[]): string | undefined {
      return offered.includes("x") ? "x" : super.selectSubprotocol(offered);
    }
  };
  const checkOrigin = (origin: string): boolean => origin === "https://app.example";
  const cases: [options: UpgradeOptions, origin: string, offered: string, answer: string][] = [
    [{ checkOrigin }, "https://app.example", "b", "101 null"],
    [{ checkOrigin }, "https://partner.example", "x, b", "101 x"],
    [{ checkOrigin }, "http://example.com", "b", "403 null"],
    [{ checkOrigin, subprotocols: ["a", "b"] }, "https://app.example", "b", "101 b"],
    [{ checkOrigin, subprotocols: ["a", "b"] }, "https://app.example", "x, b", "101 x"],
    [{ selectSubprotocol: (offered) => offered[1] }, "http://example.com", "a, b", "101 b"],
  ];
  for (const [options, origin, offered, answer] of cases) {
    const request = upgradeRequest("/", { origin, "sec-websocket-protocol": offered });
    const handler = new Wider();
    const { response, clients } = await run(handler, { request, options });
    const found = `${response.status === 403 ? 403 : 101} ${handler.selectedSubprotocol ?? null}`;
    assertEquals(found, answer, `${origin} ${offered}`);
    await clients[0]?.close();
  }
});

test("WebSocketHandler.checkOrigin allows the same origin and the router's (RFC 6455 10.2)", async () => {
  const ownRule = class extends Recorder {
    override checkOrigin(origin: string): boolean {
      return super.checkOrigin(origin) || origin === "https://friend.example";
    }
  };
  const options = { allowedOrigins: ["https://listed.example"] };
  const cases: [handler: typeof Recorder, origin: string, allowed: boolean][] = [
    [Recorder, "http://example.com", true],
    [Recorder, "http://EXAMPLE.com:80", true],
    [Recorder, "https://listed.example", true],
    [Recorder, "https://friend.example", false],
    [Recorder, "null", false],
    [ownRule, "http://example.com", true],
    [ownRule, "https://listed.example", true],
    [ownRule, "https://friend.example", true],
    [ownRule, "https://evil.example", false],
    [ownRule, "null", false],
  ];
  for (const [handler, origin, allowed] of cases) {
    const request = upgradeRequest("/", { origin });
    const { response, clients } = await run(new handler(), { request, options });
    assertEquals(response.status === 403, !allowed, origin);
    await clients[0]?.close();
  }
});

test("WebSocketHandler.selectSubprotocol decides, and the router's list where it is not there", async () => {
  class Choosy extends Recorder {
    override selectSubprotocol(offered: readonly string[]): string | undefined {
      return offered.at(-1);
    }
  }
  const request = () => upgradeRequest("/", { "sec-websocket-protocol": "a, b, c" });
  const options = { subprotocols: ["b"] };
  const cases: [handler: WebSocketHandler, options: UpgradeOptions, selected?: string][] = [
    [new Choosy(), options, "c"],
    [new Recorder(), options, "b"],
    [new Recorder(), {}],
  ];
  for (const [handler, options, selected] of cases) {
    const { client } = await run(handler, { request: request(), options });
    assertEquals(handler.selectedSubprotocol, selected);
    assertEquals(client.protocol, selected ?? "");
    await client.close();
  }
});

test("WebSocketHandler.getCompressionOptions goes before the router's compression (RFC 7692)", async () => {
  class Chooser extends Recorder {
    readonly #choice: boolean | CompressionOptions | undefined;
    constructor(choice: boolean | CompressionOptions | undefined) {
      super();
      this.#choice = choice;
    }
    override getCompressionOptions(): boolean | CompressionOptions | undefined {
      return this.#choice;
    }
  }
  const header = { "sec-websocket-extensions": "permessage-deflate" };
  const cases: [handler: WebSocketHandler, router: boolean, compressed: boolean][] = [
    [new Recorder(), false, false],
    [new Recorder(), true, true],
    [new Chooser(true), false, true],
    [new Chooser({ level: 1 }), false, true],
    [new Chooser(false), true, false],
    [new Chooser(undefined), true, false],
  ];
  for (const [handler, compression, compressed] of cases) {
    const request = upgradeRequest("/", header);
    const { client } = await run(handler, { request, options: { compression } });
    assertEquals(handler.connection.extensions !== "", compressed);
    await client.close();
  }
});

test("WebSocketHandler has no request before it runs, and no connection before it is open", async () => {
  const handler = new Recorder();
  assertThrows(() => handler.request, Error, "handler is not running");
  assertThrows(() => handler.connection, Error, "handler has not been opened");
  assertEquals([handler.selectedSubprotocol, handler.closeCode, handler.closeReason], [
    undefined,
    undefined,
    undefined,
  ]);
  const { client } = await run(handler, { request: upgradeRequest("/here") });
  assertEquals(new URL(handler.request.url).pathname, "/here");
  await client.close();
});

test("WebSocketHandler.request is the request that came, where it was asked for until open", async () => {
  const request = upgradeRequest("/here");
  for (const asking of ["prepare", "checkOrigin", "open"] as const) {
    const handler = new Recorder();
    const original = handler[asking] as (...args: unknown[]) => unknown;
    let seen: Request | undefined;
    Object.assign(handler, {
      [asking](...args: unknown[]) {
        seen = handler.request;
        return original.apply(handler, args);
      },
    });
    const { client } = await run(handler, {
      request: asking === "checkOrigin"
        ? upgradeRequest("/here", { origin: new URL(request.url).origin })
        : request,
    });
    assert(asking === "checkOrigin" || seen === request, asking);
    assert(handler.request === seen, asking);
    await client.close();
  }
});

test("WebSocketHandler.request is a copy, and stays it, where it is asked for later", async () => {
  const request = upgradeRequest("/here?a=é", { cookie: "a=b; c=d", "x-name": "\xe9" });
  const handler = new Recorder();
  const { client } = await run(handler, { request });
  const copy = handler.request;
  assert(handler.request === copy && copy !== request);
  assertEquals([copy.url, copy.method], [request.url, "GET"]);
  assertEquals([...copy.headers], [...request.headers]);
  await client.close();
});

test("WebSocketHandler.request is kept where it tells more than a copy would, as on Workers", async () => {
  const request = Object.assign(upgradeRequest("/here"), { cf: { country: "CH" } });
  const handler = new Recorder();
  const { client } = await run(handler, { request });
  assert(handler.request === request);
  await client.close();
});

// Messages ---------------------------------------------------------------------------------------

test("WebSocketHandler.open holds messages back until it has resolved", async () => {
  const gate = Promise.withResolvers<void>();
  class Slow extends Recorder {
    override async open(): Promise<void> {
      this.calls.push("open");
      await this.writeMessage("welcome");
      await gate.promise;
      this.calls.push("opened");
    }
  }
  const handler = new Slow();
  const { client } = await run(handler);
  void client.send("a");
  void client.send("b");
  assertEquals(await client.receive(), "welcome");
  await settle();
  assertEquals(handler.calls, ["open"]);
  gate.resolve();
  await client.close();
  await handler.over;
  assertEquals(handler.calls, ["open", "opened", "message a", "message b", "close"]);
});

test("WebSocketHandler has its messages itself: forEach within open is a mistake that is told", async () => {
  class Greedy extends Recorder {
    override open(): Promise<void> {
      return this.connection.forEach((message) => this.calls.push(`mine ${message}`));
    }
  }
  const handler = new Greedy();
  const { client } = await run(handler);
  void client.send("a");
  await handler.over;
  assertEquals(handler.calls, ["close"]);
  assertEquals(handler.errors.map((error) => (error as Error).name), ["TypeError"]);
  assertEquals((await client.closed).code, 1011);
});

test("WebSocketHandler.open may still answer where the peer's Close is there already", async () => {
  const gate = Promise.withResolvers<void>();
  class Slow extends Recorder {
    override async open(): Promise<void> {
      await gate.promise;
      await this.writeMessage("welcome");
    }
    override onMessage(message: Message): Promise<void> {
      return this.writeMessage(message);
    }
  }
  const handler = new Slow();
  const { client } = await run(handler);
  void client.send("a");
  const closed = client.close(4000);
  await settle();
  gate.resolve();
  assertEquals([await client.receive(), await client.receive()], ["welcome", "a"]);
  assertEquals((await closed).code, 4000);
  await handler.over;
  assertEquals(handler.errors, []);
});

test("WebSocketHandler.onMessage is awaited before the next message", async () => {
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  class Slow extends Recorder {
    override async onMessage(message: Message): Promise<void> {
      this.calls.push(`begin ${message}`);
      await gates[Number(message)]!.promise;
      this.calls.push(`end ${message}`);
    }
  }
  const handler = new Slow();
  const { client } = await run(handler);
  for (const text of ["0", "1", "2"]) void client.send(text);
  // What comes last is ready first.
  for (const gate of gates.toReversed()) {
    gate.resolve();
    await settle();
  }
  await client.close();
  await handler.over;
  const begun = ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"];
  assertEquals(handler.calls, ["open", ...begun, "close"]);
});

test("WebSocketHandler sends and receives text, binary and JSON", async () => {
  class Echo extends Recorder {
    override onMessage(message: Message): Promise<void> {
      return this.writeMessage(message);
    }
  }
  const handler = new Echo();
  const { client } = await run(handler);
  for (const message of ["text", Uint8Array.of(1, 2)]) {
    await client.send(message);
    assertEquals(await client.receive(), message);
  }
  await handler.writeMessage({ a: [1] });
  assertEquals(await client.receive(), '{"a":[1]}');
  await handler.writeMessage("é", { binary: true });
  assertEquals(await client.receive(), Uint8Array.of(0xc3, 0xa9));
  await client.close();
});

test("WebSocketHandler.writeMessage compresses or not as it is told (RFC 7692)", async () => {
  const handler = new Recorder();
  const { client } = await run(handler, {
    request: upgradeRequest("/", { "sec-websocket-extensions": "permessage-deflate" }),
    options: { compression: true },
  });
  const text = "secret ".repeat(1_000);
  const sizes: number[] = [];
  for (const compress of [undefined, false, true]) {
    const { bytesReceived } = client.stats();
    await handler.writeMessage(text, { compress });
    assertEquals(await client.receive(), text);
    sizes.push(client.stats().bytesReceived - bytesReceived);
  }
  const [byDefault, plain, compressed] = sizes;
  assert(plain! > text.length && byDefault! < 1_000 && compressed! < 1_000, String(sizes));
  await client.close();
});

test("WebSocketHandler sees pings and pongs, and pings (RFC 6455 5.5.2, 5.5.3)", async () => {
  const decoder = new TextDecoder();
  class Watcher extends Recorder {
    override onPing(payload: Uint8Array): void {
      this.calls.push(`ping ${decoder.decode(payload)}`);
    }
    override onPong(payload: Uint8Array): void {
      this.calls.push(`pong ${decoder.decode(payload)}`);
    }
  }
  const handler = new Watcher();
  const { client } = await run(handler);
  await client.ping("a");
  assert(await handler.ping("b") >= 0);
  assertEquals(handler.calls, ["open", "ping a", "pong b"]);
  await client.close();
});

// The end ----------------------------------------------------------------------------------------

const expected = new Error("expected");

function fail(): never {
  throw expected;
}

interface End {
  /** What the handler does otherwise than `Recorder`. */
  readonly methods?: Partial<Record<keyof WebSocketHandler, (this: Recorder) => unknown>>;
  /** What the client does once the connection is open. */
  readonly client?: (client: MemoryUpgrade["client"], handler: Recorder) => unknown;
  /** Close code and reason as the handler sees them. */
  readonly seen: [code: number, reason: string];
  /** The close code as the client sees it. */
  readonly sent: number;
  readonly errors?: unknown[];
}

const ends: Readonly<Record<string, End>> = {
  "the client closes": {
    client: (client) => client.close(4000, "bye"),
    seen: [4000, "bye"],
    sent: 4000,
  },
  "the client closes with the code by default": {
    client: (client) => client.close(),
    seen: [1000, ""],
    sent: 1000,
  },
  "the client vanishes": { client: (client) => client.abort(), seen: [1006, ""], sent: 1006 },
  "the handler closes": {
    client: (_, handler) => handler.close(4001, "enough"),
    seen: [4001, "enough"],
    sent: 4001,
  },
  "the handler closes in open": {
    methods: {
      open() {
        void this.close(4002, "no");
      },
    },
    seen: [4002, "no"],
    sent: 4002,
  },
  "the handler closes in open, and waits for it": {
    methods: {
      open() {
        return this.close(4002, "no");
      },
    },
    client: (client) => void client.send("too late"),
    seen: [4002, "no"],
    sent: 4002,
  },
  "the handler aborts": {
    client: (_, handler) => handler.connection.abort(),
    seen: [1006, ""],
    sent: 1006,
  },
  "open throws": { methods: { open: fail }, seen: [1011, ""], sent: 1011, errors: [expected] },
  "open rejects": {
    methods: { open: () => Promise.reject(expected) },
    seen: [1011, ""],
    sent: 1011,
    errors: [expected],
  },
  "onMessage throws": {
    methods: { onMessage: fail },
    client: (client) => client.send("a"),
    seen: [1011, ""],
    sent: 1011,
    errors: [expected],
  },
  "onMessage rejects": {
    methods: { onMessage: () => Promise.reject(expected) },
    client: (client) => client.send("a"),
    seen: [1011, ""],
    sent: 1011,
    errors: [expected],
  },
  "onPing throws": {
    methods: { onPing: fail },
    client: (client) => void client.ping(),
    seen: [1011, ""],
    sent: 1011,
    errors: [expected],
  },
  "onPing rejects": {
    methods: { onPing: () => Promise.reject(expected) },
    client: (client) => void client.ping(),
    seen: [1011, ""],
    sent: 1011,
    errors: [expected],
  },
  "onPong throws": {
    methods: { onPong: fail },
    client: (_, handler) => void handler.ping(),
    seen: [1011, ""],
    sent: 1011,
    errors: [expected],
  },
};

for (const [name, end] of Object.entries(ends)) {
  test(`WebSocketHandler.onClose comes once and last: ${name}`, async () => {
    const handler = new Recorder();
    const overridden = Object.entries(end.methods ?? {}).map(([method, body]) => [
      method,
      function (this: Recorder) {
        return body.call(this);
      },
    ]);
    Object.assign(handler, Object.fromEntries(overridden));
    const { client } = await run(handler);
    await end.client?.(client, handler);
    await handler.over;
    assertEquals([handler.closeCode, handler.closeReason], end.seen);
    assertEquals((await client.closed).code, end.sent);
    await settle();
    assertEquals(handler.calls.filter((call) => call === "close").length, 1);
    assertEquals(handler.calls.at(-1), "close");
    assertEquals(handler.errors, end.errors ?? []);
  });
}

test("WebSocketHandler gets what was sent before the close, and nothing after a throw", async () => {
  class Strict extends Recorder {
    override onMessage(message: Message): void {
      super.onMessage(message);
      if (message === "bad") fail();
    }
  }
  const handler = new Strict();
  const { client } = await run(handler);
  for (const text of ["a", "b", "bad", "c"]) void client.send(text);
  await client.close();
  await handler.over;
  assertEquals(handler.calls, ["open", "message a", "message b", "message bad", "close"]);
});

test("WebSocketHandler does not report that the peer has gone while it was sending", async () => {
  for (const away of ["close", "abort"] as const) {
    const gate = Promise.withResolvers<void>();
    class Sender extends Recorder {
      override async onMessage(): Promise<void> {
        await gate.promise;
        await this.writeMessage("too late");
      }
    }
    const handler = new Sender();
    const { client } = await run(handler);
    await client.send("a");
    await settle();
    if (away === "close") void client.close();
    else client.abort();
    await settle();
    gate.resolve();
    await handler.over;
    assertEquals([handler.errors, handler.calls], [[], ["open", "close"]]);
  }
});

test("WebSocketHandler does not report that it was closed by others while it was sending", async () => {
  class Sender extends Recorder {
    override async onMessage(): Promise<void> {
      void this.connection.close(1001, "Server shuts down");
      await this.writeMessage("too late");
    }
  }
  const handler = new Sender();
  const { client } = await run(handler);
  await client.send("a");
  await handler.over;
  assertEquals([handler.errors, handler.closeCode], [[], 1001]);
});

test("WebSocketHandler reports that another connection has gone", async () => {
  await using upstream = createPair();
  await upstream.client.close();
  class Proxy extends Recorder {
    override onMessage(message: Message): Promise<void> {
      return upstream.client.send(message);
    }
  }
  const handler = new Proxy();
  const { client } = await run(handler);
  await client.send("a");
  assertEquals((await client.closed).code, 1011);
  await handler.over;
  assertEquals(handler.errors.length, 1);
  assert(handler.errors[0] instanceof WebSocketClosedError);
});

test("WebSocketHandler.onClose waits for what is at work, at most for closeTimeout", async () => {
  const clock = new ManualClock();
  const options = { clock, closeTimeout: 1_000, pingInterval: 0 };
  const never = () => new Promise<void>(() => {});
  const finished = Promise.withResolvers<void>();
  const hanging = Object.assign(new Recorder(), { onMessage: never });
  const opening = Object.assign(new Recorder(), { open: never });
  const busy = Object.assign(new Recorder(), { onMessage: () => finished.promise });
  for (const handler of [hanging, opening, busy]) {
    const { client } = await run(handler, { options });
    await client.send("a");
    await client.send("b");
    await settle();
    client.abort();
  }
  await clock.advance(999);
  finished.resolve();
  await busy.over;
  assertEquals([hanging.calls, opening.calls], [["open"], []]);
  await clock.advance(1);
  await Promise.all([hanging.over, opening.over]);
  assertEquals([hanging.calls, opening.calls, clock.pending], [["open", "close"], ["close"], 0]);
});

test("WebSocketHandler is given all that arrived, however long it takes for all of it", async () => {
  const clock = new ManualClock();
  const gates = ["a", "b", "c"].map(() => Promise.withResolvers<void>());
  const handler = new Recorder();
  handler.onMessage = (message) => {
    handler.calls.push(`message ${message}`);
    return gates[handler.calls.length - 2]!.promise;
  };
  const { client } = await run(handler, {
    options: { clock, closeTimeout: 1_000, pingInterval: 0 },
  });
  for (const text of ["a", "b", "c"]) await client.send(text);
  await settle();
  client.abort();
  await settle();
  for (const gate of gates) {
    await clock.advance(900);
    gate.resolve();
    await settle();
  }
  await handler.over;
  const calls = ["open", "message a", "message b", "message c", "close"];
  assertEquals([handler.calls, clock.pending], [calls, 0]);
});

test("WebSocketHandler.onError is told what is thrown when it is not waited for any longer", async () => {
  const clock = new ManualClock();
  const failing = Promise.withResolvers<void>();
  const handler = Object.assign(new Recorder(), { onMessage: () => failing.promise });
  const { client } = await run(handler, {
    options: { clock, closeTimeout: 1_000, pingInterval: 0 },
  });
  await client.send("a");
  await settle();
  client.abort();
  await settle();
  await clock.advance(1_000);
  await handler.over;
  const expected = new RangeError("late");
  failing.reject(expected);
  await settle();
  assertEquals(handler.errors, [expected]);
});

test("WebSocketHandler.onClose is told how the connection ended", async () => {
  const infos: CloseInfo[] = [];
  class Noting extends Recorder {
    override onClose(info: CloseInfo): void {
      infos.push(info);
      super.onClose();
    }
  }
  const closed = new Noting();
  await (await run(closed)).client.close(4000, "done");
  const failed = new Noting();
  const { client } = await run(failed, { options: { maxMessageSize: 3 } });
  await client.send("long");
  await Promise.all([closed.over, failed.over]);
  assertEquals(infos[0], { code: 4000, reason: "done", wasClean: true });
  assertEquals(infos[1]!.code, failed.closeCode);
  assertInstanceOf(infos[1]!.error, WebSocketProtocolError);
});

test("WebSocketHandler.getConnectionOptions go before the router's, and wrong ones are a 500", async () => {
  class Small extends Recorder {
    override getConnectionOptions(): ConnectionOptions {
      return { maxMessageSize: 3 };
    }
  }
  class Unsaid extends Recorder {
    override getConnectionOptions(): ConnectionOptions {
      return { maxMessageSize: undefined };
    }
  }
  const unsaid = await run(new Unsaid(), { options: { maxMessageSize: 100 } });
  assertEquals(unsaid.options[0]!.maxMessageSize, 100);
  await unsaid.client.close();

  const handler = new Small();
  const { client, options } = await run(handler, {
    options: { maxMessageSize: 100, maxFragments: 5, headers: { "x-a": "1" }, compression: true },
  });
  assertEquals([options[0]!.maxMessageSize, options[0]!.maxFragments], [3, 5]);
  assertEquals([options[0]!.compression, new Headers(options[0]!.headers).get("x-a")], [true, "1"]);
  await client.send("long");
  assertEquals((await client.closed).code, 1009);
  await handler.over;

  class Wrong extends Recorder {
    override getConnectionOptions(): ConnectionOptions {
      throw new RangeError("wrong");
    }
  }
  const wrong = new Wrong();
  assertEquals((await run(wrong)).response.status, 500);
  assertEquals(wrong.errors.map(String), ["RangeError: wrong"]);
});

test("WebSocketHandler reports what onClose throws or rejects with", async () => {
  for (const onClose of [fail, () => Promise.reject(expected)]) {
    const handler = Object.assign(new Recorder(), { onClose });
    const { client } = await run(handler);
    await client.close();
    await settle();
    assertEquals(handler.errors, [expected]);
  }
});

test("WebSocketHandler.onError writes to the console unless it is overridden", async () => {
  class Failing extends WebSocketHandler {
    override onMessage(): void {
      fail();
    }
  }
  const lines = await captureConsole(async () => {
    const { client } = await run(new Failing());
    await client.send("a");
    await client.closed;
    await settle();
  });
  assertEquals(lines, [expected]);
});

test("WebSocketHandler survives an onError that throws or rejects", async () => {
  const another = new Error("of onError");
  const throwing = () => {
    throw another;
  };
  for (const onError of [throwing, () => Promise.reject(another)]) {
    const handler = Object.assign(new Recorder(), { onError, onMessage: fail, onClose: fail });
    const lines = await captureConsole(async () => {
      const { client } = await run(handler);
      await client.send("a");
      assertEquals((await client.closed).code, 1011);
      await settle();
    });
    assertEquals(lines, [another, another]);
  }
});

test("WebSocketHandler throws for wrong arguments at once, so that its router catches them", async () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const mistakes: [
    name: string,
    make: (handler: WebSocketHandler) => unknown,
    error: ErrorClass,
  ][] = [
    ["a long reason", (handler) => void handler.close(4000, "x".repeat(124)), RangeError],
    ["a wrong code", (handler) => void handler.close(999), RangeError],
    ["no reason", (handler) => void handler.close(4000, 1 as unknown as string), TypeError],
    ["a circle", (handler) => void handler.writeMessage(circular), TypeError],
    ["nothing", (handler) => void handler.writeMessage(undefined as unknown as string), TypeError],
    ["a long ping", (handler) => void handler.ping("x".repeat(126)), RangeError],
  ];
  for (const [name, make, error] of mistakes) {
    const handler = new class extends Recorder {
      override onMessage(): void {
        make(this);
      }
    }();
    const { client } = await run(handler);
    await client.send("go");
    assertEquals((await client.closed).code, 1011, name);
    await handler.over;
    assertEquals(handler.errors.length, 1, name);
    assertInstanceOf(handler.errors[0], error, name);
  }
});

test("WebSocketHandler.onMessage is not called once the handler has closed", async () => {
  const handler = new class extends Recorder {
    override onMessage(message: Message): unknown {
      super.onMessage(message);
      return message === "b" ? void this.close(4000, "enough") : undefined;
    }
  }();
  const { client } = await run(handler);
  for (const message of ["a", "b", "c"]) void client.send(message);
  const { code } = await client.closed;
  await handler.over;
  assertEquals([handler.calls, code], [["open", "message a", "message b", "close"], 4000]);
});

test("WebSocketHandler.close that is refused changes nothing", async () => {
  const handler = new Recorder();
  const { client } = await run(handler);
  assertThrows(() => handler.close(1006), RangeError);
  await client.send("a");
  await client.close();
  await handler.over;
  assertEquals(handler.calls, ["open", "message a", "close"]);
});

test("WebSocketHandler.writeMessage rejects on a closed connection", async () => {
  const handler = new Recorder();
  const { client } = await run(handler);
  await client.close(4000, "bye");
  await handler.over;
  const error = await assertRejects(() => handler.writeMessage("a"), WebSocketClosedError);
  assertMatch(error.message, /^Cannot send message: connection is closed/);
  assertEquals([error.code, error.reason, error.wasClean], [4000, "bye", true]);
});
