/** The relay, as a program between a client and a server of the test's. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  connectWebSocket,
  type Message,
  type WebSocketConnection,
  WebSocketHandshakeError,
} from "@gale/websocket";
import { upgradeWebSocket } from "../../examples/host.ts";
import { CLOSE, RawClient, requestText } from "../conformance/raw_client.ts";
import { test } from "../harness.ts";
import { type Program, startExample } from "../tools/program.ts";
import { accept, Arrivals, serve, serveEmptyCloses, type TestServer } from "./servers.ts";

/** The relay in front of `upstream`. */
async function start(upstream: string): Promise<{ relay: Program; url: string } & AsyncDisposable> {
  const relay = startExample("relay.ts", "--port", "0", "--upstream", upstream);
  const [, url] = await relay.outputMatching(/^Relaying from (\S+)$/m);
  return { relay, url: url!, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** An upstream whose connections the test takes in hand. */
function serveConnections(): TestServer & { readonly connections: Arrivals<WebSocketConnection> } {
  const connections = new Arrivals<WebSocketConnection>();
  return Object.assign(serve(accept((connection) => connections.add(connection))), { connections });
}

function portOf(url: string): { port: number } {
  return { port: Number(new URL(url).port) };
}

async function refusal(
  url: string,
  options: Parameters<typeof connectWebSocket>[1] = {},
): Promise<{ status: number | undefined; headers: Headers; text: string }> {
  const error = await assertRejects(() => connectWebSocket(url, options), WebSocketHandshakeError);
  const { status, response } = error;
  return { status, headers: response!.headers, text: await response!.text() };
}

test("relay.ts passes messages on both ways, as they are", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  await using client = await connectWebSocket(front.url);
  const server = await upstream.connections.next();
  const large = crypto.getRandomValues(new Uint8Array(65_536));
  const messages: Message[] = ["", "Grüße 🌊", new Uint8Array(0), Uint8Array.of(0, 1, 255), large];
  messages.push("x".repeat(5_000_000));
  for (const [from, to] of [[client, server], [server, client]] as const) {
    const sending = Promise.all(messages.map((message) => from.send(message)));
    for (const message of messages) assertEquals(await to.receive(), message);
    await sending;
  }
});

test("relay.ts offers the client's subprotocols, and selects what the upstream does", async () => {
  const offers: (string | null)[] = [];
  await using upstream = serve((request) => {
    offers.push(request.headers.get("sec-websocket-protocol"));
    assertEquals(request.headers.get("cookie"), null);
    return upgradeWebSocket(request, { subprotocols: ["v2", "v1"] }).response;
  });
  await using front = await start(upstream.url);
  for (const [subprotocols, selected] of [[["v1", "v2"], "v2"], [["v3"], ""], [[], ""]] as const) {
    const headers = { cookie: "session=1" };
    await using client = await connectWebSocket(front.url, { subprotocols, headers });
    assertEquals(client.protocol, selected);
  }
  assertEquals(offers, ["v1, v2", "v3", null]);

  const request = requestText("/", { fields: { "Sec-WebSocket-Protocol": "v1, v1" } });
  const { status, body } = await RawClient.exchange(portOf(front.url), request);
  assertEquals([status, body], [400, "The Sec-WebSocket-Protocol header is malformed.\n"]);
});

test("relay.ts passes the end of either side on, behind all that was sent", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  const cases: [code: number, reason: string][] = [[1000, ""], [1001, "bye"], [1011, ""], [
    4999,
    "ü",
  ]];
  for (const [code, reason] of cases) {
    for (const fromClient of [true, false]) {
      const client = await connectWebSocket(front.url);
      const server = await upstream.connections.next();
      const [from, to] = fromClient ? [client, server] : [server, client];
      void from.send("x".repeat(1_000_000));
      void from.send("last");
      void from.close(code, reason);
      assertEquals((await to.receive() as string).length, 1_000_000);
      assertEquals([await to.receive(), await to.receive()], ["last", null]);
      for (const end of [await from.closed, await to.closed]) {
        assertEquals(end, { code, reason, wasClean: true });
      }
    }
  }
});

test("relay.ts passes a Close without a code on as 1000, which has one", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  const { client } = await RawClient.open(portOf(front.url), "/");
  const server = await upstream.connections.next();
  client.sendClose();
  assertEquals(await server.closed, { code: 1000, reason: "", wasClean: true });
  assertEquals((await client.next())?.opcode, CLOSE);
  await client[Symbol.asyncDispose]();

  await using closing = await serveEmptyCloses();
  await using second = await start(closing.url);
  const another = await connectWebSocket(second.url);
  assertEquals(await another.closed, { code: 1000, reason: "", wasClean: true });
});

test("relay.ts says 1014 where the upstream is lost, and vanishes where the client has", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  const losers: ((connection: WebSocketConnection) => unknown)[] = [
    (connection) => connection.abort(),
    // Too large for the relay.
    (connection) => connection.send(new Uint8Array(10 * 2 ** 20 + 1)),
  ];
  for (const lose of losers) {
    const left = await connectWebSocket(front.url);
    void lose(await upstream.connections.next());
    const end = await left.closed;
    assertEquals([end.code, end.reason, end.wasClean], [1014, "Upstream is lost", true]);

    const vanishing = await connectWebSocket(front.url);
    const server = await upstream.connections.next();
    void lose(vanishing);
    assertEquals(await server.receive(), null);
    assertEquals((await server.closed).code, 1006);
  }
  // Ends are no errors.
  assertEquals(front.relay.output, `Relaying from ${front.url}\n`);
});

test("relay.ts gives its connection up where a page of another site is refused", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  assertEquals((await refusal(front.url, { origin: "https://example.com" })).status, 403);
  const server = await upstream.connections.next();
  assertEquals((await server.closed).code, 1000);
});

test("relay.ts gives its attempt up where the client goes meanwhile", async () => {
  const requests = new Arrivals<Request>();
  await using upstream = serve((request) => {
    requests.add(request);
    return new Promise((resolve) => {
      request.signal.addEventListener("abort", () => resolve(new Response()));
    });
  });
  await using front = await start(upstream.url);
  const leaving = new AbortController();
  const attempt = assertRejects(() => connectWebSocket(front.url, { signal: leaving.signal }));
  const { signal } = await requests.next();
  const givenUp = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve());
  });
  const since = performance.now();
  leaving.abort();
  await Promise.all([attempt, givenUp]);
  // In any case it would end with its time limit, of 20 s.
  assert(performance.now() - since < 10_000);
  assertEquals(front.relay.output, `Relaying from ${front.url}\n`);
});

test("relay.ts stops reading from who is too fast for the other side, and holds nobody else up", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  const open = async () =>
    [await connectWebSocket(front.url), await upstream.connections.next()] as const;
  const [fast, idle] = await open();
  const [client, server] = await open();
  // Of 128 messages of 1 MiB, what fits between the two ends may leave, which is far less than half.
  const count = 128;
  const message = new Uint8Array(2 ** 20);
  const sending = (async () => {
    for (let i = 0; i < count; i++) await fast.send(message);
  })();
  // Another connection is the clock: what has not gone on for so many of its round trips stands still.
  let sent = -1;
  for (let still = 0; still < 100; still++) {
    await client.send("tick");
    assertEquals(await server.receive(), "tick");
    await server.send("tock");
    assertEquals(await client.receive(), "tock");
    if (fast.stats().bytesSent > sent) still = 0;
    sent = fast.stats().bytesSent;
  }
  assert(sent < count * message.length / 2, `${sent} bytes were taken`);
  assert(fast.bufferedAmount > 0);
  for (let i = 0; i < count; i++) assertEquals((await idle.receive())?.length, message.length);
  await sending;
  await Promise.all([fast.close(), client.close()]);
});

test("relay.ts passes the upstream's end on to a client that goes on sending", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  const client = await connectWebSocket(front.url);
  const server = await upstream.connections.next();
  // More than fits in between.
  const sends = Array.from({ length: 64 }, () => client.send(new Uint8Array(2 ** 20)));
  void server.close(4000, "enough");
  await Promise.allSettled(sends);
  assertEquals((await client.closed).code, 4000);
  assertEquals((await server.closed).code, 4000);
});

test("relay.ts answers 502 where the upstream cannot be reached, and passes its refusals on", async () => {
  const answers: Response[] = [
    new Response("Sign in first\n", { status: 401, headers: { "www-authenticate": "Basic" } }),
    new Response("Later\n", { status: 503, headers: { "retry-after": "7" } }),
    new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
    new Response("Just a page\n"),
  ];
  const upstream = serve(() => answers.shift()!);
  await using front = await start(upstream.url);
  const signIn = await refusal(front.url);
  assertEquals([signIn.status, signIn.text], [401, "Sign in first\n"]);
  assertEquals(signIn.headers.get("www-authenticate"), "Basic");
  const later = await refusal(front.url);
  assertEquals([later.status, later.text, later.headers.get("retry-after")], [503, "Later\n", "7"]);
  for (const answer of ["302", "200"]) {
    const { status, text, headers } = await refusal(front.url);
    assertEquals([status, text], [502, "The upstream cannot be reached.\n"]);
    assertEquals(headers.get("location"), null);
    await front.relay.outputMatching(new RegExp(`the server answered ${answer}`));
  }
  await upstream[Symbol.asyncDispose]();
  assertEquals((await refusal(front.url)).status, 502);
  await front.relay.outputMatching(/^Cannot connect to ws:/m);

  // What asks for no WebSocket is refused as ever.
  const page = await fetch(front.url.replace("ws:", "http:"));
  assertEquals(page.status, 426);
  await page.body?.cancel();
});

test("relay.ts ends with 1001 on SIGTERM, towards both sides", async () => {
  await using upstream = serveConnections();
  await using front = await start(upstream.url);
  const client = await connectWebSocket(front.url);
  const server = await upstream.connections.next();
  const [exitCode, ...ends] = await Promise.all([
    front.relay.stop("SIGTERM"),
    client.closed,
    server.closed,
  ]);
  assertEquals(exitCode, 0);
  for (const { code, wasClean } of ends) assertEquals([code, wasClean], [1001, true]);
});

test("relay.ts wants to know its upstream", async () => {
  for (const args of [[], ["--upstream", "localhost:8001"], ["--upstream", "http://localhost"]]) {
    await using relay = startExample("relay.ts", "--port", "0", ...args);
    assertEquals(await relay.exited, 2);
    assertMatch(relay.output, /^Give the URL of the upstream/);
  }
});
