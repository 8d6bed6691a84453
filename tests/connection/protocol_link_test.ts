import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ProtocolLink, type ProtocolLinkInit } from "../../src/connection/protocol_link.ts";
import { WebSocketProtocolError } from "../../src/errors.ts";
import type { ConnectionOptions } from "../../src/types.ts";
import { NodeBuffer } from "../node_buffer.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  bytes,
  CLOSE,
  closeFrameFor,
  concat,
  frame,
  frameFor,
  PING,
  PONG,
  type Role,
  ROLES,
  TEXT,
} from "../protocol/frames.ts";
import { FakeTransport } from "./fake_transport.ts";
import { LinkNotes } from "./link_notes.ts";

function open(
  role: Role = "server",
  options: ConnectionOptions = {},
  init: Partial<ProtocolLinkInit> = {},
) {
  const link = new ProtocolLink(
    { role, url: "ws://localhost/", protocol: "p", extensions: "", ...init },
    resolveConnectionOptions(options),
  );
  const sink = new LinkNotes();
  link.attach(sink, sink);
  const transport = new FakeTransport();
  return { link, sink, transport };
}

/** Takes the start of a chunk without a view of it, and notes how large the chunk is. */
class StartTransport extends FakeTransport {
  readonly chunkSizes: number[] = [];

  writeStart(chunk: Uint8Array, length: number): boolean {
    this.chunkSizes.push(chunk.length);
    return this.write(chunk.subarray(0, length));
  }
}

function opened(role: Role = "server", options: ConnectionOptions = {}) {
  const parts = open(role, options);
  parts.link.open(parts.transport);
  parts.sink.drains = 0;
  return parts;
}

test("ProtocolLink keeps what is sent before it is open, and reads what followed the handshake", () => {
  const { link, sink, transport } = open();
  link.sendText("early", undefined);
  link.flush();
  assert(link.bufferedAmount > 0);
  link.open(transport, frameFor("server", TEXT, "rest"));
  assertEquals(transport.frames.map(({ payload }) => payload), [bytes("early")]);
  assertEquals(sink.messages, ["rest"]);
  assertEquals(link.bufferedAmount, 0);
});

test("ProtocolLink writes what was sent before, and nothing else, as it opens", () => {
  const { link, transport } = open();
  link.sendText("early", undefined);
  link.open(transport);
  assertEquals(transport.frames.map(({ payload }) => payload), [bytes("early")]);
});

test("ProtocolLink leaves a transport that it knows alone before it is open", () => {
  const transport = new FakeTransport();
  const { link } = open("server", {}, { transport });
  assertEquals(link.remoteAddress, transport.remoteAddress);
  link.sendText("early", undefined);
  link.flush();
  link.pause();
  assertEquals([transport.writes, transport.paused], [[], false]);
  transport.paused = true;
  link.resume();
  assertEquals(transport.paused, true);
  link.open(transport);
  assertEquals(transport.frames.length, 1);
});

test("ProtocolLink keeps a chunk that its transport gives away, and lets go of one that is lent", () => {
  for (const givesChunks of [false, true]) {
    const { link, sink, transport } = open("client");
    Object.defineProperty(transport, "givesChunks", { value: givesChunks });
    link.open(transport);
    const chunk = frameFor("client", BINARY, new Uint8Array(5_000));
    link.receive(chunk);
    const { buffer } = sink.messages[0] as Uint8Array;
    assertEquals(buffer === chunk.buffer, givesChunks);
  }
});

test("ProtocolLink gathers nothing while it reads, behind which it writes", () => {
  const { link, sink, transport } = opened();
  const gathers: boolean[] = [];
  sink.onMessageHook = () => gathers.push(link.gathers);
  transport.receive(frameFor("server", TEXT, "a"));
  assertEquals([gathers, link.gathers], [[false], true]);
});

test("ProtocolLink has a limit met that is just reached", () => {
  const { link, sink, transport } = opened("server", {
    sendHighWaterMark: 100,
    sendLowWaterMark: 12,
  });
  transport.blocked = true;
  link.sendBinary(new Uint8Array(10), undefined);
  assertEquals([link.buffersAtMost(12), link.buffersAtMost(11)], [true, false]);
  link.flush();
  link.sendBinary(new Uint8Array(10), undefined);
  transport.drain();
  assertEquals([link.bufferedAmount, sink.drains], [12, 1]);
});

test("ProtocolLink given up before it is open releases the transport", () => {
  const { link, sink, transport } = open();
  const error = new Error("dial failed");
  link.abort(error);
  link.open(transport, frameFor("server", TEXT, "rest"));
  assertEquals(transport.closed, true);
  assertEquals(sink.calls, ["end"]);
  assertStrictEquals(sink.error, error);
});

test("ProtocolLink tells activity before what it brought, and the end of the turn after", () => {
  const { sink, transport } = opened();
  transport.receive(
    frameFor("server", TEXT, "a"),
    frameFor("server", PONG, ""),
    frameFor("server", PING, ""),
  );
  assertEquals(sink.calls, ["activity", "message", "pong", "ping", "turn end"]);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [PONG]);
});

test("ProtocolLink writes what was gathered in one write, and counts the bytes", () => {
  const { link, transport } = opened();
  for (let i = 0; i < 50; i++) link.sendText(`message ${i}`, undefined);
  assertEquals(transport.writes.length, 0);
  const waiting = link.bufferedAmount;
  link.flush();
  assertEquals(transport.writes.length, 1);
  assertEquals([link.bytesSent, link.bufferedAmount], [waiting, 0]);
  transport.receive(frameFor("server", PING, "abc"));
  assertEquals(link.bytesReceived, 9);
});

test("ProtocolLink makes one write at a time, and tells when little is left", () => {
  const { link, sink, transport } = opened("server", {
    sendHighWaterMark: 100,
    sendLowWaterMark: 50,
  });
  transport.blocked = true;
  link.sendBinary(new Uint8Array(80), undefined);
  link.flush();
  link.sendBinary(new Uint8Array(80), undefined);
  link.flush();
  assertEquals(transport.writes.length, 1);
  assertEquals([link.bufferedAmount, sink.drains], [164, 0]);
  transport.drain();
  assertEquals([transport.writes.length, link.bufferedAmount, sink.drains], [2, 82, 0]);
  link.sendBinary(new Uint8Array(10), undefined);
  transport.drain();
  assertEquals([link.bufferedAmount, sink.drains], [12, 1]);
  transport.drain();
  assertEquals([link.bufferedAmount, sink.drains], [0, 2]);
});

test("ProtocolLink answers a ping although the application always has something to say", () => {
  const { link, transport } = opened("server", { sendHighWaterMark: 100_000 });
  transport.blocked = true;
  link.sendBinary(new Uint8Array(20_000), undefined);
  link.flush();
  link.sendBinary(new Uint8Array(20_000), undefined);
  for (let i = 0; i < 1_000; i++) transport.receive(frameFor("server", PING, `ping ${i}`));
  for (let i = 0; i < 3; i++) {
    transport.drain();
    link.sendBinary(new Uint8Array(20_000), undefined);
  }
  const pongs = transport.frames.filter(({ opcode }) => opcode === PONG);
  assertEquals(pongs.map(({ payload }) => new TextDecoder().decode(payload)), ["ping 999"]);
});

/** A link over a transport that holds chunks, or does not. */
function openedHolding(holdsChunks: boolean, init: Partial<ProtocolLinkInit> = {}) {
  const { link, sink, transport } = open("server", {}, init);
  transport.holdsChunks = holdsChunks;
  link.open(transport);
  return { link, sink, transport };
}

const THREE = ["a", "b", "c"].map((text) => frameFor("server", TEXT, text));

test("ProtocolLink stops reading when paused, and delivers what the chunk still held when resumed", () => {
  for (const holdsChunks of [false, true]) {
    const { link, sink, transport } = openedHolding(holdsChunks);
    sink.onMessageHook = () => link.pause();
    transport.receive(...THREE);
    assertEquals([sink.messages.length, transport.paused], [1, true]);
    link.resume();
    assertEquals([sink.messages.length, transport.paused], [2, true]);
    sink.onMessageHook = () => {};
    link.resume();
    assertEquals([sink.messages, transport.paused], [["a", "b", "c"], false]);
    link.resume();
    assertEquals(sink.messages.length, 3);
  }
});

test("ProtocolLink reads on only once all that was held is delivered, be it resumed from within", () => {
  const { link, sink, transport } = openedHolding(true);
  sink.onMessageHook = () => link.pause();
  transport.receive(...THREE);
  const paused: boolean[] = [];
  sink.onMessageHook = () => {
    link.pause();
    link.resume();
    paused.push(transport.paused);
  };
  link.resume();
  assertEquals([sink.messages, paused, transport.paused], [["a", "b", "c"], [true, true], false]);
});

test("ProtocolLink joins what it holds with a read that was under way as it paused", () => {
  for (const holdsChunks of [false, true]) {
    const { link, sink, transport } = openedHolding(holdsChunks);
    sink.onMessageHook = () => link.pause();
    transport.receive(...THREE);
    transport.receive(...THREE);
    sink.onMessageHook = () => {};
    link.resume();
    assertEquals(sink.messages, ["a", "b", "c", "a", "b", "c"]);
  }
});

test("ProtocolLink copies nothing of what waits where its transport holds it", () => {
  for (const holdsChunks of [false, true]) {
    const { link, sink } = openedHolding(holdsChunks);
    sink.onMessageHook = () => link.pause();
    const chunk = concat(...THREE);
    link.receive(chunk);
    // Makes the second message a ping.
    chunk[THREE[0]!.length] = frameFor("server", PING, "")[0]!;
    sink.onMessageHook = () => {};
    link.resume();
    assertEquals(sink.messages, holdsChunks ? ["a", "c"] : ["a", "b", "c"]);
  }
});

test("ProtocolLink looks at what it holds before the end of the transport", () => {
  for (const role of ROLES) {
    const { link, sink, transport } = opened(role);
    sink.onMessageHook = () => link.pause();
    transport.receive(
      frameFor(role, TEXT, "a"),
      frameFor(role, TEXT, "b"),
      closeFrameFor(role, 1001),
    );
    transport.receiveEof();
    assertEquals([sink.messages.length, transport.closed], [1, false]);
    link.resume();
    link.resume();
    assertEquals(sink.messages, ["a", "b"]);
    assertEquals(sink.calls.slice(-3), ["close 1001 ", "turn end", "end"]);
    assertEquals([sink.error, transport.closed], [undefined, true]);
  }
});

test("ProtocolLink tells the end of a transport without a Close once it reads again (RFC 6455 7.1.5)", () => {
  for (const role of ROLES) {
    const { link, sink, transport } = opened(role);
    link.pause();
    transport.receiveEof();
    assertEquals([sink.calls, transport.closed], [[], false]);
    link.resume();
    assertEquals([sink.calls.at(-1), transport.closed], ["end", true]);
    assert(sink.error instanceof Error);
  }
});

test("ProtocolLink that has ended takes nothing in, and has nothing left to write", () => {
  const { link, sink, transport } = opened();
  transport.blocked = true;
  link.sendBinary(new Uint8Array(1_000), undefined);
  link.abort(new Error("enough"));
  link.receive(frameFor("server", TEXT, "late"));
  assertEquals([sink.messages, sink.calls, link.bufferedAmount], [[], ["end"], 0]);
});

test("ProtocolLink delivers nothing after its end, be it resumed", () => {
  const { link, sink, transport } = opened();
  sink.onMessageHook = () => link.pause();
  transport.receive(
    frameFor("server", TEXT, "a"),
    frameFor("server", TEXT, "b"),
    closeFrameFor("server", 1000),
  );
  link.abort(new Error("enough"));
  link.resume();
  assertEquals([sink.messages, sink.calls.at(-1)], [["a"], "end"]);
});

test("ProtocolLink delivers what it has read and held, the Close too, where the transport is lost", () => {
  for (const holdsChunks of [false, true]) {
    const { link, sink, transport } = openedHolding(holdsChunks);
    sink.onMessageHook = () => link.pause();
    transport.receive(...THREE, closeFrameFor("server", 1000));
    const cause = new Error("reset");
    transport.lose(cause);
    assertEquals(sink.messages, ["a", "b", "c"]);
    assertEquals(sink.calls.filter((call) => /^close|^end/.test(call)), ["close 1000 ", "end"]);
    assertStrictEquals(sink.error, cause);
    assertEquals([transport.writes, transport.closed], [[], true]);
  }

  const violating = opened();
  violating.link.pause();
  violating.transport.receive(frameFor("server", 3, ""));
  violating.transport.lose();
  const told = violating.sink.calls.filter((call) => /^failure|^end/.test(call));
  assertEquals(told, ["failure 1002", "end"]);
});

test("ProtocolLink leaves what it holds where that may be compressed, and the transport is lost", () => {
  const parameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const compression = { parameters, level: 6, threshold: 256 };
  const { link, sink, transport } = open("server", {}, { compression });
  link.open(transport);
  link.pause();
  transport.receive(frameFor("server", TEXT, "a"));
  transport.lose();
  assertEquals([sink.messages, sink.calls.at(-1)], [[], "end"]);
});

test("ProtocolLink tells nothing more of a chunk behind its end", () => {
  for (
    const next of [
      closeFrameFor("server", 1000),
      frameFor("server", 3, ""),
      frameFor("server", TEXT, "b"),
      frameFor("server", PING, "p"),
    ]
  ) {
    const { link, sink, transport } = opened();
    sink.onMessageHook = () => link.abort(new Error("enough"));
    transport.receive(frameFor("server", TEXT, "a"), next);
    const told = sink.calls.filter((call) => call !== "turn end");
    assertEquals([told, transport.writes], [["activity", "message", "end"], []]);
  }
});

test("ProtocolLink whose transport is lost within a write ends once, with nothing left to write", () => {
  for (const taken of [true, false]) {
    const { link, sink, transport } = opened();
    transport.write = () => {
      transport.lose();
      return taken;
    };
    link.sendBinary(new Uint8Array(1_000), undefined);
    link.flush();
    const { calls, isCut } = sink;
    assertEquals([calls, isCut, link.bufferedAmount], [["end"], true, 0], String(taken));
  }
});

test("ProtocolLink of a server ends its direction after both Closes, and then waits for the client (RFC 6455 7.1.1)", () => {
  const { sink, transport } = opened("server");
  transport.receive(closeFrameFor("server", 1000, "bye"));
  assertEquals(sink.calls, ["activity", "close 1000 bye", "turn end"]);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [CLOSE]);
  assertEquals([transport.writeEnded, transport.closed], [true, false]);
  transport.receiveEof();
  assertEquals([sink.calls.at(-1), sink.error, transport.closed], ["end", undefined, true]);
});

test("ProtocolLink of a client waits for the server to end the transport (RFC 6455 7.1.1)", () => {
  const { link, sink, transport } = opened("client");
  link.close(1000, "");
  assertEquals(transport.frames.map(({ opcode }) => opcode), [CLOSE]);
  transport.receive(closeFrameFor("client", 1000));
  assertEquals([transport.writeEnded, transport.closed], [false, false]);
  transport.receiveEof();
  assertEquals([sink.calls.at(-1), sink.error, transport.closed], ["end", undefined, true]);
});

test("ProtocolLink leaves the answer to a connection that asks for time, past the end of the peer's direction", () => {
  for (const role of ROLES) {
    const { link, sink, transport } = opened(role);
    sink.answers = false;
    transport.receive(closeFrameFor(role, 4000, "bye"));
    transport.receiveEof();
    assertEquals([transport.frames, sink.calls.includes("end")], [[], false]);
    link.sendText("answer", undefined);
    link.close(4000, "");
    assertEquals(transport.frames.map(({ opcode }) => opcode), [TEXT, CLOSE]);
    assertEquals([sink.calls.at(-1), sink.error, transport.closed], ["end", undefined, true]);
  }
});

test("ProtocolLink that is lost before the peer's Close is answered ends with an error", () => {
  const { sink, transport } = opened();
  sink.answers = false;
  transport.receive(closeFrameFor("server", 1000));
  const cause = new Error("reset");
  transport.lose(cause);
  assertEquals(sink.calls.at(-1), "end");
  assertStrictEquals(sink.error, cause);
});

test("ProtocolLink does not end its direction before its Close is written", () => {
  const { link, transport } = opened("server");
  transport.blocked = true;
  link.sendBinary(new Uint8Array(1000), undefined);
  link.flush();
  transport.receive(closeFrameFor("server", 1000));
  assertEquals(transport.writeEnded, false);
  transport.drain();
  assertEquals(transport.writeEnded, false);
  transport.drain();
  assertEquals(transport.writeEnded, true);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [BINARY, CLOSE]);
});

test("ProtocolLink writes all there is although the peer has ended the transport", () => {
  const { link, sink, transport } = opened("server");
  transport.blocked = true;
  link.sendBinary(new Uint8Array(1000), undefined);
  link.flush();
  transport.receive(closeFrameFor("server", 1000));
  transport.receiveEof();
  assertEquals([transport.closed, transport.writeEnded], [false, false]);
  transport.drain();
  assertEquals(transport.closed, false);
  transport.drain();
  assertEquals([transport.closed, sink.calls.at(-1), sink.error], [true, "end", undefined]);
  assertEquals(transport.frames.map(({ opcode }) => opcode), [BINARY, CLOSE]);
});

test("ProtocolLink ends its direction once", () => {
  const { link, transport } = opened("server");
  let ends = 0;
  transport.closeWrite = () => void ends++;
  transport.receive(closeFrameFor("server", 1000));
  link.flush();
  transport.receive(frameFor("server", TEXT, "ignored"));
  assertEquals(ends, 1);
});

test("ProtocolLink tells a violation once, answers it, and reads no further (RFC 6455 7.1.7)", () => {
  for (const role of ROLES) {
    const { sink, transport } = opened(role);
    transport.receive(frameFor(role, TEXT, "a"), frameFor(role, 3));
    transport.receive(frameFor(role, TEXT, "b"));
    assertEquals(sink.messages, ["a"]);
    assertEquals(sink.calls.filter((call) => call.startsWith("failure")), ["failure 1002"]);
    assertEquals(transport.frames.at(-1)?.opcode, CLOSE);
    assertEquals(transport.writeEnded, true);
    transport.receiveEof();
    assertEquals(sink.calls.at(-1), "end");
    assert(sink.error instanceof WebSocketProtocolError);
  }
});

test("ProtocolLink ends with an error where the transport ends without a Close (RFC 6455 7.1.5)", () => {
  for (const end of ["receiveEof", "lose"] as const) {
    for (const closing of [false, true]) {
      const { link, sink, transport } = opened();
      if (closing) link.close(1000, "");
      transport[end]();
      assertEquals(sink.calls.filter((call) => call === "end"), ["end"]);
      assert(sink.error instanceof Error);
      assertEquals(transport.closed, true);
      link.flush();
      link.abort(new Error("later"));
      assertEquals(sink.calls.filter((call) => call === "end"), ["end"]);
    }
  }
});

test("ProtocolLink ends without an error where the transport is lost after both Closes", () => {
  const { sink, transport } = opened();
  transport.receive(closeFrameFor("server", 1000));
  transport.lose();
  assertEquals([sink.calls.at(-1), sink.error], ["end", undefined]);
});

test("ProtocolLink tells nothing more where the transport is lost within a write", () => {
  const { link, sink, transport } = opened();
  transport.write = () => {
    transport.lose();
    return true;
  };
  link.sendText("x", undefined);
  link.flush();
  assertEquals([sink.calls, sink.drains], [["end"], 0]);
});

test("ProtocolLink shows what it can do, and passes setNoDelay on", () => {
  const { link, transport } = open();
  assertEquals(link.capabilities.noDelay, false);
  assertEquals(link.remoteAddress, undefined);
  link.open(transport);
  assertEquals(link.capabilities, {
    ping: true,
    compression: false,
    inboundBackpressure: true,
    outboundBackpressure: true,
    noDelay: true,
  });
  assertEquals([link.url, link.protocol, link.extensions], ["ws://localhost/", "p", ""]);
  assertStrictEquals(link.remoteAddress, transport.remoteAddress);
  link.setNoDelay(true);
  assertEquals(transport.noDelay, true);
});

test("ProtocolLink spares a view where the transport takes the start of a chunk", () => {
  const { link } = open();
  const transport = new StartTransport();
  link.open(transport);
  link.sendText("hello", undefined);
  link.flush();
  assertEquals(transport.writes, [frame(TEXT, "hello")]);
  assert(transport.chunkSizes[0]! > transport.writes[0]!.length);
  assertEquals(link.bytesSent, 7);
  transport.blocked = true;
  link.sendBinary(new Uint8Array(100_000), undefined);
  link.flush();
  assertEquals([link.bytesSent, link.bufferedAmount], [7, 100_010]);
});

test("ProtocolLink copies out of a chunk whose slice would not", () => {
  for (const size of [3, 100, 2_000]) {
    const { link, sink } = opened();
    const chunk = new NodeBuffer(frameFor("server", BINARY, new Uint8Array(size)));
    link.receive(chunk);
    chunk.fill(0xff);
    assertEquals(sink.messages, [new Uint8Array(size)]);
  }
});
