/** Our server behind nginx and behind HAProxy, seen by our client. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  connectWebSocket,
  type WebSocketConnection,
  WebSocketHandshakeError,
} from "@gale/websocket";
import { authority } from "../deps/tls/certificates.ts";
import { randomSource, test } from "../harness.ts";
import { OurServer } from "./our_server.ts";
import { haproxy, nginx, type Proxy, RunningProxy } from "./proxies.ts";

const ORIGIN = "https://chat.example";

async function status(promise: Promise<WebSocketConnection>): Promise<number | undefined> {
  return (await assertRejects(() => promise, WebSocketHandshakeError)).status;
}

async function echo(connection: WebSocketConnection, message: string): Promise<void> {
  await connection.send(message);
  assertEquals(await connection.receive(), message);
}

function testProxy(proxy: Proxy): void {
  const options = { skip: proxy.missing };

  test(`${proxy.name} passes messages of all sizes on, both ways, and how they end`, async () => {
    await using server = new OurServer({ subprotocols: ["v2"], compression: true });
    await using front = await RunningProxy.start(proxy, server.port);
    for (const compression of [false, true]) {
      const connection = await connectWebSocket(`${front.url}/room?a=b`, {
        subprotocols: ["v1", "v2"],
        compression,
      });
      assertEquals(connection.protocol, "v2");
      assertEquals(connection.extensions !== "", compression);
      const random = randomSource(11);
      const largest = compression ? 1 << 20 : 8 << 20;
      for (const size of [0, 1, 125, 126, 65_535, 65_536, largest]) {
        const message = Uint8Array.from({ length: size }, () => random(256));
        const sent = connection.send(message);
        assertEquals(await connection.receive(), message);
        await sent;
      }
      for (let n = 0; n < 2000; n++) void connection.send(`message ${n}`);
      for (let n = 0; n < 2000; n++) assertEquals(await connection.receive(), `message ${n}`);
      assert(await connection.ping() >= 0);
      await connection.send("!close");
      assertEquals(await connection.receive(), null);
      const { code, reason, wasClean } = await connection.closed;
      assertEquals([code, reason, wasClean], [4002, "as you wish", true]);
    }
    const connection = await connectWebSocket(front.url, { subprotocols: ["v2"] });
    assert((await connection.close(4001, "bye")).wasClean);
    // A proxy passes the end of each on in its own time, so that the last one may end first.
    const ends = (await server.ended(3)).map(({ path, end }) =>
      [path, end.code, end.wasClean].join()
    );
    assertEquals(ends.sort(), ["/,4001,true", "/room?a=b,4002,true", "/room?a=b,4002,true"]);
  }, options);

  test(`behind ${proxy.name}, publicOrigin stands for a Host that is not passed on`, async () => {
    await using server = new OurServer((path) =>
      path.endsWith("/public") ? { publicOrigin: ORIGIN } : {}
    );
    await using front = await RunningProxy.start(proxy, server.port);
    const connectFrom = (path: string, origin: string) =>
      connectWebSocket(`${front.url}${path}`, { origin });

    // With the Host as the browser sent it, nothing needs to be said.
    await (await connectFrom("/", front.url.replace("ws:", "http:"))).close();
    assertEquals(await status(connectFrom("/", ORIGIN)), 403);
    // Under the other Host nobody is let in, until the server is told its own origin.
    const refusal = await assertRejects(
      () => connectFrom("/renamed/", ORIGIN),
      WebSocketHandshakeError,
    );
    assertEquals(refusal.status, 403);
    assertMatch(await refusal.response!.text(), /internal\.example:8080/);
    await (await connectFrom("/renamed/public", ORIGIN)).close();
    assertEquals(await status(connectFrom("/renamed/public", "https://evil.example")), 403);
  }, options);

  test(`${proxy.name} may do the TLS, and pages of https connect to a server without`, async () => {
    await using server = new OurServer((path) =>
      path.endsWith("/public") ? { publicOrigin: ORIGIN, compression: true } : {}
    );
    await using front = await RunningProxy.start(proxy, server.port);
    const origin = front.secureUrl.replace("wss:", "https:");
    const open = (path: string, from: string) =>
      connectWebSocket(`${front.secureUrl}${path}`, {
        origin: from,
        compression: true,
        caCerts: [authority],
      });
    await using own = await open("/", origin);
    await echo(own, "wave after wave, ".repeat(60_000));
    await using renamed = await open("/renamed/public", ORIGIN);
    await echo(renamed, "wave after wave, ".repeat(60_000));
    assertEquals(renamed.extensions, "permessage-deflate");
    assertEquals(await status(open("/", ORIGIN)), 403);
    // The public origin is the https one, and not the same host's over http.
    assertEquals(await status(open("/renamed/public", ORIGIN.replace("https", "http"))), 403);
  }, options);

  test(`pings keep a connection through ${proxy.name} that is silent for long`, async () => {
    await using server = new OurServer((path) => ({
      pingInterval: path.endsWith("/pinged") ? 100 : 0,
    }));
    await using front = await RunningProxy.start(proxy, server.port);
    const open = (path: string) =>
      connectWebSocket(`${front.url}/impatient/${path}`, { pingInterval: 0 });
    await using pinged = await open("pinged");
    const silent = await open("silent");
    await Promise.all([echo(pinged, "one"), echo(silent, "one")]);
    const begin = performance.now();

    // The silent one is cut off, and both of its ends learn of it.
    assertEquals(await silent.receive(), null);
    const { code, wasClean } = await silent.closed;
    assertEquals([code, wasClean], [1006, false]);
    while (server.served.length === 0) await tick();
    assertEquals(server.served[0]!.end.code, 1006);

    while (performance.now() - begin < 4_000) await tick();
    await echo(pinged, "two");
  }, options);

  test(`a connection ends with ${proxy.name}, and a new one opens when it is back`, async () => {
    await using server = new OurServer({});
    await using front = await RunningProxy.start(proxy, server.port);
    const connections = await Promise.all(
      Array.from({ length: 8 }, () => connectWebSocket(front.url)),
    );
    await Promise.all(connections.map((connection) => echo(connection, "one")));
    await front.stop();
    for (const connection of connections) {
      assertEquals(await connection.receive(), null);
      assertEquals((await connection.closed).code, 1006);
    }
    const ends = await server.ended(8);
    assertEquals(ends.map(({ end }) => end.wasClean), ends.map(() => false));
    await assertRejects(() => connectWebSocket(front.url), WebSocketHandshakeError);

    await front.restart();
    await using connection = await connectWebSocket(front.url);
    await echo(connection, "two");
  }, options);

  test(
    `${proxy.name} answers for a server that is away, and finds it when it is back`,
    async () => {
      let server = new OurServer({});
      const { port } = server;
      await using front = await RunningProxy.start(proxy, port);
      const connection = await connectWebSocket(front.url);
      await echo(connection, "one");
      const [end] = await Promise.all([
        connection.closed,
        connection.receive(),
        server[Symbol.asyncDispose](),
      ]);
      assertEquals([end.code, end.wasClean], [1001, true]);
      assertEquals(await status(connectWebSocket(front.url)), proxy.unreachable);

      server = new OurServer({}, { port });
      await using _server = server;
      await using second = await connectWebSocket(front.url);
      await echo(second, "two");
    },
    options,
  );

  test(`${proxy.name} passes pages and refusals on, and connections after them`, async () => {
    await using server = new OurServer({});
    await using front = await RunningProxy.start(proxy, server.port);
    for (let round = 0; round < 3; round++) {
      const response = await fetch(front.url.replace("ws:", "http:"));
      assertEquals(await response.text(), server.page);
      assertEquals(await status(connectWebSocket(front.url, { origin: "null" })), 403);
      await using connection = await connectWebSocket(front.url);
      await echo(connection, "one");
    }
  }, options);
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

testProxy(nginx);
testProxy(haproxy);
