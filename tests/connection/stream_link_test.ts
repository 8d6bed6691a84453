import { assertEquals, assertThrows } from "@std/assert";
import { WebSocketConnection } from "../../src/connection/stream_link.ts";
import type { ByteStream, RemoteAddress, WebSocketConnectionOptions } from "../../src/types.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { CLOSE, closeFrameFor, frameFor, parseFrames, TEXT } from "../protocol/frames.ts";
import { settle, stateOf } from "./fake_transport.ts";
import { SlowStream } from "./slow_stream.ts";

/** Two ends of a pair of byte streams. */
function streamPair(): [ByteStream, ByteStream] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: there.readable, writable: back.writable },
    { readable: back.readable, writable: there.writable },
  ];
}

function connect(options: Partial<WebSocketConnectionOptions>) {
  const [mine, theirs] = streamPair();
  const server = new WebSocketConnection(mine, { ...options, role: "server" });
  const client = new WebSocketConnection(theirs, { ...options, role: "client" });
  return { client, server };
}

const agreed: readonly string[] = [
  "",
  "permessage-deflate",
  "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
];

for (const extensions of agreed) {
  test(`WebSocketConnection carries out "${extensions}" (RFC 7692 7)`, async () => {
    const { client, server } = connect({ extensions, compression: { threshold: 0 } });
    assertEquals([client.extensions, server.extensions], [extensions, extensions]);
    assertEquals(server.capabilities.compression, extensions !== "");
    const text = "again and ".repeat(2_000);
    for (let round = 0; round < 3; round++) {
      await client.send(text);
      assertEquals(await server.receive(), text);
      await server.send(text);
      assertEquals(await client.receive(), text);
    }
    const compressed = server.stats().bytesReceived < text.length;
    assertEquals(compressed, extensions !== "");
    await Promise.all([client.close(), server.closed]);
  });
}

const refused: readonly string[] = [
  "permessage-foo",
  "permessage-deflate, permessage-deflate",
  "permessage-deflate; server_max_window_bits=7",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; unknown",
  ";",
];

for (const extensions of refused) {
  test(`WebSocketConnection refuses "${extensions}", which cannot have been agreed`, () => {
    const [stream] = streamPair();
    const options = { role: "server", extensions } as const;
    assertThrows(
      () => new WebSocketConnection(stream, options),
      TypeError,
      "Cannot use extensions",
    );
  });
}

test("WebSocketConnection shows what it is told of a byte stream", async () => {
  const remoteAddress: RemoteAddress = { transport: "tcp", hostname: "192.0.2.1", port: 7 };
  const data = { user: "ada" };
  const [mine, theirs] = streamPair();
  const told = { url: "wss://example.com/", protocol: "chat", remoteAddress, data };
  const server = new WebSocketConnection(mine, { role: "server", ...told });
  const client = new WebSocketConnection(theirs, { role: "client" });
  assertEquals(server.data.user, "ada");
  assertEquals([server.url, server.protocol, client.url, client.protocol], [
    "wss://example.com/",
    "chat",
    "",
    "",
  ]);
  assertEquals([server.remoteAddress, client.remoteAddress], [remoteAddress, undefined]);
  assertThrows(() => server.setNoDelay(true), DOMException, "a byte stream has no such switch");
  await client.send("a");
  await server.receive();
  await Promise.all([client.close(), server.closed]);
});

test("WebSocketConnection takes a stream for one, whatever else it can do", async () => {
  const [mine, theirs] = streamPair();
  const attachable = { ...mine, attach: () => {} };
  const server = new WebSocketConnection(attachable, { role: "server" });
  const client = new WebSocketConnection(theirs, { role: "client" });
  await client.send("hello");
  assertEquals(await server.receive(), "hello");
  await Promise.all([client.close(), server.closed]);
});

test("WebSocketConnection refuses what is no stream, whatever else it can do", () => {
  for (const stream of ["ws://localhost/", {}, null, { attach: () => {} }]) {
    const make = () => new WebSocketConnection(stream as unknown as ByteStream, { role: "server" });
    assertThrows(make, TypeError, "stream must have a readable and a writable side");
  }
});

test("WebSocketConnection refuses compression that is out of its range", () => {
  for (const extensions of ["", "permessage-deflate"]) {
    for (const compression of [{ level: 10 }, { level: 0 }, { threshold: NaN }]) {
      const [stream] = streamPair();
      assertThrows(
        () => new WebSocketConnection(stream, { role: "server", extensions, compression }),
        RangeError,
        Object.keys(compression)[0],
      );
      assertEquals(stream.readable.locked, false);
    }
  }
});

test("WebSocketConnection over a slow stream is closed once its answers and its Close have left", async () => {
  for (const highWaterMark of [0, 1, 16]) {
    const stream = new SlowStream(highWaterMark);
    const connection = new WebSocketConnection(stream, { role: "server" });
    void connection.forEach((message) => connection.send(message));
    stream.receive(frameFor("server", TEXT, "a"));
    await settle();
    stream.receive(frameFor("server", TEXT, "b"), closeFrameFor("server", 1000));
    stream.receiveEof();
    while (await stateOf(connection.closed) === "pending") await stream.take();
    await settle();
    const frames = parseFrames(stream.bytes);
    assertEquals(frames.map(({ opcode }) => opcode), [TEXT, TEXT, CLOSE], `${highWaterMark}`);
    assertEquals(stream.ends, ["close"]);
    assertEquals(await connection.closed, { code: 1000, reason: "", wasClean: true });
  }
});

test("WebSocketConnection over a stream whose peer takes nothing does not end cleanly", async () => {
  const clock = new ManualClock();
  const stream = new SlowStream(16);
  const options = { role: "server", clock, closeTimeout: 1_000 } as const;
  const connection = new WebSocketConnection(stream, options);
  await settle();
  for (const text of ["a", "b"]) {
    void connection.send(text);
    await settle();
  }
  assertEquals(connection.bufferedAmount, 6);
  stream.receive(closeFrameFor("server", 1000));
  stream.receiveEof();
  await settle();
  await clock.advance(1_000);
  const { code, wasClean } = await connection.closed;
  assertEquals([code, wasClean], [1000, false]);
});

test("WebSocketConnection sends on over a stream that asks for no chunk", async () => {
  const stream = new SlowStream(0);
  const options = { role: "server", sendHighWaterMark: 10, sendLowWaterMark: 0 } as const;
  const connection = new WebSocketConnection(stream, options);
  for (let i = 0; i < 3; i++) {
    const sent = connection.send(new Uint8Array(20));
    assertEquals(await stateOf(sent), "pending");
    await stream.take();
    await sent;
  }
  connection.abort();
});

test("WebSocketConnection keeps a peer that takes a large message slowly", async () => {
  const clock = new ManualClock();
  const stream = new SlowStream();
  const options = { role: "server", clock, pingInterval: 1_000, pingTimeout: 500 } as const;
  const connection = new WebSocketConnection(stream, options);
  const sent = connection.send(new Uint8Array(2_621_440));
  for (let at = 0; at < 10; at++) {
    await clock.advance(1_000);
    assertEquals(await stateOf(connection.closed), "pending");
    await stream.take();
  }
  // The ping.
  await stream.take();
  await sent;
  connection.abort();
});
