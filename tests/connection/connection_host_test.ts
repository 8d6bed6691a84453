/** `WebSocketConnection` over a socket of the host's, and over a peer that is too slow. */

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { connectionOver, consumeMessages, onceClosed } from "../../src/connection/connection.ts";
import { HostLink, type HostLinkInit } from "../../src/connection/host_link.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { ManualClock } from "../../src/testing.ts";
import type { Capabilities, ConnectionOptions } from "../../src/types.ts";
import { test } from "../harness.ts";
import { CLOSE } from "../protocol/frames.ts";
import { ALL, FakeHostSocket } from "./fake_host_socket.ts";
import { openConnection, settle, stateOf } from "./fake_transport.ts";

function openOnHost(
  options: ConnectionOptions = {},
  capabilities: Partial<Capabilities> = {},
  init: Partial<HostLinkInit> = {},
) {
  const resolved = resolveConnectionOptions(options);
  const link = new HostLink({
    host: "the host",
    alternative: "another one",
    url: "ws://example.com/",
    protocol: "chat",
    extensions: "",
    remoteAddress: undefined,
    capabilities: { ...ALL, ...capabilities },
    ...init,
  }, resolved);
  const connection = connectionOver(link, resolved, options);
  const socket = new FakeHostSocket();
  link.open(socket);
  return { link, connection, socket };
}

test("A connection on a host sends at once, and begins the closing handshake behind it", async () => {
  const { link, connection, socket } = openOnHost();
  await connection.send("a");
  const closed = connection.close(4000, "done");
  assertEquals(socket.calls, ["text a", "close 4000 done"]);
  link.closed(4000, "done");
  assertEquals(await closed, { code: 4000, reason: "done", wasClean: true });
});

test("A connection on a host is cleanly closed by the peer, also while a handler is busy", async () => {
  const { link, connection } = openOnHost();
  const release = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  const consumed = consumeMessages(connection, async (message) => {
    seen.push(message);
    await release.promise;
  });
  link.receiveMessage("a");
  link.receiveMessage("b");
  link.closed(1001, "bye");
  assertEquals(await connection.closed, { code: 1001, reason: "bye", wasClean: true });
  release.resolve();
  await consumed;
  assertEquals(seen, ["a", "b"]);
});

test("A connection on a host gives a peer up that does not close in time", async () => {
  const clock = new ManualClock();
  const { connection, socket } = openOnHost({ clock, closeTimeout: 1_000 });
  const closed = connection.close();
  await clock.advance(1_000);
  assertEquals((await closed).code, 1006);
  assertEquals(socket.calls, ["close 1000 ", "terminate"]);
});

test("A connection pings where the host can", async () => {
  const clock = new ManualClock();
  const { link, connection, socket } = openOnHost({ clock, pingInterval: 100, pingTimeout: 50 });
  const round = connection.ping("p");
  await clock.advance(7);
  link.receivePong(new TextEncoder().encode("p"));
  assertEquals(await round, 7);
  await clock.advance(100);
  assertEquals(socket.calls.length, 2);
  await clock.advance(50);
  assertEquals((await connection.closed).code, 1006);
});

test("A connection rejects a ping where the host cannot, and sends none by itself", async () => {
  const clock = new ManualClock();
  const { link, connection, socket } = openOnHost({ clock, pingInterval: 100 }, { ping: false });
  const error = await assertRejects(() => connection.ping(), DOMException, "use another one");
  assertEquals(error.name, "NotSupportedError");
  await clock.advance(100_000);
  assertEquals(socket.calls, []);
  link.closed(1000, "");
  await connection.closed;
});

test("A connection on a host refuses a code that may not be sent (RFC 6455 7.4)", async () => {
  const { connection, socket } = openOnHost();
  await assertRejects(() => connection.close(999), RangeError);
  await assertRejects(() => connection.close(1000, "ä".repeat(62)), RangeError);
  assertEquals(socket.calls, []);
  connection.abort();
});

test("A connection rejects what the host throws at", async () => {
  const { connection, socket } = openOnHost();
  socket.sendText = socket.close = () => {
    throw new TypeError("another request's");
  };
  await assertRejects(() => connection.send("a"), TypeError, "another request's");
  await assertRejects(() => connection.close(), TypeError, "another request's");
  connection.abort();
  await connection.closed;
});

test("A connection is closed with 1013 where its peer is further behind than it may be", async () => {
  const { connection, socket } = openOnHost({ maxBufferedAmount: 4 });
  socket.room = 1;
  void connection.send("a");
  await connection.send("bbbb");
  const last = connection.send("c");
  await assertRejects(() => connection.send("d"), WebSocketClosedError, "closing");
  connection.abort();
  await assertRejects(() => last, WebSocketClosedError);
});

test("A connection over bytes is closed with 1013 behind what it had accepted", async () => {
  const { connection, transport } = openConnection({ maxBufferedAmount: 10 });
  transport.blocked = true;
  void connection.send("a".repeat(5));
  await settle();
  void connection.send("b".repeat(6));
  await assertRejects(() => connection.send("c"), WebSocketClosedError, "closing");
  transport.blocked = false;
  transport.drain();
  const { opcode, payload } = transport.frames.at(-1)!;
  assertEquals([opcode, String.fromCharCode(...payload)], [CLOSE, "\x03\xf5too far behind"]);
  connection.abort();
  assertEquals((await connection.closed).code, 1006);
});

test("A send that is too far behind rejects where the answer to the peer's Close is the end", async () => {
  const { link, connection, socket } = openOnHost({ maxBufferedAmount: 100 }, {}, {
    answersClose: false,
  });
  const loop = (async () => {
    for await (const _message of connection) {
      await settle();
      socket.bufferedAmount = 200;
      await connection.send("x".repeat(101));
    }
  })();
  await settle();
  link.receiveMessage("a");
  link.receiveClose(1000, "");
  await assertRejects(() => loop, WebSocketClosedError);
  assertEquals((await connection.closed).code, 1000);
});

test("A connection on a host did not end cleanly where something it had sent was left", async () => {
  const { link, connection, socket } = openOnHost();
  socket.room = 1;
  await connection.send("a");
  await connection.send("b");
  link.closed(1000, "");
  const { code, wasClean } = await connection.closed;
  assertEquals([socket.calls, code, wasClean], [["text a"], 1000, false]);
});

test("A peer that takes a long text slowly is not given up, whatever its host counts", async () => {
  const clock = new ManualClock();
  const { connection, socket } = openOnHost({ clock, pingInterval: 1_000, pingTimeout: 500 });
  // Three bytes for each unit of text.
  socket.bufferedAmount = 30_000;
  void connection.send("€".repeat(10_000));
  for (let i = 0; i < 20; i++) {
    await clock.advance(250);
    socket.bufferedAmount -= 500;
  }
  assertEquals(await stateOf(connection.closed), "pending");
  await clock.advance(10_000);
  assertEquals((await connection.closed).code, 1006);
});

test("A connection on a host ends once, whatever is done at its end", async () => {
  const { link, connection } = openOnHost();
  const cancelled = Promise.withResolvers<void>();
  const sending = connection.send(
    new ReadableStream<string>({
      pull: () => new Promise(() => {}),
      cancel: () => {
        connection.abort(new Error("late"));
        cancelled.resolve();
      },
    }),
  );
  sending.catch(() => {});
  let ends = 0;
  onceClosed(connection, () => ends++);
  await settle();
  link.closed(1000, "bye");
  await cancelled.promise;
  assertEquals([(await connection.closed).code, ends], [1000, 1]);
});

test("data is what the connection was made with", () => {
  const data = { user: "ada" };
  const { connection } = openOnHost({ data } as ConnectionOptions);
  assertStrictEquals(connection.data as unknown, data);
  connection.abort();
});

test("A connection stays as it was where the host refuses to close it", async () => {
  const clock = new ManualClock();
  const { link, connection, socket } = openOnHost({ clock, pingInterval: 0 });
  const { close } = socket;
  socket.close = () => {
    throw new TypeError("another request's");
  };
  await assertRejects(() => connection.close(), TypeError, "another request's");
  assertEquals(clock.pending, 0);
  socket.close = close;
  await connection.send("still open");
  const closed = connection.close(4000);
  assertEquals(socket.calls, ["text still open", "close 4000 "]);
  link.closed(4000, "");
  assertEquals((await closed).wasClean, true);
  assertEquals(clock.pending, 0);
});

test("A connection sends no ping that is too long, whatever the host thinks of it (RFC 6455 5.5)", async () => {
  const { connection, socket } = openOnHost();
  for (const payload of [new Uint8Array(126), "ä".repeat(63)]) {
    await assertRejects(() => connection.ping(payload), RangeError, "at most 125 bytes, not 126");
  }
  assertEquals(socket.calls, []);
  connection.abort();
});

test("A connection on a host that ends as it closes has sent what the host took before", async () => {
  const { link, connection, socket } = openOnHost();
  socket.room = 0;
  socket.bufferedAmount = 100_000;
  const sent = connection.send("x".repeat(100_000));
  const closed = connection.close(4001);
  const { close } = socket;
  socket.close = (code, reason) => {
    close.call(socket, code, reason);
    link.closed(code, reason);
  };
  socket.room = Infinity;
  socket.bufferedAmount = 0;
  link.drained();
  await sent;
  assertEquals((await closed).code, 4001);
});
