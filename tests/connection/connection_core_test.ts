/** The parts of a connection together; what its users see of it is in the tests of the connection. */

import { assertEquals, assertStrictEquals } from "@std/assert";
import { ConnectionCore, type ConnectionObservers } from "../../src/connection/connection_core.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ProtocolLink } from "../../src/connection/protocol_link.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { CLOSE, closeFrameFor, frameFor, PING, PONG } from "../protocol/frames.ts";
import { FakeTransport } from "./fake_transport.ts";

function createCore(observers: ConnectionObservers = {}) {
  const clock = new ManualClock();
  const resolved = resolveConnectionOptions({ clock, pingInterval: 1_000 });
  const link = new ProtocolLink(
    { role: "server", url: "ws://localhost/", protocol: "", extensions: "" },
    resolved,
  );
  const core = new ConnectionCore({ link, resolved }, observers);
  return { core, link, clock, transport: new FakeTransport() };
}

test("ConnectionCore makes an end only where there is one", () => {
  const { core, link, transport } = createCore();
  link.open(transport);
  assertEquals([core.ending, core.info, core.isClosing()], [undefined, undefined, false]);
  const { end } = core;
  assertStrictEquals(core.ending, end);
  assertEquals(core.isClosing(), false);
  end.close(1000, "");
  assertEquals(core.isClosing(), true);
  link.abort(new Error("enough"));
  assertEquals(core.info?.code, 1006);
});

test("ConnectionCore tells the last of two functions of its end, with its subject, once", () => {
  const { core, link, transport } = createCore();
  link.open(transport);
  const told: string[] = [];
  core.onceClosed((subject) => told.push(`first ${subject}`), "a");
  core.onceClosed((subject) => told.push(`second ${subject}`), "b");
  link.abort(new Error("enough"));
  link.abort(new Error("again"));
  assertEquals(told, ["second b"]);
  core.onceClosed((subject) => told.push(`late ${subject}`), "c");
  assertEquals(told, ["second b", "late c"]);
});

test("ConnectionCore gives one promise of its end, whenever that is asked for", async () => {
  const { core, link, transport } = createCore();
  link.open(transport);
  const { closed } = core;
  assertStrictEquals(core.closed, closed);
  link.abort(new Error("enough"));
  assertStrictEquals(await closed, core.info);

  const other = createCore();
  other.link.abort(new Error("enough"));
  assertStrictEquals(await other.core.closed, other.core.info);
});

test("ConnectionCore watches its peer from when the link opens, unless it is closing", async () => {
  const open = createCore();
  await open.clock.advance(5_000);
  open.link.open(open.transport);
  await open.clock.advance(1_000);
  assertEquals(open.transport.frames.map(({ opcode }) => opcode), [PING]);
  open.link.abort(new Error("enough"));

  const closing = createCore();
  closing.core.end.close(1000, "");
  closing.link.open(closing.transport);
  await closing.clock.advance(5_000);
  assertEquals(closing.transport.frames.map(({ opcode }) => opcode), [CLOSE]);
  closing.link.abort(new Error("enough"));
});

test("ConnectionCore passes pings and pongs to who observes them, and stops with the Close", () => {
  const seen: string[] = [];
  const note = (kind: string) => (payload: Uint8Array) => void seen.push(`${kind} ${payload}`);
  const { link, transport } = createCore({ onPing: note("ping"), onPong: note("pong") });
  link.open(transport);
  transport.receive(
    frameFor("server", PING, Uint8Array.of(1)),
    frameFor("server", PONG, Uint8Array.of(2)),
    closeFrameFor("server", 1000),
    frameFor("server", PING, Uint8Array.of(3)),
  );
  assertEquals(seen, ["ping 1", "pong 2"]);
  transport.receiveEof();
});

test("ConnectionCore lets go of a signal with its end", () => {
  const { core, link, transport } = createCore();
  link.open(transport);
  const controller = new AbortController();
  core.follow(controller.signal);
  link.abort(new Error("first"));
  controller.abort(new Error("second"));
  assertEquals((core.info?.error as Error).message, "first");

  const aborted = createCore();
  aborted.core.follow(AbortSignal.abort(new Error("already")));
  assertEquals((aborted.core.info?.error as Error).message, "already");
});
