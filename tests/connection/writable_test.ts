import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { WebSocketClosedError } from "../../src/errors.ts";
import { createPair, ManualClock } from "../../src/testing.ts";
import type { Message } from "../../src/types.ts";
import { test } from "../harness.ts";
import { openConnection, settle } from "./fake_transport.ts";

test("writable that is aborted drops the connection, though a write waits for the peer", async () => {
  const { connection, transport } = openConnection();
  transport.blocked = true;
  const writer = connection.writable.getWriter();
  const writing = writer.write(new Uint8Array(200_000));
  const reason = new RangeError("enough");
  const aborting = writer.abort(reason);
  assertEquals(transport.closed, true);
  assertStrictEquals((await connection.closed).error, reason);
  await assertRejects(() => writing);
  await aborting;
});

test("writable fails as its connection ends, unless it was closed by it", async () => {
  const lost = openConnection();
  const writer = lost.connection.writable.getWriter();
  lost.transport.lose();
  await assertRejects(() => writer.closed, WebSocketClosedError);

  const { client, server } = createPair();
  const waiting = new ReadableStream<Message>({ pull: () => new Promise(() => {}) });
  const piping = waiting.pipeTo(client.writable);
  await server.close(4000);
  const error = await assertRejects(() => piping, WebSocketClosedError);
  assertEquals(error.code, 4000);

  const pair = createPair();
  const mine = pair.client.writable.getWriter();
  await mine.close();
  assertEquals([await mine.closed, (await pair.server.closed).code], [undefined, 1000]);
});

test("writable whose closing is not clean rejects, since the peer may have missed what was sent", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock });
  transport.blocked = true;
  const piping = ReadableStream.from(["a", "b"]).pipeTo(connection.writable);
  const rejection = assertRejects(() => piping, WebSocketClosedError);
  await settle();
  await clock.advance(10_000);
  assertEquals((await rejection).wasClean, false);
});

test("writable fails where the connection is closed, and aborts it where it is aborted", async () => {
  const { client, server } = createPair();
  await server.close();
  await client.closed;
  await assertRejects(() => client.writable.getWriter().write("x"), WebSocketClosedError);
  const { connection, transport } = openConnection();
  await connection.writable.abort(new RangeError("enough"));
  assert((await connection.closed).error instanceof RangeError);
  assertEquals(transport.closed, true);
});
