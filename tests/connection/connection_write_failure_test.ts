/** A connection that can no longer send, while what its peer has sent before is still to be read. */

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { CLOSE, closeFrameFor, frameFor, PING, TEXT } from "../protocol/frames.ts";
import { type FakeTransport, openConnection, settle, stateOf } from "./fake_transport.ts";

const PIPE = new Error("pipe");

/** A connection whose write of 200,000 bytes has failed. */
function failedConnection(clock = new ManualClock()) {
  const scene = openConnection({ clock });
  scene.transport.blocked = true;
  const sending = scene.connection.send(new Uint8Array(200_000));
  scene.transport.failWriting(PIPE);
  return { ...scene, clock, sending };
}

test("What a peer sent before our direction failed is received, its Close as well", async () => {
  const { connection, transport, clock } = failedConnection();
  transport.receive(frameFor("server", TEXT, "last"), closeFrameFor("server", 4000, "bye"));
  assertEquals(await connection.closed, {
    code: 4000,
    reason: "bye",
    wasClean: false,
    error: PIPE,
  });
  assertEquals(await connection.receive(), "last");
  assertEquals(await connection.receive(), null);
  assertEquals([transport.closed, clock.pending], [true, 0]);
});

test("Nothing can be sent where our direction has failed, and sends under way reject", async () => {
  const { connection, transport, sending } = failedConnection();
  const attempts: [string, () => Promise<unknown>][] = [
    ["the one under way", () => sending],
    ["text", () => connection.send("x")],
    ["a Blob", () => connection.send(new Blob(["x"]))],
    ["a stream", () => connection.send(ReadableStream.from(["x"]))],
    ["a ping", () => connection.ping()],
  ];
  for (const [name, attempt] of attempts) {
    const error = await assertRejects(attempt, WebSocketClosedError, "connection is closing", name);
    assertStrictEquals(error.cause, PIPE, name);
  }
  assertEquals(connection.readyState, 2);
  transport.receive(frameFor("server", PING, "?"));
  assertEquals(transport.writes.length, 1);
  connection.abort();
});

test("Sends that wait behind a stream reject where our direction fails", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock });
  let cancelled: unknown;
  const stream = new ReadableStream<string>({ cancel: (reason) => void (cancelled = reason) });
  const sendings = [connection.send(stream), connection.send("behind it")];
  const closing = connection.close();
  transport.failWriting(PIPE);
  for (const sending of sendings) {
    assertStrictEquals((await assertRejects(() => sending, WebSocketClosedError)).cause, PIPE);
  }
  assertStrictEquals((cancelled as WebSocketClosedError).cause, PIPE);
  await settle();
  transport.receive(closeFrameFor("server", 1000));
  assertEquals(await closing, { code: 1000, reason: "", wasClean: false, error: PIPE });
  assertEquals(transport.frames.filter(({ opcode }) => opcode === CLOSE), []);
});

const ends: readonly [string, (transport: FakeTransport, clock: ManualClock) => unknown][] = [
  ["its peer ends its direction", (transport) => transport.receiveEof()],
  ["reading fails as well", (transport) => transport.lose(new Error("reset"))],
  ["nothing happens for closeTimeout", (_, clock) => clock.advance(10_000)],
  ["its peer breaks a rule", (transport) => transport.receive(frameFor("server", 3, ""))],
];
for (const [name, end] of ends) {
  test(`A connection whose direction has failed ends where ${name}`, async () => {
    const { connection, transport, clock } = failedConnection();
    const closed = connection.closed;
    assertEquals(await stateOf(closed), "pending");
    transport.receive(frameFor("server", TEXT, "last"));
    await end(transport, clock);
    const info = await closed;
    assertEquals([info.code, info.wasClean], [1006, false]);
    if (!name.includes("rule")) assertStrictEquals(info.error, PIPE);
    assertEquals(await connection.receive(), "last");
    await assertRejects(() => iterate(connection), WebSocketClosedError);
    assertEquals([transport.closed, clock.pending], [true, 0]);
  });
}

/** A handler's work: it answers, and waits where the peer takes no more. */
const works: readonly [string, (connection: WebSocketConnection) => Promise<unknown>][] = [
  ["forEach", (connection) => connection.forEach((message) => connection.send(message))],
  ["iteration", async (connection) => {
    for await (const message of connection) await connection.send(message);
  }],
];
for (const [name, work] of works) {
  test(`A connection whose reading is paused ends at once where our direction fails: ${name}`, async () => {
    const clock = new ManualClock();
    const { connection, transport } = openConnection({
      clock,
      receiveHighWaterMark: 200,
      receiveLowWaterMark: 0,
      sendHighWaterMark: 10,
    });
    transport.blocked = true;
    const worked = assertRejects(() => work(connection), WebSocketClosedError);
    for (let i = 0; i < 4; i++) transport.receive(frameFor("server", TEXT, "x".repeat(60)));
    await settle();
    assertEquals(transport.paused, true);
    transport.failWriting(PIPE);
    assertStrictEquals((await connection.closed).error, PIPE);
    await worked;
    assertEquals([transport.closed, clock.pending], [true, 0]);
  });
}

test("A connection ends where its reading is paused after our direction has failed", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({
    clock,
    receiveHighWaterMark: 200,
    receiveLowWaterMark: 0,
  });
  transport.failWriting(PIPE);
  transport.receive(frameFor("server", TEXT, "a"));
  assertEquals(connection.readyState, 2);
  const large = frameFor("server", TEXT, "x".repeat(200));
  transport.receive(large, frameFor("server", TEXT, "b"), closeFrameFor("server", 4000));
  assertEquals((await connection.closed).code, 4000);
  for (const expected of ["a", "x".repeat(200), "b", null]) {
    assertEquals(await connection.receive(), expected);
  }
  assertEquals([transport.closed, clock.pending], [true, 0]);
});

test("Whoever iterates over what arrives behind a failed write is told of an orderly end", async () => {
  for (const atWork of [true, false]) {
    const { connection, transport } = failedConnection();
    const received: unknown[] = [];
    const iterating = (async () => {
      for await (const message of connection) {
        received.push(message);
        if (atWork) await settle();
      }
    })();
    transport.receive(frameFor("server", TEXT, "a"));
    await null;
    transport.receive(closeFrameFor("server", 1000));
    await iterating;
    assertEquals([received, (await connection.closed).wasClean], [["a"], false]);
  }
});

test("What waits for a slow application is kept where our direction fails", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({
    clock,
    receiveHighWaterMark: 100,
    receiveLowWaterMark: 0,
  });
  const large = "x".repeat(100);
  transport.receive(frameFor("server", TEXT, large), closeFrameFor("server", 1001));
  assertEquals(transport.paused, true);
  transport.failWriting(PIPE);
  assertEquals(await connection.receive(), large);
  assertEquals((await connection.closed).code, 1001);
});

test("A closing handshake that is done is clean, though our direction could not be ended", async () => {
  const { connection, transport, clock } = { ...openConnection(), clock: new ManualClock() };
  transport.receive(closeFrameFor("server", 1000));
  assertEquals(transport.writeEnded, true);
  transport.failWriting(PIPE);
  assertEquals(await connection.closed, { code: 1000, reason: "", wasClean: true });
  assertEquals(clock.pending, 0);
});

test("forEach goes on with what arrives, and its function's sends reject", async () => {
  const { connection, transport } = failedConnection();
  const received: unknown[] = [];
  const consumed = connection.forEach(async (message) => {
    received.push(message);
    await connection.send("answer").catch(() => {});
  });
  transport.receive(frameFor("server", TEXT, "a"), frameFor("server", TEXT, "b"));
  await settle();
  transport.receive(closeFrameFor("server", 1000));
  await consumed.catch(() => {});
  assertEquals(received, ["a", "b"]);
});

async function iterate(connection: WebSocketConnection): Promise<void> {
  for await (const _ of connection);
}
