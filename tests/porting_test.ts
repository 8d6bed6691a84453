/**
 * What the documentation of `tornado.websocket` shows, written as docs/porting.md says to port it, and run
 * over real sockets: a route with a handler class on one side, `connectWebSocket` on the other.
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  type CloseInfo,
  connectWebSocket,
  type Message,
  WebSocketClosedError,
  type WebSocketConnection,
  WebSocketHandler,
  type WebSocketHandlerClass,
  WebSocketHandshakeError,
  WebSocketRouter,
  type WebSocketRouterOptions,
} from "@gale/websocket";
import { runtime, test } from "./harness.ts";

const { serveTcp, upgradeWebSocket } = runtime === "deno"
  ? await import("@gale/websocket/deno")
  : await import("@gale/websocket/bun");

interface Server extends AsyncDisposable {
  /** Where it is, as `ws://…` without a slash at the end. */
  readonly url: string;
}

/** Tornado's `Application([(r"/ws/(.*)", Handler)])` and `listen`. */
function serve(handler: WebSocketHandlerClass, options: WebSocketRouterOptions = {}): Server {
  const router = new WebSocketRouter([["/", handler], ["/ws/:name", handler]], options);
  const server = serveTcp(
    { port: 0, hostname: "127.0.0.1" },
    async (request) =>
      await router.handle(request, upgradeWebSocket) ?? new Response(null, { status: 404 }),
  );
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

class EchoWebSocket extends WebSocketHandler {
  static readonly log: string[] = [];

  override open(): void {
    EchoWebSocket.log.push("WebSocket opened");
  }

  override onMessage(message: Message): Promise<void> {
    return this.writeMessage(`You said: ${message}`);
  }

  override onClose(): void {
    EchoWebSocket.log.push("WebSocket closed");
  }
}

/** A handler that only listens. */
class Silent extends WebSocketHandler {
  override onMessage(_message: Message): void {}
}

test("Tornado's echo handler", async () => {
  EchoWebSocket.log.length = 0;
  {
    await using server = serve(EchoWebSocket);
    const connection = await connectWebSocket(`${server.url}/`);
    await connection.send("hello");
    assertEquals(await connection.receive(), "You said: hello");
    await connection.close();
  }
  assertEquals(EchoWebSocket.log, ["WebSocket opened", "WebSocket closed"]);
});

test("Tornado's open with the groups of the path", async () => {
  class Named extends Silent {
    override open(name: string): Promise<void> {
      return this.writeMessage(`This is ${name}`);
    }
  }
  await using server = serve(Named);
  const connection = await connectWebSocket(`${server.url}/ws/tea%20room`);
  assertEquals(await connection.receive(), "This is tea room");
  await connection.close();
});

test("Tornado's websocket_connect and read_message until None", async () => {
  class Countdown extends Silent {
    override async open(): Promise<void> {
      for (const number of [3, 2, 1]) await this.writeMessage(String(number));
      void this.close();
    }
  }
  await using server = serve(Countdown);
  const connection = await connectWebSocket(`${server.url}/`);
  const messages: Message[] = [];
  for (;;) {
    const message = await connection.receive();
    if (message === null) break;
    messages.push(message);
  }
  assertEquals(messages, ["3", "2", "1"]);
  assertEquals(await connection.receive(), null);
});

test("Tornado's on_message_callback is forEach", async () => {
  class Once extends Silent {
    override open(): void {
      void this.writeMessage("only this");
      void this.close();
    }
  }
  await using server = serve(Once);
  const connection = await connectWebSocket(`${server.url}/`);
  const messages: Message[] = [];
  await connection.forEach((message) => messages.push(message));
  assertEquals(messages, ["only this"]);
});

test("Tornado's select_subprotocol and selected_subprotocol", async () => {
  class Versioned extends Silent {
    override selectSubprotocol(offered: readonly string[]): string | undefined {
      return offered.includes("v2.example") ? "v2.example" : undefined;
    }
    override open(): Promise<void> {
      return this.writeMessage(`selected ${this.selectedSubprotocol ?? "none"}`);
    }
  }
  await using server = serve(Versioned);
  const cases: [subprotocols: string[], selected: string][] = [
    [["v1.example", "v2.example"], "v2.example"],
    [["v1.example"], ""],
    [[], ""],
  ];
  for (const [subprotocols, selected] of cases) {
    const connection = await connectWebSocket(`${server.url}/`, { subprotocols });
    assertEquals(connection.protocol, selected);
    assertEquals(await connection.receive(), `selected ${selected || "none"}`);
    await connection.close();
  }
});

test("Tornado's check_origin: same origin, all, and the subdomains of one's own (RFC 6455 10.2)", async () => {
  class All extends Silent {
    override checkOrigin(): boolean {
      return true;
    }
  }
  class Subdomains extends Silent {
    override checkOrigin(origin: string): boolean {
      return URL.parse(origin)?.hostname.endsWith(".mydomain.com") ?? false;
    }
  }
  const own = "own";
  const cases: [
    handler: WebSocketHandlerClass,
    allowed: (string | undefined)[],
    refused: string[],
  ][] = [
    [Silent, [own, undefined], ["https://www.mydomain.com", "http://127.0.0.1", "null"]],
    [All, [own, undefined, "https://anything.example", "null"], []],
    [Subdomains, [undefined, "https://www.mydomain.com"], [
      own,
      "https://mydomain.com.evil.example",
      "https://evilmydomain.com",
      "null",
    ]],
  ];
  for (const [handler, allowed, refused] of cases) {
    await using server = serve(handler);
    const optionsFor = (origin?: string) =>
      origin === undefined
        ? {}
        : { origin: origin === own ? server.url.replace("ws:", "http:") : origin };
    for (const origin of allowed) {
      const connection = await connectWebSocket(`${server.url}/`, optionsFor(origin));
      await connection.close();
    }
    for (const origin of refused) {
      const error = await assertRejects(
        () => connectWebSocket(`${server.url}/`, optionsFor(origin)),
        WebSocketHandshakeError,
      );
      assertEquals(error.status, 403, origin);
      assertMatch(await error.response!.text(), /not allowed/);
    }
  }
});

test("Tornado's ping, on_ping and on_pong (RFC 6455 5.5.2, 5.5.3)", async () => {
  const seen: [what: string, payload: Uint8Array][] = [];
  const ponged = Promise.withResolvers<void>();
  class Pinging extends Silent {
    override open(): void {
      void this.ping(Uint8Array.of(1, 2));
    }
    override onPing(payload: Uint8Array): void {
      seen.push(["ping", payload.slice()]);
    }
    override onPong(payload: Uint8Array): void {
      seen.push(["pong", payload.slice()]);
      ponged.resolve();
    }
  }
  await using server = serve(Pinging);
  const connection = await connectWebSocket(`${server.url}/`);
  await ponged.promise;
  assert(await connection.ping("hello") >= 0);
  assertEquals(seen, [
    ["pong", Uint8Array.of(1, 2)],
    ["ping", new TextEncoder().encode("hello")],
  ]);
  await connection.close();
});

test("Tornado's close_code and close_reason in on_close", async () => {
  const ends: [code: number | undefined, reason: string | undefined][] = [];
  const over = [0, 1, 2].map(() => Promise.withResolvers<void>());
  class Watching extends Silent {
    override onClose(): void {
      ends.push([this.closeCode, this.closeReason]);
      over[ends.length - 1]!.resolve();
    }
  }
  await using server = serve(Watching);
  const ways: ((connection: WebSocketConnection) => unknown)[] = [
    (connection) => connection.close(4000, "because"),
    (connection) => connection.close(),
    (connection) => connection.abort(),
  ];
  for (const [i, end] of ways.entries()) {
    await end(await connectWebSocket(`${server.url}/`));
    await over[i]!.promise;
  }
  assertEquals(ends, [[4000, "because"], [1000, ""], [1006, ""]]);
});

test("Tornado's close(code, reason) as the client sees it", async () => {
  class Closing extends Silent {
    override onMessage(): Promise<CloseInfo> {
      return this.close(4001, "goodbye");
    }
  }
  await using server = serve(Closing);
  const connection = await connectWebSocket(`${server.url}/`);
  await connection.send("please");
  assertEquals(await connection.receive(), null);
  assertEquals([connection.closeCode, connection.closeReason], [4001, "goodbye"]);
});

test("Tornado's write_message with a dict, and with binary", async () => {
  class Writer extends Silent {
    override async open(): Promise<void> {
      await this.writeMessage({ hello: "world", list: [1, null] });
      await this.writeMessage(Uint8Array.of(0, 255));
      await this.writeMessage("Grüße", { binary: true });
    }
  }
  await using server = serve(Writer);
  const connection = await connectWebSocket(`${server.url}/`);
  assertEquals(await connection.receive(), '{"hello":"world","list":[1,null]}');
  assertEquals(await connection.receive(), Uint8Array.of(0, 255));
  assertEquals(await connection.receive(), new TextEncoder().encode("Grüße"));
  await connection.close();
});

test("Tornado's WebSocketClosedError on a closed connection", async () => {
  const outcome = Promise.withResolvers<unknown>();
  class Late extends Silent {
    override async onClose(): Promise<void> {
      outcome.resolve(await this.writeMessage("too late").catch((error) => error));
    }
  }
  await using server = serve(Late);
  const connection = await connectWebSocket(`${server.url}/`);
  await connection.close();
  for (const error of [await outcome.promise, await connection.send("too late").catch((e) => e)]) {
    assert(error instanceof WebSocketClosedError);
    assertEquals(error.message, "Cannot send message: connection is closed (1000)");
  }
});

test("Tornado's set_nodelay", async () => {
  class Delayed extends Silent {
    override onMessage(): Promise<void> {
      for (const noDelay of [true, false]) this.setNoDelay(noDelay);
      return this.writeMessage(`${this.connection.capabilities.noDelay}`);
    }
  }
  await using server = serve(Delayed);
  const connection = await connectWebSocket(`${server.url}/`);
  await connection.send("?");
  assertEquals(await connection.receive(), "true");
  connection.setNoDelay(false);
  await connection.close();
});

test("Tornado's connect_timeout", async () => {
  class Hesitant extends Silent {
    override prepare(): Promise<void> {
      return gate.promise;
    }
  }
  const gate = Promise.withResolvers<void>();
  await using server = serve(Hesitant);
  const timeout = await assertRejects(
    () => connectWebSocket(`${server.url}/`, { connectTimeout: 50 }),
    WebSocketHandshakeError,
  );
  assertEquals((timeout.cause as DOMException).name, "TimeoutError");
  await assertRejects(
    () => connectWebSocket(`${server.url}/`, { signal: AbortSignal.timeout(50) }),
    DOMException,
  );
  gate.resolve();
});

test("Tornado's compression_options and get_compression_options (RFC 7692)", async () => {
  class Compressing extends EchoWebSocket {
    override getCompressionOptions(): { readonly level: number } {
      return { level: 9 };
    }
  }
  const text = "wave after wave, ".repeat(1_000);
  const cases: [handler: WebSocketHandlerClass, compression: boolean, agreed: boolean][] = [
    [Compressing, true, true],
    [Compressing, false, false],
    [EchoWebSocket, true, false],
  ];
  for (const [handler, compression, agreed] of cases) {
    await using server = serve(handler);
    const connection = await connectWebSocket(`${server.url}/`, { compression });
    assertEquals(connection.extensions.startsWith("permessage-deflate"), agreed);
    await connection.send(text);
    assertEquals(await connection.receive(), `You said: ${text}`);
    const { bytesSent, bytesReceived } = connection.stats();
    assertEquals([bytesSent < 1_000, bytesReceived < 1_000], [agreed, agreed]);
    await connection.close();
  }
});

test("Tornado's websocket_max_message_size and websocket_ping_interval are the router's", async () => {
  await using server = serve(EchoWebSocket, { maxMessageSize: 10, pingInterval: 20 });
  const pinged = Promise.withResolvers<void>();
  const connection = await connectWebSocket(`${server.url}/`, { onPing: () => pinged.resolve() });
  await pinged.promise;
  await connection.send("12345678901");
  assertEquals((await connection.closed).code, 1009);
});

test("Tornado's HTTPRequest with headers, and prepare that looks at them", async () => {
  class Guarded extends Silent {
    override prepare(): Response | void {
      if (this.request.headers.get("authorization") !== "Bearer good") {
        return new Response("Who are you?", { status: 401 });
      }
    }
  }
  await using server = serve(Guarded);
  const request = (token: string) =>
    new Request(server.url.replace("ws:", "http:"), { headers: { authorization: token } });
  const connection = await connectWebSocket(request("Bearer good"));
  await connection.close();
  const error = await assertRejects(
    () => connectWebSocket(request("Bearer bad")),
    WebSocketHandshakeError,
  );
  assertEquals([error.status, await error.response!.text()], [401, "Who are you?"]);
});
