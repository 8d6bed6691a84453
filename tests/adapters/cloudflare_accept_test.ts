import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { connectWebSocket } from "../../mod.ts";
import { acceptWebSocket, serveSocket } from "../../src/adapters/cloudflare_accept.ts";
import { upgradeWebSocket } from "../../src/adapters/cloudflare.ts";
import { WorkersTransport } from "../../src/adapters/cloudflare_transport.ts";
import type { WorkersSocket } from "../../src/adapters/cloudflare_types.ts";
import type { ConnectOptions } from "../../src/client.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import { BINARY, PING, RawClient, requestText } from "../conformance/raw_client.ts";
import { settled } from "../connection/transport_battery.ts";
import { test } from "../harness.ts";
import { startWorker, workerdMissing } from "../tools/workerd.ts";
import { workersSocketPair } from "./workers_socket_pair.ts";

const skip = workerdMissing();
const WORKER = "tests/adapters/cloudflare_worker.ts";

// In memory -----------------------------------------------------------------------------------------

/** A client at the other end of a socket. */
function connectTo(
  socket: WorkersSocket,
  options: ConnectOptions = {},
): Promise<WebSocketConnection> {
  const dial = () => Promise.resolve(new WorkersTransport(socket));
  return connectWebSocket("ws://example.com/chat", { ...options, dial });
}

test("cloudflare.acceptWebSocket makes a connection of a socket", async () => {
  const { near, far } = workersSocketPair();
  const accepting = acceptWebSocket(far, { compression: true });
  await using client = await connectTo(near, { compression: true });
  await using server = await accepting;
  assertEquals(server.url, "ws://example.com/chat");
  assertEquals(server.remoteAddress, { transport: "tcp", hostname: "192.0.2.7", port: 4711 });
  assertEquals(server.extensions, "permessage-deflate");
  await client.send("hello");
  assertEquals(await server.receive(), "hello");
  assert(await server.ping() >= 0);
  assertEquals(await client.close(4000), { code: 4000, reason: "", wasClean: true });
});

test("cloudflare.acceptWebSocket takes the socket's word on TLS, unless told otherwise", async () => {
  for (
    const [secureTransport, secure, expected] of [
      ["on", undefined, "wss://example.com/chat"],
      ["off", undefined, "ws://example.com/chat"],
      ["off", true, "wss://example.com/chat"],
    ] as const
  ) {
    const { near, far } = workersSocketPair();
    Object.defineProperty(far, "secureTransport", { value: secureTransport });
    const accepting = acceptWebSocket(far, secure === undefined ? {} : { secure });
    await using client = await connectTo(near);
    const server = await accepting;
    assertEquals(server.url, expected);
    await client.close();
    await server.closed;
  }
});

test("cloudflare.acceptWebSocket rejects with the refusal that it has sent", async () => {
  const { near, far } = workersSocketPair();
  const refusing = assertRejects(
    () => acceptWebSocket(far, { onRequest: () => new Response("no", { status: 403 }) }),
    WebSocketHandshakeError,
    "refused with status 403",
  );
  const { status } = await assertRejects(() => connectTo(near), WebSocketHandshakeError);
  assertEquals(status, 403);
  await refusing;
});

test("cloudflare.acceptWebSocket checks its options before it takes the socket", async () => {
  const { far } = workersSocketPair();
  await assertRejects(() => acceptWebSocket(far, { handshakeTimeout: -1 }), RangeError);
  assertEquals(far.readable.locked, false);
});

test("cloudflare.acceptWebSocket and serveSocket wait for a socket no longer than the signal", async () => {
  const takings: ((socket: WorkersSocket, signal: AbortSignal) => Promise<unknown>)[] = [
    (socket, signal) => acceptWebSocket(socket, { signal }),
    (socket, signal) => serveSocket(socket, () => new Response(), { signal }),
  ];
  for (const take of takings) {
    for (const early of [true, false]) {
      const { near, far } = workersSocketPair();
      const waited = Promise.withResolvers<void>();
      const opened = early ? far.opened : new Promise<never>(() => {});
      Object.defineProperty(far, "opened", {
        get: () => {
          waited.resolve();
          return opened;
        },
      });
      const controller = new AbortController();
      const reason = new Error("enough");
      if (early) controller.abort(reason);
      const rejecting = assertRejects(() => take(far, controller.signal));
      await waited.promise;
      controller.abort(reason);
      assertStrictEquals(await rejecting, reason);
      await far.closed;
      assertEquals((await near.readable.getReader().read()).done, true);
    }
  }
});

test("cloudflare.acceptWebSocket waits for a socket, and rejects with what it fails with", async () => {
  const { signal } = new AbortController();
  const { far } = workersSocketPair();
  const refused = new Error("refused");
  Object.defineProperty(far, "opened", { get: () => Promise.reject(refused) });
  assertStrictEquals(await assertRejects(() => acceptWebSocket(far, { signal })), refused);
});

test("cloudflare.serveSocket answers a request that is none for a WebSocket", async () => {
  const { near, far } = workersSocketPair();
  const serving = serveSocket(far, (request) => new Response(new URL(request.url).pathname));
  const writer = near.writable.getWriter();
  await writer.write(new TextEncoder().encode("GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n"));
  await writer.close();
  const text = await new Response(near.readable as ReadableStream<Uint8Array<ArrayBuffer>>).text();
  assertEquals(text.split("\r\n")[0], "HTTP/1.1 200 OK");
  assertStringIncludes(text, "\r\n/page\r\n");
  await serving;
});

test("cloudflare.serveSocket lets upgradeWebSocket use this library's codec", async () => {
  const { near, far } = workersSocketPair();
  const serving = serveSocket(far, (request) => {
    const { response, connection } = upgradeWebSocket(request, { pingInterval: 1_000 });
    connection?.ping().then(() => connection.send("ponged"));
    return response;
  });
  await using client = await connectTo(near);
  assertEquals(await client.receive(), "ponged");
  await serving;
});

// In workerd ----------------------------------------------------------------------------------------

test("a connect handler of a Worker serves a WebSocket, with pings and compression", async () => {
  await using worker = await startWorker(WORKER, { tcp: true });
  const url = `ws://127.0.0.1:${worker.tcpPort}/`;
  await using connection = await connectWebSocket(url, { compression: true });
  assertEquals(connection.extensions, "permessage-deflate");
  const { remoteAddress } = JSON.parse(await connection.receive() as string);
  assertEquals([remoteAddress.transport, remoteAddress.hostname], ["tcp", "127.0.0.1"]);
  for (const message of ["text", "", "x".repeat(300_000), new Uint8Array(70_000).fill(7)]) {
    await connection.send(message);
    assertEquals(await connection.receive(), message);
  }
  assertEquals(await connection.close(4001, "bye"), {
    code: 4001,
    reason: "bye",
    wasClean: true,
  });

  const { client } = await RawClient.open({ port: worker.tcpPort! }, "/");
  await using _ = client;
  await client.nextText();
  assertEquals((await client.next())?.opcode, PING);
}, { skip });

test("a connect handler of a Worker serves a router", async () => {
  await using worker = await startWorker(WORKER, { tcp: true, bindings: { INBOUND: "serve" } });
  const port = worker.tcpPort!;
  const page = await RawClient.exchange(
    { port },
    requestText("/", { fields: { "Upgrade": null } }),
  );
  assertEquals([page.status, page.body], [200, "a page"]);
  const refusal = await RawClient.exchange({ port }, requestText("/echo", { method: "POST" }));
  assertEquals(refusal.status, 405);
  await using connection = await connectWebSocket(`ws://127.0.0.1:${port}/handler/x`);
  assertEquals(await connection.receive(), "open x");
  await connection.send("hello");
  assertEquals(await connection.receive(), "hello");
}, { skip });

test(
  "a connect handler of a Worker is not read faster than it reads, nor sends faster",
  async () => {
    await using worker = await startWorker(WORKER, { tcp: true, bindings: { INBOUND: "serve" } });
    const sending = await connectWebSocket(`ws://127.0.0.1:${worker.tcpPort}/hoard`);
    const block = new Uint8Array(1_048_576);
    for (let i = 0; i < 64; i++) void sending.send(block).catch(() => {});
    await settled(() => sending.bufferedAmount);
    assert(sending.bufferedAmount > 32 * block.length, `${sending.bufferedAmount} bytes left`);
    sending.abort();

    const { client: filled } = await RawClient.open({ port: worker.tcpPort! }, "/fill");
    await using _ = filled;
    let frame = await filled.nextData();
    while (frame?.opcode === BINARY) frame = await filled.nextData();
    assertEquals(JSON.parse(new TextDecoder().decode(frame?.payload)).waited, true);
  },
  { skip },
);

test(
  "a connect handler of a Worker lets go of a peer that takes nothing and answers nothing",
  async () => {
    await using worker = await startWorker(WORKER, { tcp: true, bindings: { INBOUND: "serve" } });
    const options = encodeURIComponent(JSON.stringify({ pingInterval: 100, pingTimeout: 100 }));
    const { client } = await RawClient.open({ port: worker.tcpPort! }, `/large?options=${options}`);
    await using _ = client;
    client.pause();
    // A write is pending all the while, and no read of ours helps it on.
    const ends: unknown[] = [];
    for (let looks = 0; looks < 10_000 && !ends.includes("socket closed"); looks++) {
      ends.push(...await (await fetch(`${worker.url}/ends`)).json());
    }
    assert(ends.includes("socket closed"), JSON.stringify(ends));
  },
  { skip },
);

test("a connect handler of a Worker keeps a peer that takes a large message slowly", async () => {
  await using worker = await startWorker(WORKER, { tcp: true, bindings: { INBOUND: "serve" } });
  const options = encodeURIComponent(JSON.stringify({ pingInterval: 500, pingTimeout: 1_500 }));
  const { client } = await RawClient.open({ port: worker.tcpPort! }, `/large?options=${options}`);
  await using _ = client;
  let arrived = false;
  const message = client.nextData().finally(() => arrived = true);
  // A peer that is given up would be so long before it has it all.
  while (!arrived) {
    client.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    client.resume();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assertEquals((await message)?.payload.length, 33_554_432);
  client.sendClose(1000);
  assertEquals(await client.nextClose(), 1000);
}, { skip });
