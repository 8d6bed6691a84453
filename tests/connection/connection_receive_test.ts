/** How messages are taken from a `WebSocketConnection`. */

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { consumeMessages, type WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { createPair } from "../../src/testing.ts";
import type { Message } from "../../src/types.ts";
import { test } from "../harness.ts";
import { closeFrameFor, frameFor, PING, TEXT } from "../protocol/frames.ts";
import { openConnection, settle, stateOf } from "./fake_transport.ts";

test("receive serves several calls in their order", async () => {
  const { client, server } = createPair();
  const waiting = [server.receive(), server.receive(), server.receive()];
  for (const text of ["a", "b", "c", "d"]) void client.send(text);
  assertEquals(await Promise.all(waiting), ["a", "b", "c"]);
  assertEquals(await server.receive(), "d");
  const last = [server.receive(), server.receive()];
  await client.close();
  assertEquals(await Promise.all(last), [null, null]);
});

test("receive gives up by its signal, and no message is lost", async () => {
  const { client, server } = createPair();
  const controller = new AbortController();
  const first = server.receive({ signal: controller.signal });
  const second = server.receive();
  controller.abort(new RangeError("enough"));
  await assertRejects(() => first, RangeError, "enough");
  await assertRejects(() => server.receive({ signal: controller.signal }), RangeError);
  void client.send("a");
  assertEquals(await second, "a");
  const unused = new AbortController();
  void client.send("b");
  assertEquals(await server.receive({ signal: unused.signal }), "b");
  unused.abort();
  const third = server.receive({ signal: new AbortController().signal });
  void client.send("c");
  assertEquals(await third, "c");
  await client.close();
});

test("Iteration gives each message, and ends after a closing handshake, whatever its code", async () => {
  for (const code of [1000, 1001, 1011, 4999]) {
    const { client, server } = createPair();
    for (let i = 0; i < 5; i++) void client.send(`${i}`);
    void client.close(code);
    const received: Message[] = [];
    for await (const message of server) received.push(message);
    assertEquals(received, ["0", "1", "2", "3", "4"]);
  }
});

test("Iteration throws where the connection ended without one, after what arrived before", async () => {
  const { connection, transport } = openConnection();
  transport.receive(frameFor("server", TEXT, "a"), frameFor("server", TEXT, "b"));
  const cause = new Error("cut");
  transport.lose(cause);
  const received: Message[] = [];
  const error = await assertRejects(async () => {
    for await (const message of connection) received.push(message);
  }, WebSocketClosedError);
  assertEquals(received, ["a", "b"]);
  assertEquals([error.code, error.wasClean], [1006, false]);
  assertStrictEquals(error.cause, cause);
});

test("Leaving the loop leaves the connection open, and the next message for whoever asks", async () => {
  const { client, server } = createPair();
  void client.send("a");
  void client.send("b");
  for await (const message of server) {
    assertEquals(message, "a");
    break;
  }
  assertEquals(await server.receive(), "b");
  await server.send("open");
  assertEquals(await client.receive(), "open");
  await client.close();
});

test("readable and writable carry messages, with backpressure", async () => {
  const { client, server } = createPair();
  const echoing = server.readable.pipeTo(server.writable);
  const writer = client.writable.getWriter();
  const reader = client.readable.getReader();
  for (const message of ["text", Uint8Array.of(1, 2)]) {
    await writer.write(message);
    assertEquals(await reader.read(), { value: message, done: false });
  }
  await writer.close();
  assertEquals((await reader.read()).done, true);
  await echoing;
  assertEquals(await client.closed, { code: 1000, reason: "", wasClean: true });
  assertStrictEquals(client.readable, client.readable);
  assertStrictEquals(client.writable, client.writable);
});

test("readable takes no message before it is read", async () => {
  const { client, server } = createPair();
  const { readable } = server;
  void client.send("a");
  await settle();
  assertEquals(await server.receive(), "a");
  const reader = readable.getReader();
  void client.send("b");
  assertEquals((await reader.read()).value, "b");
  await client.close();
});

test("readable fails where the connection is lost, and closes it where it is cancelled", async () => {
  const { connection, transport } = openConnection();
  const reading = connection.readable.getReader().read();
  transport.lose();
  await assertRejects(() => reading, WebSocketClosedError);
  const { client, server } = createPair();
  await client.readable.cancel();
  assertEquals((await server.closed).code, 1000);
});

test("A read of readable that is cancelled while it waits takes no message with it", async () => {
  const { client, server } = createPair();
  const reader = server.readable.getReader();
  const reading = reader.read();
  await settle();
  const cancelled = reader.cancel("enough");
  await client.send("late");
  assertEquals(await server.receive(), "late");
  await cancelled;
  assertEquals((await reading).done, true);
  assertEquals((await client.closed).code, 1000);
});

test("A read of readable that is cancelled as its message comes has that message", async () => {
  const { connection, transport } = openConnection();
  const reader = connection.readable.getReader();
  const reading = reader.read();
  await settle();
  transport.receive(frameFor("server", TEXT, "a"));
  void reader.cancel();
  assertEquals((await reading).value, "a");
  connection.abort();
});

test("forEach gives each message as it arrives, and ends as iteration does", async () => {
  const { connection, transport } = openConnection();
  const received: Message[] = [];
  const done = connection.forEach((message) => received.push(message));
  await settle();
  transport.receive(frameFor("server", TEXT, "a"), frameFor("server", TEXT, "b"));
  assertEquals(received, ["a", "b"]);
  transport.receive(closeFrameFor("server", 4999));
  await done;
  connection.abort();

  const lost = openConnection();
  const cut = lost.connection.forEach(() => {});
  lost.transport.receive(frameFor("server", TEXT, "a"));
  lost.transport.lose(new Error("cut"));
  const error = await assertRejects(() => cut, WebSocketClosedError);
  assertEquals([error.code, error.wasClean], [1006, false]);
});

test("forEach answers each message, also those that came with the peer's Close", async () => {
  const { client, server } = createPair();
  const echoing = server.forEach((message) => server.send(message));
  await assertRejects(() => server.forEach(() => {}), TypeError);
  for (const text of ["a", "b", "c"]) void client.send(text);
  void client.close(1001);
  const echoes: Message[] = [];
  for await (const message of client) echoes.push(message);
  assertEquals(echoes, ["a", "b", "c"]);
  await echoing;
  assertEquals((await server.closed).code, 1001);
});

test("forEach leaves the connection open where its function throws, or its signal says so", async () => {
  const { client, server } = createPair();
  for (const text of ["a", "b", "c"]) void client.send(text);
  const failing = server.forEach(() => {
    throw new RangeError("enough");
  });
  await assertRejects(() => failing, RangeError, "enough");
  const controller = new AbortController();
  const stopped = server.forEach(() => controller.abort(), { signal: controller.signal });
  await assertRejects(() => stopped, DOMException);
  assertEquals(await server.receive(), "c");
  await server.send("open");
  assertEquals(await client.receive(), "open");
  await client.close();
});

test("consumeMessages hands over messages in the turn they arrive in", async () => {
  const { connection, transport } = openConnection();
  const received: Message[] = [];
  const done = consumeMessages(connection, (message) => void received.push(message));
  transport.receive(frameFor("server", TEXT, "a"), frameFor("server", TEXT, "b"));
  assertEquals(received, ["a", "b"]);
  assertEquals(await stateOf(done), "pending");
  transport.receive(frameFor("server", TEXT, "c"), closeFrameFor("server", 1000));
  assertEquals(received, ["a", "b", "c"]);
  await done;
  connection.abort();
});

test("consumeMessages takes what waited before, and waits for a consumer that returns a promise", async () => {
  const { connection, transport } = openConnection();
  transport.receive(frameFor("server", TEXT, "early"), frameFor("server", TEXT, "second"));
  const log: string[] = [];
  const done = consumeMessages(connection, async (message) => {
    log.push(`begin ${message}`);
    await settle();
    log.push(`end ${message}`);
  });
  transport.receive(frameFor("server", TEXT, "third"), closeFrameFor("server", 1000));
  transport.receiveEof();
  await done;
  assertEquals(
    log,
    ["early", "second", "third"].flatMap((name) => [`begin ${name}`, `end ${name}`]),
  );
});

test("consumeMessages stops reading while the consumer is busy", async () => {
  const { connection, transport } = openConnection({ receiveHighWaterMark: 1_000 });
  let go = () => {};
  const held = new Promise<void>((resolve) => go = resolve);
  let count = 0;
  void consumeMessages(connection, async () => {
    count++;
    await held;
  });
  for (let i = 0; i < 100 && !transport.paused; i++) {
    transport.receive(frameFor("server", TEXT, "x".repeat(100)));
  }
  assertEquals([count, transport.paused], [1, true]);
  go();
  await settle();
  assertEquals(transport.paused, false);
  connection.abort();
});

test("consumeMessages rejects with what the consumer throws, now or later, and hands over no more", async () => {
  const consumers: readonly ((message: Message) => unknown)[] = [
    () => {
      throw new RangeError("consumer");
    },
    () => Promise.reject(new RangeError("consumer")),
  ];
  for (const consumer of consumers) {
    const { connection, transport } = openConnection();
    let count = 0;
    const done = consumeMessages(connection, (message) => {
      count++;
      return consumer(message);
    });
    transport.receive(frameFor("server", TEXT, "a"), frameFor("server", TEXT, "b"));
    await assertRejects(() => done, RangeError, "consumer");
    transport.receive(frameFor("server", TEXT, "c"));
    assertEquals(count, 1);
    connection.abort();
  }
});

test("consumeMessages resolves where the connection is lost, once the last message is consumed", async () => {
  const { connection, transport } = openConnection();
  let ended = false;
  const done = consumeMessages(connection, async () => {
    await settle();
    ended = true;
  });
  transport.receive(frameFor("server", TEXT, "a"));
  transport.lose();
  await done;
  assertEquals(ended, true);
});

test("An observer may take messages while they are delivered, and none comes twice or too early", async () => {
  const taken: Promise<Message | null>[] = [];
  const observed: { connection?: WebSocketConnection } = {};
  const { connection, transport } = openConnection({
    receiveHighWaterMark: 500,
    onPing: () => taken.push(observed.connection!.receive()),
  });
  observed.connection = connection;
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 20; i++) {
    frames.push(frameFor("server", TEXT, `${i}`.padEnd(300)), frameFor("server", PING, ""));
  }
  transport.receive(...frames);
  // Taking the first message makes room, and the pings that follow take the others.
  const first = connection.receive();
  const messages = await Promise.all([first, ...taken.slice(0, 19)]);
  assertEquals(messages.map((message) => Number(message)), Array.from({ length: 20 }, (_, i) => i));
  connection.abort();
});

test("An observer that throws is reported, and the protocol goes on", async () => {
  const reported: unknown[] = [];
  const original = console.error;
  console.error = (...values: unknown[]) => reported.push(...values);
  try {
    const { connection, transport } = openConnection({
      onPing: () => {
        throw new RangeError("observer");
      },
    });
    transport.receive(frameFor("server", PING, "a"), frameFor("server", TEXT, "b"));
    assertEquals(await connection.receive(), "b");
    assertEquals(transport.frames.length, 1);
    connection.abort();
  } finally {
    console.error = original;
  }
  assert(reported.some((value) => value instanceof RangeError));
});

test("WebSocketConnection is assignable to Deno's global type of that name", () => {
  // The type exists where Deno checks this file; nothing is left of it at run time.
  const assign = (connection: WebSocketConnection): globalThis.WebSocketConnection => connection;
  const { connection } = openConnection();
  const { protocol, extensions, readable, writable } = assign(connection);
  assertEquals([protocol, extensions], ["", ""]);
  assert(readable instanceof ReadableStream && writable instanceof WritableStream);
  connection.abort();
});
