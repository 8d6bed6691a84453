/** How a `WebSocketConnection` ends. */

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { consumeMessages, type WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError, WebSocketProtocolError } from "../../src/errors.ts";
import { createPair, ManualClock } from "../../src/testing.ts";
import { runtime, test } from "../harness.ts";
import { CLOSE, closeFrameFor, closePayload, frameFor, PING, TEXT } from "../protocol/frames.ts";
import { unhandled } from "../tools/unhandled.ts";
import { type FakeTransport, openConnection, settle, stateOf } from "./fake_transport.ts";

/** A frame with a reserved opcode. */
const BAD = frameFor("server", 3, "");

test("close resolves with how the connection ended, on both sides (RFC 6455 7.1)", async () => {
  for (const first of ["client", "server"] as const) {
    const pair = createPair();
    const near = pair[first], far = pair[first === "client" ? "server" : "client"];
    assertEquals([near.closeCode, near.closeReason], [undefined, undefined]);
    const info = await near.close(4000, "done");
    assertEquals(info, { code: 4000, reason: "done", wasClean: true });
    assertEquals(await far.closed, info);
    assertEquals([near.closeCode, far.closeReason], [4000, "done"]);
    assertEquals(await near.close(), info);
    assertEquals(await near.receive(), null);
  }
});

test("close ends in order from both sides at once, each with the other's code", async () => {
  const { client, server } = createPair();
  const [seenByClient, seenByServer] = await Promise.all([
    client.close(4001, "client"),
    server.close(4002, "server"),
  ]);
  assertEquals(seenByClient, { code: 4002, reason: "server", wasClean: true });
  assertEquals(seenByServer, { code: 4001, reason: "client", wasClean: true });
});

test("close refuses codes and reasons that may not be sent, and does nothing (RFC 6455 7.4)", async () => {
  const { connection, transport } = openConnection();
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_536, NaN]) {
    await assertRejects(() => connection.close(code), RangeError, "Cannot close");
  }
  await assertRejects(() => connection.close(1000, "é".repeat(62)), RangeError, "123");
  const array = new Float32Array(20) as unknown as string;
  await assertRejects(() => connection.close(1000, array), TypeError, "reason");
  await connection.send("still open");
  await settle();
  assertEquals(transport.frames.map(({ opcode }) => opcode), [TEXT]);
  connection.abort();
});

test("close sends its Close behind all that was sent", async () => {
  const { client, server } = createPair();
  void client.send("a");
  void client.send(new Blob(["b"]));
  void client.send((async function* () {
    yield "c";
    await settle();
    yield "d";
  })());
  void client.send("e");
  void client.close();
  const received = [];
  for await (const message of server) received.push(message);
  assertEquals(received, ["a", Uint8Array.of(98), "cd", "e"]);
  assertEquals((await client.closed).wasClean, true);
});

test("closed reports 1005 where the peer's Close has no code (RFC 6455 7.1.5)", async () => {
  const { connection, transport } = openConnection();
  transport.receive(frameFor("server", CLOSE));
  transport.receiveEof();
  assertEquals(await connection.closed, { code: 1005, reason: "", wasClean: true });
});

test("closed reports 1006 with an error where the transport ends without a Close (RFC 6455 7.1.5)", async () => {
  for (const end of ["receiveEof", "lose"] as const) {
    for (const phase of ["open", "closing", "within a frame", "sending", "receiving"]) {
      const { connection, transport } = openConnection();
      const pending: Promise<unknown>[] = [];
      if (phase === "closing") void connection.close();
      if (phase === "within a frame") {
        transport.receive(frameFor("server", TEXT, "abc").subarray(0, 5));
      }
      if (phase === "receiving") pending.push(connection.receive());
      if (phase === "sending") {
        transport.blocked = true;
        pending.push(connection.send(new Uint8Array(200_000)).catch((error) => error));
      }
      transport[end]();
      const info = await connection.closed;
      assertEquals([info.code, info.reason, info.wasClean], [1006, "", false], phase);
      assert(info.error instanceof Error, phase);
      assertEquals(connection.closeCode, 1006);
      if (phase === "receiving") assertEquals(await pending[0], null);
      if (phase === "sending") assert(await pending[0] instanceof WebSocketClosedError);
      assertEquals(transport.closed, true);
    }
  }
});

test("closed is settled for whoever asks late", async () => {
  const { connection, transport } = openConnection();
  transport.lose(new Error("gone"));
  await settle();
  assertEquals((await connection.closed).code, 1006);
  assertStrictEquals(connection.closed, connection.closed);
});

test("A violation ends the connection with 1006 and the violation as its error", async () => {
  const { connection, transport } = openConnection();
  transport.receive(frameFor("server", TEXT, "before"), frameFor("server", 3));
  transport.receiveEof();
  const info = await connection.closed;
  assertEquals([info.code, info.wasClean], [1006, false]);
  assert(info.error instanceof WebSocketProtocolError);
  assertEquals(info.error.closeCode, 1002);
  assertEquals(await connection.receive(), "before");
  assertEquals(await connection.receive(), null);
});

test("A peer that does not answer the Close is given up after closeTimeout", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 5_000 });
  const closed = connection.close();
  await clock.advance(4_999);
  assertEquals(await stateOf(closed), "pending");
  await clock.advance(1);
  const info = await closed;
  assertEquals([info.code, info.wasClean], [1006, false]);
  assert(info.error instanceof Error);
  assertEquals([transport.closed, clock.pending], [true, 0]);
});

test("A peer that does not end the transport is given up after closeTimeout, its Close being clean", async () => {
  const clock = new ManualClock();
  for (const role of ["server", "client"] as const) {
    const { connection, transport } = openConnection({ clock }, { role });
    transport.receive(closeFrameFor(role, 1001, "away"));
    assertEquals(await stateOf(connection.closed), "pending");
    await clock.advance(10_000);
    assertEquals(await connection.closed, { code: 1001, reason: "away", wasClean: true });
    assertEquals([transport.closed, clock.pending], [true, 0]);
  }
});

test("abort drops the transport at once, without a Close", async () => {
  const { connection, transport } = openConnection();
  const reason = new Error("enough");
  connection.abort(reason);
  connection.abort(new Error("twice"));
  const info = await connection.closed;
  assertEquals([info.code, info.wasClean, transport.closed], [1006, false, true]);
  assertStrictEquals(info.error, reason);
  assertEquals(transport.writes.length, 0);
  const other = openConnection().connection;
  other.abort();
  assertEquals(((await other.closed).error as DOMException).name, "AbortError");
});

test("The peer of an aborted connection sees 1006", async () => {
  const { client, server } = createPair();
  client.abort();
  assertEquals((await server.closed).code, 1006);
});

test("A signal aborts the connection, before or after it was created", async () => {
  const controller = new AbortController();
  const { connection, transport } = openConnection({ signal: controller.signal });
  controller.abort(new RangeError("signal"));
  assert((await connection.closed).error instanceof RangeError);
  assert(transport.closed);
  const late = openConnection({ signal: controller.signal });
  assert((await late.connection.closed).error instanceof RangeError);
  assert(late.transport.closed);
});

test("await using closes the connection with 1000", async () => {
  const { client, server } = createPair();
  {
    await using connection: WebSocketConnection = client;
    await connection.send("x");
  }
  assertEquals(client.closeCode, 1000);
  assertEquals(await server.receive(), "x");
  assertEquals((await server.closed).code, 1000);
});

test("Closing while the queue is full does not dead-lock, from either side", async () => {
  for (const first of ["client", "server"] as const) {
    const { client, server } = createPair({
      server: { receiveHighWaterMark: 1_000 },
      capacity: 2_000,
    });
    for (let i = 0; i < 100; i++) void client.send("x".repeat(500));
    await settle();
    const closing = first === "server" ? server.close() : client.close();
    await settle();
    let count = 0;
    while (await server.receive() !== null) count++;
    assert(count > 0);
    assertEquals((await closing).wasClean, true, first);
    if (first === "client") assertEquals(count, 100);
  }
});

test("Messages received before the Close are delivered after it", async () => {
  const { client, server } = createPair();
  for (let i = 0; i < 10; i++) void client.send(`message ${i}`);
  await client.close();
  await server.closed;
  for (let i = 0; i < 10; i++) assertEquals(await server.receive(), `message ${i}`);
  assertEquals(await server.receive(), null);
});

test("Messages are still received while our Close waits for the peer's (RFC 6455 5.5.1)", async () => {
  const { connection, transport } = openConnection();
  void connection.close();
  transport.receive(frameFor("server", TEXT, "late"));
  assertEquals(await connection.receive(), "late");
  transport.receive(closeFrameFor("server", 1000));
  assertEquals(await connection.receive(), null);
  transport.receiveEof();
  await connection.closed;
});

test("A consumer's answer to a message that came with the Close still precedes ours (Autobahn 7.1.1)", async () => {
  for (
    const [wire, code] of [
      [closeFrameFor("server", 1000), 1000],
      [frameFor("server", 3), 1002],
    ] as const
  ) {
    const { connection, transport } = openConnection();
    const done = consumeMessages(connection, (message) => connection.send(`echo ${message}`));
    transport.receive(frameFor("server", TEXT, "a"), frameFor("server", TEXT, "b"), wire);
    transport.receiveEof();
    await done;
    const frames = transport.frames.map(({ opcode, payload }) =>
      opcode === CLOSE ? (payload[0]! << 8) | payload[1]! : new TextDecoder().decode(payload)
    );
    assertEquals(frames, ["echo a", "echo b", code]);
  }
});

test("Nothing is sent after the Close: neither pongs nor messages (RFC 6455 5.5.1, 5.5.2)", async () => {
  const { connection, transport } = openConnection();
  void connection.close(4321, "bye");
  await assertRejects(() => connection.send("late"), WebSocketClosedError, "closing");
  await assertRejects(() => connection.ping(), WebSocketClosedError, "closing");
  transport.receive(frameFor("server", PING, "x"));
  await settle();
  assertEquals(transport.frames.map(({ payload }) => payload), [closePayload(4321, "bye")]);
  connection.abort();
});

test("send, receive and ping on a closed connection", async () => {
  const { client, server } = createPair();
  await server.close(4100, "gone");
  await client.closed;
  for (
    const operation of [
      () => client.send("x"),
      () => client.ping(),
      () => client.send(new Blob([])),
    ]
  ) {
    const error = await assertRejects(operation, WebSocketClosedError, "connection is closed");
    assertEquals([error.code, error.reason, error.wasClean], [4100, "gone", true]);
  }
  assertEquals(await client.receive(), null);
  client.abort();
  assertEquals((await client.closed).code, 4100);
});

test("A rejected send on a closed connection is not reported as unhandled", async () => {
  const reported = await unhandled(() => {
    const { connection, transport } = openConnection();
    transport.blocked = true;
    void connection.send(new Uint8Array(200_000));
    void connection.send(new ReadableStream<string>());
    void connection.ping();
    transport.lose();
    void connection.send("x");
    void connection.ping();
  });
  assertEquals(reported, []);
});

test("forEach that meets the end of its connection is not reported as unhandled", async () => {
  const reported = await unhandled(() => {
    const drained = openConnection();
    void drained.connection.forEach(() => {});
    drained.transport.lose();
    void drained.connection.forEach(() => {});
    const echoing = openConnection();
    void echoing.connection.forEach((message) => {
      void echoing.connection.close();
      return echoing.connection.send(message);
    });
    echoing.transport.receive(frameFor("server", TEXT, "a"));
    echoing.connection.abort();
  });
  assertEquals(reported, []);
});

test("forEach whose answer is the end of its connection rejects once, and quietly", async () => {
  const reported = await unhandled(() => {
    const { connection, transport } = openConnection();
    void connection.forEach((message) => connection.send(message));
    transport.write = () => {
      transport.lose();
      return true;
    };
    transport.receive(frameFor("server", TEXT, "a"));
  });
  assertEquals(reported, []);
});

test(
  "forEach that meets the end of another connection is reported, as its own is open",
  async () => {
    const from = openConnection(), to = openConnection();
    to.transport.lose();
    const reported = await unhandled(() => {
      void from.connection.forEach((message) => to.connection.send(message));
      from.transport.receive(frameFor("server", TEXT, "a"));
    });
    assertEquals(reported.length, 1);
    from.connection.abort();
  },
  { skip: runtime === "bun" ? "Bun's runner reports it, and fails the file" : undefined },
);

test(
  "What the function of forEach throws is reported as unhandled where nobody looks at it",
  async () => {
    const { connection, transport } = openConnection();
    const failing = () => {
      throw new RangeError("enough");
    };
    const reported = await unhandled(() => {
      void connection.forEach(failing);
      transport.receive(frameFor("server", TEXT, "a"));
    });
    assertEquals(reported.map(String), ["RangeError: enough"]);
    connection.abort();
  },
  { skip: runtime === "bun" ? "Bun's runner reports it, and fails the file" : undefined },
);

test("Closing behind a stream while both queues are full does not dead-lock", async () => {
  const { client, server } = createPair();
  const large = "x".repeat(300_000);
  const ends = [client, server];
  const sending = ends.flatMap((end) => [
    end.send(large),
    end.send(ReadableStream.from([large, large])),
  ]);
  const closed = ends.map((end) => end.close());
  await Promise.allSettled(sending);
  for (const info of await Promise.all(closed)) {
    assertEquals([info.code, info.wasClean], [1000, true]);
  }
});

test("send rejects where its write, or being too far behind, is the end", async () => {
  const lost = openConnection();
  lost.transport.write = () => {
    lost.transport.lose();
    return false;
  };
  const sending = lost.connection.send(new Uint8Array(200_000));
  await assertRejects(() => sending, WebSocketClosedError, "connection is closed");
  assertEquals(lost.connection.bufferedAmount, 0);
});

test("A handler whose connection has ended before it is there is not waited for for ever", async () => {
  const clock = new ManualClock();
  const { connection } = openConnection({ clock, closeTimeout: 1_000, pingInterval: 0 });
  connection.abort();
  const consumed = consumeMessages(connection, () => {}, () => new Promise(() => {}));
  await clock.advance(999);
  assertEquals(await stateOf(consumed), "pending");
  await clock.advance(1);
  assertEquals([typeof (await consumed)?.failure, clock.pending], ["object", 0]);
});

test("abort from within open, and from within a message that was there, leaves no timeout", async () => {
  for (const during of ["open", "message"] as const) {
    const clock = new ManualClock();
    const { connection, transport } = openConnection({ clock });
    const leave = (when: string): Promise<void> | undefined => {
      if (when !== during) return;
      connection.abort();
      return settle();
    };
    transport.receive(frameFor("server", TEXT, "first"));
    await consumeMessages(connection, () => leave("message"), () => leave("open")).catch(() => {});
    await connection.closed;
    await settle();
    assertEquals(clock.pending, 0, during);
  }
});

test("abort from within the last message leaves no timeout behind", async () => {
  const ends = [["Close", closeFrameFor("server", 1000)], ["violation", BAD]] as const;
  for (const [how, last] of ends) {
    for (const isAsync of [false, true]) {
      const clock = new ManualClock();
      const { connection, transport } = openConnection({ clock });
      const consumed = consumeMessages(connection, () => {
        connection.abort();
        if (isAsync) return settle();
      });
      transport.receive(frameFor("server", TEXT, "last"), last);
      await connection.closed;
      await consumed.catch(() => {});
      await settle();
      assertEquals(clock.pending, 0, `${how}, ${isAsync ? "async" : "at once"}`);
    }
  }
});

test("A connection whose answer to the Close did not leave has not ended cleanly (RFC 6455 7.1.4)", async () => {
  const reason = new Error("mine");
  const ends: readonly [
    string,
    (connection: WebSocketConnection, transport: FakeTransport, clock: ManualClock) => unknown,
  ][] = [
    ["in time", (_connection, _transport, clock) => clock.advance(20_000)],
    ["lost", (_connection, transport) => transport.lose(new Error("lost"))],
    ["mine", (connection) => connection.abort(reason)],
  ];
  for (const closesFirst of [false, true]) {
    for (const [message, end] of ends) {
      const clock = new ManualClock();
      const { connection, transport } = openConnection({ clock });
      transport.blocked = true;
      const sent = connection.send(new Uint8Array(100_000)).catch((error) => error);
      const received = connection.receive();
      if (closesFirst) void connection.close(4000);
      transport.receive(closeFrameFor("server", 1000));
      assertEquals(await received, null);
      await end(connection, transport, clock);
      const { code, wasClean, error } = await connection.closed;
      assertEquals([code, wasClean], [1000, false], message);
      assert(String(error).includes(message), `${error}`);
      assertEquals((await sent).wasClean, false);
    }
  }
});
