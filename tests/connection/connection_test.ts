import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { WebSocketConnection } from "../../src/connection/stream_link.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { createPair, createStreamPair, ManualClock } from "../../src/testing.ts";
import type { Sendable } from "../../src/types.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  bytes,
  CLOSE,
  closeFrameFor,
  concat,
  CONTINUATION,
  frameFor,
  PING,
  PONG,
  TEXT,
} from "../protocol/frames.ts";
import { openConnection, settle, stateOf } from "./fake_transport.ts";

// What is sent ---------------------------------------------------------------------------------

test("send notices that what makes JSON of a value has ended the connection", async () => {
  for (const end of ["close", "abort"] as const) {
    const { connection, transport } = openConnection({ pingInterval: 0 });
    const value = {
      toJSON(): string {
        void connection[end]();
        return "late";
      },
    };
    await assertRejects(() => connection.send(value), WebSocketClosedError);
    // Nobody awaits this one: it is not reported.
    void connection.send(value);
    assertEquals(connection.stats().messagesSent, 0, end);
    assertEquals(connection.bufferedAmount, 0, end);
    assertEquals(transport.byteLength, end === "close" ? 4 : 0, end);
    connection.abort();
    await connection.closed;
  }
});

test("send frames each kind of value as text or binary (RFC 6455 5.6)", async () => {
  const { client, server } = createPair();
  const { buffer } = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  class Point {
    toJSON(): unknown {
      return { x: 1 };
    }
  }
  const cases: readonly (readonly [Sendable, string | Uint8Array])[] = [
    ["text", "text"],
    ["", ""],
    ["a\ud800b", "a\ufffdb"],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    [new Uint8Array(buffer, 2, 3), Uint8Array.of(3, 4, 5)],
    [new Uint8Array(0), new Uint8Array(0)],
    [new Uint16Array(buffer, 2, 1), Uint8Array.of(3, 4)],
    [new DataView(buffer, 6), Uint8Array.of(7, 8)],
    [buffer, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    [new ArrayBuffer(0), new Uint8Array(0)],
    [new Blob(["blob"]), bytes("blob")],
    [new Blob([]), new Uint8Array(0)],
    [{ hello: "world" }, '{"hello":"world"}'],
    [[1, "two", null], '[1,"two",null]'],
    [new Point() as unknown as Record<string, unknown>, '{"x":1}'],
    [new Blob(["a", "b"]).stream(), bytes("ab")],
    [new Response("text").body!.pipeThrough(new TextDecoderStream()), "text"],
    [(async function* () {})(), new Uint8Array(0)],
  ];
  for (const [value, expected] of cases) {
    await client.send(value);
    assertEquals(await server.receive(), expected);
  }
  assertEquals(client.stats().messagesSent, cases.length);
  assertEquals(server.stats().messagesReceived, cases.length);
  await client.close();
});

test("send refuses what is no message with a TypeError, and sends nothing", async () => {
  const { connection, transport } = openConnection();
  class Point {}
  for (
    const value of [undefined, null, 5, 5n, true, Symbol("s"), () => {}, new Point(), new Map()]
  ) {
    await assertRejects(() => connection.send(value as Sendable), TypeError, "Cannot send message");
  }
  await settle();
  assertEquals([transport.writes.length, connection.stats().messagesSent], [0, 0]);
  connection.abort();
});

test("send frames text as binary where that is asked for", async () => {
  const { client, server } = createPair();
  void client.send("é", { binary: true });
  void client.send({ a: 1 }, { binary: true });
  assertEquals(await server.receive(), bytes("é"));
  assertEquals(await server.receive(), bytes('{"a":1}'));
  await client.close();
});

test("send compresses where that is agreed, by size or as it is told", async () => {
  const { client, server } = createPair({ compression: true });
  assertEquals(client.extensions, server.extensions);
  assert(client.extensions.startsWith("permessage-deflate"));
  assertEquals(client.capabilities.compression, true);
  const sizes: number[] = [];
  for (const compress of [undefined, false, true]) {
    const before = client.stats().bytesSent;
    await client.send("x".repeat(5_000), compress === undefined ? {} : { compress });
    assertEquals(await server.receive(), "x".repeat(5_000));
    sizes.push(client.stats().bytesSent - before);
  }
  assertLess(sizes[0]!, 100);
  assert(sizes[1]! > 5_000);
  assertLess(sizes[2]!, 100);
  await client.close();
});

test("send keeps the order of the calls, with Blobs and streams in between", async () => {
  const { client, server } = createPair();
  const slow = async function* () {
    yield "s";
    await settle();
    yield "low";
  };
  const sent: readonly Sendable[] = [
    "1",
    new Blob(["2"]),
    "3",
    slow(),
    Uint8Array.of(4),
    { five: 5 },
    new Blob(["6"]).stream(),
    "7",
  ];
  for (const message of sent) void client.send(message);
  const received = [];
  for (let i = 0; i < sent.length; i++) received.push(await server.receive());
  assertEquals(received, [
    "1",
    bytes("2"),
    "3",
    "slow",
    Uint8Array.of(4),
    '{"five":5}',
    bytes("6"),
    "7",
  ]);
  await client.close();
});

test("send behind a slow one takes the bytes as they are when it is called", async () => {
  const { client, server } = createPair();
  void client.send(new Blob(["first"]));
  const data = bytes("second");
  void client.send(data);
  data.fill(0);
  await server.receive();
  assertEquals(await server.receive(), bytes("second"));
  await client.close();
});

test("send makes a fragment of each piece of a stream, with control frames in between (RFC 6455 5.4)", async () => {
  const { connection, transport } = openConnection();
  let go = () => {};
  const held = new Promise<void>((resolve) => go = resolve);
  const sending = connection.send((async function* () {
    yield "a\ud83d";
    await held;
    yield "\ude00b";
  })());
  await settle();
  void connection.ping("p");
  transport.receive(frameFor("server", PING, "q"));
  const next = connection.send("next");
  await settle();
  go();
  await Promise.all([sending, next]);
  await settle();
  const decoder = new TextDecoder();
  assertEquals(
    transport.frames.map(({ opcode, fin, payload }) => [opcode, fin, decoder.decode(payload)]),
    [
      [TEXT, false, "a"],
      [PING, true, "p"],
      [PONG, true, "q"],
      [CONTINUATION, false, "😀b"],
      [CONTINUATION, true, ""],
      [TEXT, true, "next"],
    ],
  );
  connection.abort();
});

test("send of a stream that fails before its first piece rejects, and the connection lives on", async () => {
  const { client, server } = createPair();
  const source = new ReadableStream<string>({
    start: (controller) => controller.error(new RangeError("x")),
  });
  await assertRejects(() => client.send(source), RangeError, "x");
  await client.send("after");
  assertEquals(await server.receive(), "after");
  await client.close();
});

test("send of a stream of text goes as binary where it is told to", async () => {
  const { client, server } = createPair();
  await client.send(ReadableStream.from(["Gr", "üße ", "\ud83c", "\udf0a"]), { binary: true });
  assertEquals(await server.receive(), new TextEncoder().encode("Grüße 🌊"));
  await client.close();
});

test("send of a stream that fails later, or mixes, closes with 1011", async () => {
  const failing = async function* () {
    yield "a";
    throw new RangeError("source");
  };
  const mixing = async function* () {
    yield "a";
    yield Uint8Array.of(1);
  };
  for (const [source, error] of [[failing(), RangeError], [mixing(), TypeError]] as const) {
    const { client, server } = createPair();
    const sending = client.send(source);
    const after = client.send("after");
    await assertRejects(() => sending, error);
    await assertRejects(() => after, WebSocketClosedError);
    assertEquals((await server.closed).code, 1011);
    assertEquals(await server.receive(), null);
    assertEquals((await client.closed).wasClean, true);
  }
});

test("send of a source that hangs rejects when the connection ends, and those behind it", async () => {
  const hanging = () => new ReadableStream<string>({ pull: () => new Promise(() => {}) });
  const begun = () =>
    (async function* () {
      yield "a";
      await new Promise(() => {});
    })();
  for (const source of [hanging, begun]) {
    for (const end of ["lose", "peer close"] as const) {
      const clock = new ManualClock();
      const { connection, transport } = openConnection({ clock, closeTimeout: 1_000 });
      const sending = [connection.send(source()), connection.send("x"), connection.send(hanging())];
      await settle();
      if (end === "lose") transport.lose();
      else transport.receive(closeFrameFor("server", 1000));
      await clock.advance(1_000);
      for (const each of sending) await assertRejects(() => each, WebSocketClosedError);
      connection.abort();
    }
  }
});

test("send ends the source of a stream that it cannot send any more", async () => {
  const { connection, transport } = openConnection();
  let ended = false, go = () => {};
  const held = new Promise<void>((resolve) => go = resolve);
  const sending = connection.send((async function* () {
    try {
      yield "a";
      await held;
      yield "b";
    } finally {
      ended = true;
    }
  })());
  await settle();
  transport.lose();
  await assertRejects(() => sending, WebSocketClosedError);
  go();
  await settle();
  assertEquals(ended, true);
});

// Flow control ---------------------------------------------------------------------------------

test("Sends of one turn leave in one write", async () => {
  const { connection, transport } = openConnection();
  for (let i = 0; i < 100; i++) void connection.send(`message ${i}`);
  assertEquals(transport.writes.length, 0);
  await settle();
  assertEquals([transport.writes.length, transport.frames.length], [1, 100]);
  connection.abort();
});

test("Answers to messages that came together leave in one write, by iteration as well", async () => {
  const { connection, transport } = openConnection();
  const echoing = (async () => {
    for await (const message of connection) await connection.send(message);
  })();
  await settle();
  transport.receive(...Array.from({ length: 64 }, (_, i) => frameFor("server", TEXT, `${i}`)));
  await settle();
  await settle();
  assertEquals([transport.writes.length, transport.frames.length], [1, 64]);
  connection.abort();
  await assertRejects(() => echoing, WebSocketClosedError);
});

test("send resolves at once below the high-water mark, and waits above it", async () => {
  const { connection, transport } = openConnection({
    sendHighWaterMark: 1_000,
    sendLowWaterMark: 100,
  });
  transport.blocked = true;
  assertEquals(await stateOf(connection.send(new Uint8Array(900))), "resolved");
  const waiting = connection.send(new Uint8Array(900));
  assertEquals(await stateOf(waiting), "pending");
  assertEquals(connection.bufferedAmount, 1_808);
  transport.drain();
  assertEquals(await stateOf(waiting), "pending");
  transport.drain();
  await waiting;
  assertEquals(connection.bufferedAmount, 0);
  connection.abort();
});

test("A peer that does not read leaves bufferedAmount bounded where send is awaited", async () => {
  const { client, server } = createPair({
    capacity: 10_000,
    server: { receiveHighWaterMark: 5_000 },
  });
  let sent = 0;
  const sending = (async () => {
    for (; sent < 1_000; sent++) await client.send(new Uint8Array(1_000));
  })();
  await settle();
  // 5 KB received, 10 KB on the way, 64 KiB waiting, each exceeded by a chunk at most.
  assertLess(sent, 250);
  assertLess(client.bufferedAmount, 70_000);
  assertLess(server.stats().bytesReceived, 90_000);
  let received = 0;
  for (; received < 1_000; received++) await server.receive();
  await sending;
  await client.close();
});

test("A receiver that does not take its messages makes the transport pause", async () => {
  const { connection, transport } = openConnection({ receiveHighWaterMark: 10_000 });
  let fed = 0;
  while (!transport.paused && fed < 1_000) {
    transport.receive(frameFor("server", BINARY, new Uint8Array(1_000)));
    fed++;
  }
  assertLess(fed, 12);
  let taken = 0;
  while (transport.paused) {
    assertEquals((await connection.receive() as Uint8Array).length, 1_000);
    taken++;
  }
  assert(taken > 5 && taken < fed, "reading goes on at the low-water mark");
  connection.abort();
});

test("Many small and empty messages make the transport pause as well", () => {
  const { connection, transport } = openConnection({ receiveHighWaterMark: 10_000 });
  for (let i = 0; i < 1_000 && !transport.paused; i++) transport.receive(frameFor("server", TEXT));
  assertEquals(transport.paused, true);
  connection.abort();
});

test("A chunk of many messages is delivered whole and in order through pauses", async () => {
  const { connection, transport } = openConnection({ receiveHighWaterMark: 500 });
  const count = 2_000;
  transport.receive(...Array.from({ length: count }, (_, i) => frameFor("server", TEXT, `${i}`)));
  assertEquals(transport.paused, true);
  for (let i = 0; i < count; i++) assertEquals(await connection.receive(), `${i}`);
  assertEquals(transport.paused, false);
  connection.abort();
});

// What it shows --------------------------------------------------------------------------------

test("stats counts messages and bytes, headers included", async () => {
  const { connection, transport } = openConnection();
  await connection.send("12345");
  transport.receive(frameFor("server", TEXT, "123"), frameFor("server", PONG, ""));
  await settle();
  assertEquals(connection.stats(), {
    messagesSent: 1,
    messagesReceived: 1,
    bytesSent: 7,
    bytesReceived: 15,
  });
  assertEquals(transport.byteLength, 7);
  connection.abort();
});

test("stats counts what a lost transport has taken, and no more", async () => {
  const { connection, transport } = openConnection();
  transport.blocked = true;
  void connection.send("12345");
  void connection.send("6");
  await settle();
  transport.unwritten = 3;
  transport.lose();
  assertEquals(connection.stats().bytesSent, transport.byteLength - 3);
});

test("readyState has the numbers of WHATWG's WebSocket", async () => {
  const { connection, transport } = openConnection();
  assertEquals(connection.readyState, WebSocket.OPEN);
  void connection.close();
  assertEquals(connection.readyState, WebSocket.CLOSING);
  transport.receive(closeFrameFor("server", 1000, ""));
  transport.receiveEof();
  await connection.closed;
  assertEquals(connection.readyState, WebSocket.CLOSED);

  const { client, server } = createPair();
  const iterating = (async () => {
    for await (const _ of client);
  })();
  void server.close();
  await iterating;
  assert(client.readyState > WebSocket.OPEN);
  await client.closed;
  assertEquals([client.readyState, server.readyState], [3, 3]);
});

test("A connection shows what the handshake settled", () => {
  const { client, server } = createPair({ url: "wss://example.com/a", protocol: "p" });
  for (const connection of [client, server]) {
    assertEquals([connection.url, connection.protocol, connection.extensions], [
      "wss://example.com/a",
      "p",
      "",
    ]);
    connection.abort();
  }
  const { connection, transport } = openConnection();
  assertStrictEquals(connection.remoteAddress, transport.remoteAddress);
  assertEquals(connection.capabilities.noDelay, true);
  connection.setNoDelay(false);
  assertEquals(transport.noDelay, false);
  connection.abort();
});

test("WebSocketConnection takes a byte stream whose handshake is done", async () => {
  const [near, far] = createStreamPair();
  const client = new WebSocketConnection(near, { role: "client", url: "ws://here/" });
  const server = new WebSocketConnection(far, { role: "server", protocol: "p" });
  assertEquals([client.url, client.protocol, server.url, server.protocol], [
    "ws://here/",
    "",
    "",
    "p",
  ]);
  void client.send("sent before anything is read");
  assertEquals(await server.receive(), "sent before anything is read");
  await server.send(new Uint8Array(200_000));
  assertEquals((await client.receive() as Uint8Array).length, 200_000);
  assertEquals((await client.close()).wasClean, true);
  assertEquals((await server.closed).wasClean, true);
});

test("WebSocketConnection refuses options out of their range", async () => {
  const [near] = createStreamPair();
  let thrown: unknown;
  try {
    new WebSocketConnection(near, { role: "client", maxMessageSize: -1 });
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof RangeError);
  await near.readable.cancel();
});

test("WebSocketConnection refuses a byte stream that is locked", () => {
  for (const side of ["readable", "writable"] as const) {
    const [near] = createStreamPair();
    if (side === "readable") near.readable.getReader();
    else near.writable.getWriter();
    assertThrows(
      () => new WebSocketConnection(near, { role: "client" }),
      TypeError,
      `its ${side} side is locked`,
    );
  }
});

test("WebSocketConnection refuses a message above the limit with 1009, whichever way it comes", async () => {
  for (const compression of [false, true]) {
    const { client, server } = createPair({ compression, server: { maxMessageSize: 10_000 } });
    await client.send("x".repeat(10_000));
    assertEquals((await server.receive())?.length, 10_000);
    void client.send("x".repeat(10_001));
    assertEquals((await client.closed).code, 1009);
    assertEquals((await server.closed).code, 1006);
  }
});

test("A fragment that follows our Close is not sent, the Close may stand between fragments", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 1_000 });
  let go = () => {};
  const held = new Promise<void>((resolve) => go = resolve);
  const sending = connection.send((async function* () {
    yield "a";
    await held;
    yield "b";
  })());
  await settle();
  transport.receive(concat(closeFrameFor("server", 1000)));
  await clock.advance(500);
  await assertRejects(() => sending, WebSocketClosedError);
  go();
  await settle();
  assertEquals(transport.frames.map(({ opcode }) => opcode), [TEXT, CLOSE]);
  connection.abort();
});
