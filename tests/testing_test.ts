import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { upgradeWebSocket } from "../src/adapters/tcp.ts";
import { WebSocketHandshakeError } from "../src/errors.ts";
import { WebSocketRouter } from "../src/router.ts";
import {
  connectTo,
  createChunker,
  createPair,
  createStreamPair,
  ManualClock,
} from "../src/testing.ts";
import { test } from "./harness.ts";

test("createPair connects two ends, as real ones would agree", async () => {
  const { client, server } = createPair({
    url: "wss://example.com/",
    protocol: "chat",
    compression: { serverMaxWindowBits: 10, clientNoContextTakeover: true },
  });
  await client.send("there");
  assertEquals(await server.receive(), "there");
  await server.send("back");
  assertEquals(await client.receive(), "back");
  for (const connection of [client, server]) {
    assertEquals([connection.url, connection.protocol], ["wss://example.com/", "chat"]);
    assert(connection.extensions.includes("server_max_window_bits=10"));
    assert(connection.extensions.includes("client_no_context_takeover"));
  }
  await client.close();
});

test("createPair checks the options of both ends before it makes one", () => {
  const clock = new ManualClock();
  for (const wrong of [{ server: { maxMessageSize: -1 } }, { chunkSize: 0 }, { capacity: -1 }]) {
    assertThrows(() => createPair({ client: { clock }, ...wrong }), RangeError);
  }
  assertEquals(clock.pending, 0);
});

test("createPair gives each end its own options", async () => {
  const { client, server } = createPair({ client: { maxMessageSize: 3 } });
  await client.send("longer than three");
  assertEquals(await server.receive(), "longer than three");
  void server.send("1234");
  assertEquals((await server.closed).code, 1009);
  await client.closed;
});

test("createPair delivers in pieces of the chunk size, of one byte as well", async () => {
  const { client, server } = createPair({ chunkSize: 1 });
  await client.send("a".repeat(300));
  assertEquals(await server.receive(), "a".repeat(300));
  await client.close();
});

test("A pair that is disposed of closes both ends", async () => {
  let ends;
  {
    await using pair = createPair();
    ends = [pair.client, pair.server];
  }
  for (const connection of ends) assertEquals((await connection.closed).code, 1000);
});

test("createPair gives each end its data, by type as well", async () => {
  const pair = createPair({ server: { data: { user: "ann" } }, client: { data: 7 } });
  const user: string = pair.server.data.user;
  const count: number = pair.client.data;
  assertEquals([user, count], ["ann", 7]);
  await pair.client.close();
});

const rooms = new WebSocketRouter([
  ["/rooms/:name", async (connection, request, name) => {
    await connection.send([name, request.url, request.headers.get("x-user"), connection.protocol]);
    await connection.forEach((message) => connection.send(message));
  }],
], { subprotocols: ["v1"], compression: true });
const handle = async (request: Request): Promise<Response> =>
  await rooms.handle(request, upgradeWebSocket) ?? new Response("none", { status: 404 });

test("connectTo opens a connection to what a server's function answers", async () => {
  const connection = await connectTo(handle, {
    url: "/rooms/a%20b?c",
    headers: { "x-user": "ann" },
    subprotocols: ["v1"],
    compression: true,
    data: "mine",
  });
  assertEquals(connection.url, "ws://localhost/rooms/a%20b?c");
  assert(connection.extensions.startsWith("permessage-deflate"));
  const data: string = connection.data;
  assertEquals(data, "mine");
  const greeting = JSON.parse(await connection.receive() as string);
  assertEquals(greeting, ["a b", "http://localhost/rooms/a%20b?c", "ann", "v1"]);
  await connection.send("x".repeat(100_000));
  assertEquals(await connection.receive(), "x".repeat(100_000));
  assertEquals((await connection.close(4000)).code, 4000);
});

test("connectTo takes the address and the security of a client from its options", async () => {
  const peers: unknown[] = [];
  const remoteAddress = { transport: "tcp", hostname: "192.0.2.7", port: 9 } as const;
  const connection = await connectTo((request, peer) => {
    peers.push(request.url, peer);
    return upgradeWebSocket(request).response;
  }, { url: new URL("wss://example.com/x"), server: { remoteAddress } });
  assertEquals(peers, ["https://example.com/x", { remoteAddress, secure: true }]);
  await connection.close();
});

test("connectTo rejects with the answer where there is no upgrade, or the function throws", async () => {
  const error = await assertRejects(() => connectTo(handle), WebSocketHandshakeError);
  assertEquals([error.status, await error.response!.text()], [404, "none"]);
  const refused = () => connectTo(handle, { url: "/rooms/a", origin: "https://elsewhere.example" });
  assertEquals((await assertRejects(refused, WebSocketHandshakeError)).status, 403);
  const reported: unknown[] = [];
  const failing = () => {
    throw new RangeError("enough");
  };
  const server = { onError: (error: unknown) => reported.push(error) };
  const broken = await assertRejects(
    () => connectTo(failing, { server }),
    WebSocketHandshakeError,
  );
  assertEquals([broken.status, reported.map(String)], [500, ["RangeError: enough"]]);
});

test("connectTo refuses what is no function, and wrong options of either side, at once", async () => {
  await assertRejects(() => connectTo(rooms as never), TypeError, "handler");
  await assertRejects(
    () => connectTo(handle, { server: { stallTimeout: -1 } }),
    RangeError,
    "stall",
  );
  await assertRejects(
    () => connectTo(handle, { connectTimeout: -1 }),
    RangeError,
    "connectTimeout",
  );
});

test("connectTo gives up where the function takes longer than connectTimeout", async () => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  const never = () => {
    asked.resolve();
    return new Promise<Response>(() => {});
  };
  const connecting = connectTo(never, { clock, connectTimeout: 50 });
  const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
  await asked.promise;
  await clock.advance(50);
  assertEquals(((await rejected).cause as Error).name, "TimeoutError");
});

test("createStreamPair carries what is written to one to the other", async () => {
  const [near, far] = createStreamPair();
  for (const [from, to] of [[near, far], [far, near]] as const) {
    const writer = from.writable.getWriter();
    const reader = to.readable.getReader();
    const writing = writer.write(Uint8Array.of(1, 2));
    assertEquals((await reader.read()).value, Uint8Array.of(1, 2));
    await writing;
    const closing = writer.close();
    assertEquals((await reader.read()).done, true);
    await closing;
  }
});

test("createChunker cuts chunks, and never joins them", async () => {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Uint8Array.of(1, 2, 3, 4, 5));
      controller.enqueue(Uint8Array.of(6));
      controller.close();
    },
  });
  const pieces = await Array.fromAsync(source.pipeThrough(createChunker(2)));
  assertEquals(pieces.map((piece) => [...piece]), [[1, 2], [3, 4], [5], [6]]);
});

test("createChunker refuses sizes that are no positive integers", () => {
  for (const size of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => createChunker(size), RangeError, "size must be an integer from 1");
  }
});

test("ManualClock stands still until it is advanced, and runs timeouts in the order they are due", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const note = (name: string) => () => log.push(`${name} at ${clock.now()}`);
  clock.setTimeout(note("late"), 30);
  clock.setTimeout(note("early"), 10);
  clock.setTimeout(note("same"), 10);
  clock.clearTimeout(clock.setTimeout(note("forgotten"), 5));
  assertEquals([clock.now(), clock.pending], [0, 3]);
  await clock.advance(9);
  assertEquals(log, []);
  await clock.advance(1);
  assertEquals(log, ["early at 10", "same at 10"]);
  await clock.advance(100);
  assertEquals([log[2], clock.now(), clock.pending], ["late at 30", 110, 0]);
});

test("ManualClock runs timeouts that are set on the way, and lets promises run in between", async () => {
  const clock = new ManualClock();
  const log: number[] = [];
  const again = async () => {
    log.push(clock.now());
    await Promise.resolve();
    clock.setTimeout(again, 10);
  };
  clock.setTimeout(again, 10);
  await clock.advance(35);
  assertEquals(log, [10, 20, 30]);
  clock.setTimeout(() => log.push(-1), -5);
  await clock.advance(0);
  assertEquals(log.at(-1), -1);
});
