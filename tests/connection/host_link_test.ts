import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { HostLink, type HostLinkInit } from "../../src/connection/host_link.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import type { WebSocketProtocolError } from "../../src/errors.ts";
import { ManualClock } from "../../src/testing.ts";
import type { Capabilities, ConnectionOptions } from "../../src/types.ts";
import { test } from "../harness.ts";
import { NodeBuffer } from "../node_buffer.ts";
import { bytes } from "../protocol/frames.ts";
import { ALL, FakeHostSocket } from "./fake_host_socket.ts";
import { LinkNotes } from "./link_notes.ts";

function createLink(options: ConnectionOptions = {}, init: Partial<HostLinkInit> = {}) {
  const link = new HostLink({
    host: "the host",
    alternative: "another one",
    url: "ws://example.com/",
    protocol: "p",
    extensions: "",
    remoteAddress: undefined,
    capabilities: ALL,
    ...init,
  }, resolveConnectionOptions(options));
  const notes = new LinkNotes();
  link.attach(notes, notes);
  return { link, notes };
}

function openLink(
  options: ConnectionOptions = {},
  { reportsDrain = true, ...capabilities }: Partial<Capabilities & { reportsDrain: boolean }> = {},
) {
  const { link, notes } = createLink(options, { capabilities: { ...ALL, ...capabilities } });
  const socket = new FakeHostSocket(reportsDrain);
  link.open(socket);
  return { link, notes, socket };
}

test("HostLink does not watch a socket that has ended, whatever the connection does then", () => {
  const clock = new ManualClock();
  const { link, notes, socket } = openLink({ clock }, { reportsDrain: false });
  notes.onEnd = () => link.flush();
  socket.bufferedAmount = 20_000;
  link.sendBinary(new Uint8Array(20_000), undefined);
  link.flush();
  assertEquals(clock.pending, 1);
  link.lost(new Error("gone"));
  assertEquals(clock.pending, 0);
});

test("HostLink counts as sent nothing that waited until the end", () => {
  const { link, socket } = openLink();
  link.sendText("sent", undefined);
  socket.room = 1;
  link.sendText("taken", undefined);
  link.sendText("waits", undefined);
  link.sendBinary(bytes("waits as well"), undefined);
  link.ping(bytes("p"));
  link.lost(new Error("gone"));
  assertEquals(link.bytesSent, "senttaken".length);
});

test("HostLink tells what is known of its socket", () => {
  const remoteAddress = { transport: "tcp", hostname: "192.0.2.1", port: 7 } as const;
  const { link } = createLink({}, { extensions: "x", remoteAddress });
  assertEquals(
    [link.url, link.protocol, link.extensions, link.remoteAddress, link.answersClose],
    ["ws://example.com/", "p", "x", remoteAddress, true],
  );
});

test("HostLink keeps what is sent before the socket opens, in order, the Close last", () => {
  const { link, notes } = createLink();
  // Its `slice` would not be a copy.
  const data = new NodeBuffer(bytes("b"));
  link.sendText("a", true);
  link.sendBinary(data, undefined);
  data.fill(0);
  link.ping(bytes("p"));
  link.close(1000, "done");
  assertEquals(link.bufferedAmount, 3);
  const socket = new FakeHostSocket();
  link.open(socket);
  assertEquals(socket.calls, ["text a true", "binary b", "ping p", "close 1000 done"]);
  assertEquals([link.bufferedAmount, notes.drains, link.bytesSent], [0, 2, 2]);
});

test("HostLink drops a socket that opens after the link was given up", () => {
  const { link, notes } = createLink();
  const reason = new Error("no");
  link.abort(reason);
  assertStrictEquals(notes.error, reason);
  const socket = new FakeHostSocket();
  link.open(socket);
  assertEquals(socket.calls, ["terminate"]);
  assertEquals(notes.calls, ["end"]);
});

test("HostLink hands the host no more than it takes, and goes on when it drains", () => {
  const { link, notes, socket } = openLink();
  notes.drains = 0;
  socket.room = 1;
  for (const text of ["a", "b", "c"]) link.sendText(text, undefined);
  link.close(1000, "");
  assertEquals(socket.calls, ["text a"]);
  assertEquals(link.bufferedAmount, 2);
  socket.room = 1;
  link.drained();
  assertEquals(socket.calls, ["text a", "text b"]);
  socket.room = 2;
  link.drained();
  assertEquals(socket.calls, ["text a", "text b", "text c", "close 1000 "]);
  assert(notes.drains > 0);
});

test("HostLink tells of a drain at the low-water mark only", () => {
  const { link, notes, socket } = openLink({ sendHighWaterMark: 100, sendLowWaterMark: 10 });
  notes.drains = 0;
  socket.bufferedAmount = 11;
  link.drained();
  assertEquals(notes.drains, 0);
  socket.bufferedAmount = 10;
  link.drained();
  assertEquals(notes.drains, 1);
});

test("HostLink watches what a host has written that does not tell", async () => {
  const clock = new ManualClock();
  const { link, notes, socket } = openLink({ clock, sendLowWaterMark: 10 }, {
    reportsDrain: false,
  });
  notes.drains = 0;
  link.flush();
  await clock.advance(1_000);
  assertEquals(notes.drains, 0);
  link.sendText("x", undefined);
  socket.bufferedAmount = 11;
  link.flush();
  link.flush();
  await clock.advance(1_000);
  assertEquals(notes.drains, 0);
  socket.bufferedAmount = 10;
  await clock.advance(64);
  assertEquals(notes.drains, 1);
  await clock.advance(1_000);
  assertEquals(notes.drains, 1);
  link.sendText("x", undefined);
  socket.bufferedAmount = 11;
  link.flush();
  link.abort(undefined);
  await clock.advance(1_000);
  assertEquals(notes.drains, 1);
});

test("HostLink watches no host that tells", () => {
  const clock = new ManualClock();
  const { link, socket } = openLink({ clock, sendLowWaterMark: 10 });
  link.sendText("x", undefined);
  socket.bufferedAmount = 11;
  link.flush();
  assertEquals(clock.pending, 0);
});

test("HostLink looks first when its host has most likely written, and then by the clock", async () => {
  const clock = new ManualClock();
  const { link, notes } = createLink({ clock, sendLowWaterMark: 10 });
  const socket = new FakeHostSocket(false);
  const looks: (() => void)[] = [];
  Object.assign(socket, { soon: (look: () => void) => void looks.push(look) });
  link.open(socket);
  notes.drains = 0;
  const send = (): void => {
    link.sendText("x", undefined);
    socket.bufferedAmount = 11;
    link.flush();
  };
  send();
  link.flush();
  assertEquals([looks.length, clock.pending], [1, 0]);
  socket.bufferedAmount = 10;
  looks[0]!();
  assertEquals(notes.drains, 1);

  send();
  looks[1]!();
  assertEquals([notes.drains, clock.pending], [1, 1]);
  socket.bufferedAmount = 10;
  await clock.advance(64);
  assertEquals([notes.drains, clock.pending], [2, 0]);

  send();
  link.abort(undefined);
  looks[2]!();
  assertEquals([notes.drains, clock.pending], [2, 0]);
});

test("HostLink looks at short intervals first, again with each that it waits for", async () => {
  const clock = new ManualClock();
  const { link, notes, socket } = openLink({ clock, sendLowWaterMark: 10 }, {
    reportsDrain: false,
  });
  notes.drains = 0;
  for (let times = 1; times <= 2; times++) {
    link.sendText("x", undefined);
    socket.bufferedAmount = 11;
    link.flush();
    let looks = 0;
    Object.defineProperty(socket, "bufferedAmount", {
      configurable: true,
      get: () => (looks++, 11),
    });
    await clock.advance(63); // after 1, 3, 7, 15, 31 and 63 ms
    assertEquals(looks, 6);
    Object.defineProperty(socket, "bufferedAmount", { value: 10, writable: true });
    await clock.advance(64);
    assertEquals(notes.drains, times);
  }
});

test("HostLink flushes what its socket gathers, and waits where that takes no more", () => {
  const { link, socket } = openLink();
  let flushes = 0;
  Object.assign(socket, { gathers: true, flush: () => (flushes++, false) });
  assertEquals(link.gathers, true);
  link.flush();
  link.sendText("waits", undefined);
  assertEquals([flushes, socket.calls, link.bufferedAmount], [1, [], 5]);
  Object.assign(socket, { gathers: false });
  assertEquals(link.gathers, false);
  link.flush();
  assertEquals(flushes, 1);
});

test("HostLink asks its host how much is buffered only where it may be above the mark", () => {
  const { link, socket } = openLink();
  let asked = 0;
  Object.defineProperty(socket, "bufferedAmount", { get: () => (asked++, 5) });
  assertEquals([link.buffersAtMost(0), asked], [true, 0]);
  link.sendBinary(new Uint8Array(6), undefined);
  link.sendText("four", undefined);
  // Each has a header of up to 14 bytes, and each UTF-16 unit up to three bytes.
  assertEquals([link.buffersAtMost(46), asked], [true, 0]);
  assertEquals([link.buffersAtMost(45), asked], [true, 1]);
  assertEquals([link.buffersAtMost(5), asked], [true, 1]);
  assertEquals([link.buffersAtMost(4), asked], [false, 2]);
  link.ping(bytes("ping"));
  assertEquals([link.buffersAtMost(23), asked], [true, 2]);
  assertEquals([link.buffersAtMost(22), asked], [true, 3]);
});

test("HostLink knows that text which has waited is more for its host than it was here", () => {
  const { link, socket } = openLink();
  socket.room = 1;
  link.sendText("a", undefined);
  link.sendText("€".repeat(100), undefined);
  assertEquals(link.buffersAtMost(100), true);
  socket.room = 1;
  link.drained();
  socket.bufferedAmount = 300;
  assertEquals([link.buffersAtMost(100), link.buffersAtMost(300)], [false, true]);
});

test("HostLink tells that little is left before it tells of the end, on a host that does not", () => {
  for (const answersClose of [true, false]) {
    const { link, notes } = createLink({ sendLowWaterMark: 10 }, { answersClose });
    const socket = new FakeHostSocket(false);
    link.open(socket);
    socket.bufferedAmount = 100;
    link.sendText("x".repeat(100), undefined);
    link.flush();
    notes.drains = 0;
    socket.bufferedAmount = 0;
    if (answersClose) link.closed(1000, "");
    else link.receiveClose(1000, "");
    assertEquals([notes.drains, notes.calls.at(-1), notes.isCut], [1, "end", false]);
  }
});

test("HostLink has cut nothing off where a message in fragments was not finished", () => {
  const { link, notes } = openLink();
  link.beginMessage("text", bytes("a"), undefined);
  link.close(1011, "message not finished");
  link.closed(1011, "");
  assertEquals([notes.calls.at(-1), notes.isCut], ["end", false]);
});

test("HostLink has left nothing where its host ends with the Close that had waited", () => {
  const { link, notes, socket } = openLink();
  socket.room = 1;
  link.sendText("a", undefined);
  link.sendText("b", undefined);
  link.close(4000, "bye");
  socket.close = (code, reason) => link.closed(code, reason);
  socket.room = Infinity;
  link.drained();
  assertEquals([socket.calls, notes.calls.at(-1), notes.isCut], [
    ["text a", "text b"],
    "end",
    false,
  ]);
});

test("HostLink sends a message of fragments as a whole", () => {
  const { link, socket } = openLink();
  const piece = bytes("ä").subarray(0, 1);
  link.beginMessage("text", piece, undefined);
  link.sendFragment(bytes("ä").subarray(1), false);
  link.ping(bytes("p"));
  link.sendFragment(bytes("b"), true);
  link.beginMessage("binary", bytes("c"), undefined);
  link.sendFragment(new Uint8Array(0), true);
  assertEquals(socket.calls, ["ping p", "text äb", "binary c"]);
});

test("HostLink keeps the byte order mark of a text message of fragments (RFC 6455 5.6)", () => {
  const { link, socket } = openLink();
  link.beginMessage("text", bytes("\uFEFFa"), undefined);
  link.sendFragment(bytes("\uFEFFb"), true);
  assertEquals(socket.calls, ["text \uFEFFa\uFEFFb"]);
});

test("HostLink hands over each message as a turn of its own", () => {
  const { link, notes } = openLink();
  link.receiveMessage("a");
  link.receiveMessage(bytes("bc"));
  const turn = ["activity", "message", "turn end"];
  assertEquals(notes.calls, [...turn, ...turn]);
  assertEquals(notes.messages, ["a", bytes("bc")]);
  assertEquals(link.bytesReceived, 3);
});

test("HostLink stops a host that can be stopped, and holds what it has read", () => {
  const { link, notes, socket } = openLink({ maxQueuedAmount: 1 });
  link.pause();
  link.receiveMessage("a");
  link.receiveMessage("b");
  assertEquals(notes.messages, []);
  notes.onMessageHook = () => notes.messages.length === 1 && link.pause();
  link.resume();
  assertEquals(notes.messages, ["a"]);
  link.resume();
  assertEquals(notes.messages, ["a", "b"]);
  assertEquals(socket.calls, ["pause", "pause", "resume"]);
});

test("HostLink tells the end of a turn behind what it held", () => {
  const { link, notes } = openLink();
  link.pause();
  for (const message of ["a", "b"]) link.receiveMessage(message);
  link.resume();
  assertEquals(notes.calls, ["activity", "activity", "message", "message", "turn end"]);
  link.pause();
  link.resume();
  assertEquals(notes.calls.length, 5);
});

test("HostLink hears of no Close behind a message that it has failed for (RFC 6455 7.1.7)", () => {
  const { link, notes } = openLink({ maxMessageSize: 1 });
  link.receiveMessage("too long");
  link.closed(1009, "");
  assertEquals(notes.calls, ["failure 1009", "end"]);
  assertEquals((notes.error as WebSocketProtocolError).closeCode, 1009);
});

test("HostLink holds exactly as much as maxQueuedAmount where it cannot stop its host", () => {
  const { link, notes } = openLink({ maxQueuedAmount: 66 }, { inboundBackpressure: false });
  link.pause();
  link.receiveMessage("a"); // 64 bytes, and two for each unit
  assertEquals(notes.calls, ["activity"]);
  link.receiveMessage("");
  assertEquals(notes.calls.includes("failure 1013"), true);
});

test("HostLink that has ended holds nothing, and sends nothing when the host drains", () => {
  const { link, socket } = openLink();
  socket.room = 1;
  for (const text of ["a", "waits"]) link.sendText(text, undefined);
  link.abort(undefined);
  assertEquals(link.bufferedAmount, 0);
  link.drained();
  assertEquals(socket.calls, ["text a", "terminate"]);
});

test("HostLink pauses a socket that opens while the connection is behind", () => {
  const { link } = createLink();
  link.pause();
  const socket = new FakeHostSocket();
  link.open(socket);
  assertEquals(socket.calls, ["pause"]);
});

test("HostLink ends with 1013 where a host that cannot be stopped has sent too much", () => {
  const { link, notes, socket } = openLink({ maxQueuedAmount: 200 }, {
    inboundBackpressure: false,
  });
  link.pause();
  link.receiveMessage("a");
  link.receiveMessage("b");
  assertEquals(notes.messages, []);
  link.receiveMessage("c".repeat(100));
  // What was received is not lost: it waits for the application.
  assertEquals(notes.messages.length, 3);
  assertEquals(notes.calls.slice(-2), ["turn end", "failure 1013"]);
  link.receiveMessage("d");
  assertEquals(socket.calls, ["close 1013 too many messages wait"]);
  link.closed(1013, "");
  assertEquals(notes.calls.at(-1), "end");
  assertEquals((notes.error as WebSocketProtocolError).closeCode, 1013);
  assertEquals(notes.messages.length, 3);
});

const lengths: readonly (readonly [message: string | Uint8Array<ArrayBuffer>, passes: boolean])[] =
  [
    ["a".repeat(12), true],
    ["a".repeat(13), false],
    ["€".repeat(4), true],
    ["€".repeat(5), false],
    ["😀".repeat(3), true],
    ["😀".repeat(4), false],
    [new Uint8Array(12), true],
    [new Uint8Array(13), false],
  ];

for (const [message, passes] of lengths) {
  const kind = typeof message === "string" ? message : "bytes";
  test(`HostLink holds ${kind} (${message.length}) to maxMessageSize, counted in UTF-8`, () => {
    const { link, notes, socket } = openLink({ maxMessageSize: 12 });
    link.receiveMessage(message);
    assertEquals(notes.messages.length, passes ? 1 : 0);
    assertEquals(socket.calls, passes ? [] : ["close 1009 message is larger than 12 bytes"]);
    assertEquals(notes.calls.includes("failure 1009"), !passes);
  });
}

test("HostLink reports the peer's Close once, behind what it holds", () => {
  const { link, notes } = openLink();
  link.pause();
  link.receiveMessage("a");
  link.closed(4000, "why");
  link.closed(1006, "");
  link.lost(new Error("late"));
  link.receiveMessage("late");
  assertEquals(notes.calls, ["activity", "message", "turn end", "close 4000 why", "end"]);
  assertStrictEquals(notes.error, undefined);
});

for (const code of [0, 1006]) {
  test(`HostLink takes a code of ${code} for the end of the transport`, () => {
    const { link, notes } = openLink();
    link.closed(code, "");
    assertEquals(notes.calls, ["end"]);
    assert(notes.error instanceof Error);
  });
}

test("HostLink passes on what the transport was lost by, behind what it holds", () => {
  const { link, notes } = openLink();
  link.pause();
  link.receiveMessage("a");
  const cause = new Error("reset");
  link.lost(cause);
  assertEquals(notes.messages, ["a"]);
  assertStrictEquals(notes.error, cause);
});

test("HostLink drops the socket when aborted, and hears nothing of it then", () => {
  const { link, notes, socket } = openLink();
  const reason = new Error("enough");
  socket.terminate = () => {
    socket.calls.push("terminate");
    link.closed(1006, "");
  };
  link.abort(reason);
  link.abort(new Error("again"));
  link.drained();
  link.resume();
  link.close(1000, "");
  assertEquals(socket.calls, ["terminate"]);
  assertEquals(notes.calls, ["end"]);
  assertStrictEquals(notes.error, reason);
});

test("HostLink passes pings and pongs on", () => {
  const { link, notes } = openLink();
  link.receivePing(bytes("a"));
  link.receivePong(bytes("b"));
  link.abort(undefined);
  link.receivePing(bytes("a"));
  link.receivePong(bytes("b"));
  assertEquals(notes.calls, ["activity", "ping", "activity", "pong", "end"]);
});

test("HostLink says what the host cannot do, and who can", () => {
  const { link, socket } = openLink({}, { ping: false });
  for (const action of [() => link.ping(bytes("a")), () => link.setNoDelay(true)]) {
    const error = assertThrows(
      action,
      DOMException,
      "the host does not support it; use another one",
    );
    assertEquals(error.name, "NotSupportedError");
  }
  assertEquals(socket.calls, []);
});

test("HostLink gathers no more of a message in fragments than maxBufferedAmount", () => {
  const { link, socket } = openLink({ maxBufferedAmount: 10 });
  link.beginMessage("binary", new Uint8Array(6), undefined);
  link.sendFragment(new Uint8Array(4), false);
  assertThrows(() => link.sendFragment(new Uint8Array(1), false), RangeError, "another one sends");
  assertEquals(socket.calls, []);
});
