/** Pings of a `WebSocketConnection`, and how it finds out that nobody is there or needs it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectionOver } from "../../src/connection/connection.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ProtocolLink } from "../../src/connection/protocol_link.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { createPair, ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { BINARY, bytes, frameFor, PING, PONG, TEXT } from "../protocol/frames.ts";
import { FakeTransport, openConnection, settle, stateOf } from "./fake_transport.ts";

test("A connection whose 101 is still to come is neither pinged nor given up", async () => {
  const clock = new ManualClock();
  const options = { clock, pingInterval: 1_000, pingTimeout: 1_000, idleTimeout: 5_000 };
  const resolved = resolveConnectionOptions(options);
  const init = { role: "server", url: "ws://localhost/", protocol: "", extensions: "" } as const;
  const link = new ProtocolLink(init, resolved);
  const connection = connectionOver(link, resolved, {});
  await clock.advance(60_000);
  assertEquals(connection.readyState, WebSocket.OPEN);
  const transport = new FakeTransport();
  link.open(transport);
  assertEquals(transport.frames, []);
  await clock.advance(1_250);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [PING]);
  await clock.advance(1_000);
  assertEquals((await connection.closed).code, 1006);
});

// Pings ----------------------------------------------------------------------------------------

test("ping resolves with the round trip in milliseconds", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock });
  const answered = connection.ping("payload");
  await clock.advance(25);
  transport.receive(frameFor("server", PONG, "other"));
  assertEquals(await stateOf(answered), "pending");
  transport.receive(frameFor("server", PONG, transport.frames[0]!.payload));
  assertEquals(await answered, 25);
  connection.abort();
});

test("Pings settle together with the latest pong (RFC 6455 5.5.3)", async () => {
  const { client, server } = createPair();
  const all = ["a", "b"].map((payload) => client.ping(payload));
  all.push(client.ping(), server.ping(Uint8Array.of(1)), client.ping(new ArrayBuffer(125)));
  for (const time of await Promise.all(all)) assert(time >= 0);
  await client.close();
});

test("ping refuses numbers, and payloads of more than 125 bytes (RFC 6455 5.5)", async () => {
  const { connection, transport } = openConnection();
  for (const payload of [5, null, {}, [1]]) {
    await assertRejects(() => connection.ping(payload as unknown as string), TypeError);
  }
  await assertRejects(() => connection.ping("x".repeat(126)), RangeError, "125");
  await assertRejects(() => connection.ping("é".repeat(63)), RangeError, "125");
  await settle();
  assertEquals(transport.writes.length, 0);
  connection.abort();
});

test("ping rejects when the connection ends first", async () => {
  const { connection, transport } = openConnection();
  const answered = connection.ping();
  transport.lose();
  await assertRejects(() => answered, WebSocketClosedError, "pong");
});

test("Observers see pings and pongs, and cannot change the answer", () => {
  const seen: string[] = [];
  const note = (kind: string) => (payload: Uint8Array) => {
    seen.push(`${kind} ${new TextDecoder().decode(payload)}`);
    payload.fill(0);
  };
  const { connection, transport } = openConnection({ onPing: note("ping"), onPong: note("pong") });
  transport.receive(frameFor("server", PING, "a"), frameFor("server", PONG, "b"));
  assertEquals(seen, ["ping a", "pong b"]);
  assertEquals(transport.frames.map(({ payload }) => payload), [bytes("a")]);
  connection.abort();
});

// Keepalive ------------------------------------------------------------------------------------

test("A silent peer is pinged, and given up with 1006 where nothing comes", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({
    clock,
    pingInterval: 1_000,
    pingTimeout: 500,
  });
  await clock.advance(1_000);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [PING]);
  await clock.advance(499);
  assertEquals(await stateOf(connection.closed), "pending");
  await clock.advance(1);
  const info = await connection.closed;
  assertEquals([info.code, transport.closed, clock.pending], [1006, true, 0]);
  assert(info.error instanceof Error);
});

test("A pong to the keepalive's ping settles a ping sent before it (RFC 6455 5.5.3)", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, pingInterval: 1_000 });
  const ping = connection.ping("mine");
  await settle();
  await clock.advance(1_000);
  const { payload } = transport.frames.at(-1)!;
  assertEquals(transport.frames.length, 2);
  transport.receive(frameFor("server", PONG, payload));
  assertEquals(await ping, 1_000);
  connection.abort();
});

test("A peer that answers, or sends anything, be it a part of a frame, is kept", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({
    clock,
    pingInterval: 1_000,
    pingTimeout: 500,
  });
  const message = frameFor("server", BINARY, new Uint8Array(20));
  for (let at = 0; at < 20; at++) {
    await clock.advance(1_400);
    transport.receive(message.subarray(at, at + 1));
  }
  assertEquals(await stateOf(connection.closed), "pending");
  connection.abort();
});

test("Two ends keep each other alive", async () => {
  const clock = new ManualClock();
  const options = { clock, pingInterval: 100, pingTimeout: 50 };
  const { client, server } = createPair({ client: options, server: options });
  for (let i = 0; i < 30; i++) await clock.advance(40);
  assertEquals([await stateOf(client.closed), await stateOf(server.closed)], [
    "pending",
    "pending",
  ]);
  await client.close();
});

test("A peer is not given up while it is we who do not read", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({
    clock,
    pingInterval: 1_000,
    pingTimeout: 500,
    receiveHighWaterMark: 100,
  });
  await clock.advance(1_000);
  transport.receive(frameFor("server", TEXT, "x".repeat(200)));
  assertEquals(transport.paused, true);
  await clock.advance(10_000);
  assertEquals(await stateOf(connection.closed), "pending");
  assertEquals(transport.frames.length, 10);
  await connection.receive();
  await clock.advance(900);
  assertEquals(await stateOf(connection.closed), "pending");
  await clock.advance(5_000);
  assertEquals((await connection.closed).code, 1006);
});

test("Silence counts from when we read again, not from when we stopped", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({
    clock,
    pingInterval: 1_000,
    pingTimeout: 500,
    receiveHighWaterMark: 100,
  });
  transport.receive(frameFor("server", TEXT, "x".repeat(200)));
  await clock.advance(999);
  await connection.receive();
  await clock.advance(999);
  assertEquals(transport.writes.length, 0);
  await clock.advance(1);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [PING]);
  connection.abort();
});

test("An unused connection is closed with 1001 after idleTimeout, pings not counting", async () => {
  const clock = new ManualClock();
  const options = { clock, pingInterval: 100, pingTimeout: 100 };
  const { client, server } = createPair({
    client: options,
    server: { ...options, idleTimeout: 1_000 },
  });
  await clock.advance(900);
  await client.send("used");
  await settle();
  await clock.advance(900);
  await server.send("used");
  await settle();
  await clock.advance(900);
  assertEquals(await stateOf(client.closed), "pending");
  await clock.advance(100);
  assertEquals((await client.closed).code, 1001);
  assertEquals(await server.closed, { code: 1001, reason: "idle", wasClean: true });
  assertEquals(clock.pending, 0);
});

test("A peer on a slow line is kept while it takes what we send, and our ping has to wait", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, pingInterval: 30, pingTimeout: 20 });
  transport.blocked = true;
  const sending = connection.send(new Uint8Array(100_000));
  for (let left = 100_000; left > 0; left -= 5_000) {
    transport.unwritten = left;
    await clock.advance(10);
  }
  transport.blocked = false;
  transport.drain();
  await sending;
  assertEquals(connection.closeCode, undefined);
  await clock.advance(100);
  assertEquals((await connection.closed).code, 1006);
});

test("A peer that sends too much and reads nothing is given up", async () => {
  const clock = new ManualClock();
  const options = { clock, pingInterval: 30, pingTimeout: 20, receiveHighWaterMark: 10 };
  const { connection, transport } = openConnection({ ...options, sendHighWaterMark: 10 });
  transport.blocked = true;
  void connection.send("more than the mark");
  transport.receive(frameFor("server", TEXT, "more than the mark"));
  assertEquals(transport.paused, true);
  await clock.advance(100);
  assertEquals((await connection.closed).code, 1006);
});
