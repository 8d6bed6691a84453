/** The closing handshake where the host leaves the answer to the connection. */

import { assertEquals, assertStrictEquals } from "@std/assert";
import { HostLink } from "../../src/connection/host_link.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { test } from "../harness.ts";
import { ALL, FakeHostSocket } from "./fake_host_socket.ts";
import { LinkNotes } from "./link_notes.ts";

function openLink({ answers = true, opened = true } = {}) {
  const link = new HostLink({
    host: "the host",
    alternative: "another one",
    url: "ws://example.com/",
    protocol: "",
    extensions: "",
    remoteAddress: undefined,
    capabilities: ALL,
    answersClose: false,
  }, resolveConnectionOptions({}));
  const notes = new LinkNotes();
  notes.answers = answers;
  link.attach(notes, notes);
  const socket = new FakeHostSocket();
  if (opened) link.open(socket);
  return { link, notes, socket };
}

test("HostLink leaves the answer to a Close to the connection where the host does", () => {
  const { link, notes, socket } = openLink({ answers: false });
  assertEquals(link.answersClose, false);
  link.receiveClose(3000, "x");
  link.sendText("last words", undefined);
  assertEquals(notes.calls, ["close 3000 x"]);
  link.close(3000, "x");
  assertEquals(socket.calls, ["text last words", "close 3000 x"]);
  assertEquals(notes.calls, ["close 3000 x", "end"]);
  assertStrictEquals(notes.error, undefined);
});

test("HostLink answers a Close at once where the connection wants it, and ends", () => {
  const { link, notes, socket } = openLink();
  link.receiveClose(1005, "");
  assertEquals(socket.calls, ["close 1005 "]);
  assertEquals(notes.calls, ["close 1005 ", "end"]);
  link.receiveClose(1000, "");
  link.closed(1000, "");
  assertEquals(notes.calls.length, 2);
});

test("HostLink ends with the second Close where its own is on its way (RFC 6455 7.1.1)", () => {
  const { link, notes, socket } = openLink();
  link.close(3001, "mine");
  link.receiveClose(3002, "yours");
  assertEquals(socket.calls, ["close 3001 mine"]);
  assertEquals(notes.calls, ["close 3002 yours", "end"]);
});

test("HostLink ends behind its Close that waits for the socket to open", () => {
  const { link, notes, socket } = openLink({ opened: false });
  link.close(1000, "");
  link.receiveClose(1000, "");
  assertEquals(notes.calls, ["close 1000 "]);
  link.open(socket);
  assertEquals([socket.calls, notes.calls], [["close 1000 "], ["close 1000 ", "end"]]);
});

test("HostLink refuses a Close that breaks a rule, by the answer (RFC 6455 7.4)", () => {
  const { link, notes, socket } = openLink();
  link.refuseClose(1002, "invalid close code 999");
  assertEquals(socket.calls, ["close 1002 invalid close code 999"]);
  assertEquals(notes.calls, ["failure 1002", "end"]);
  assertEquals(String(notes.error), "WebSocketProtocolError: invalid close code 999");
  link.refuseClose(1002, "again");
  assertEquals(notes.calls.length, 2);
});

test("HostLink hands held messages over before it tells of a Close", () => {
  const { link, notes } = openLink();
  link.pause();
  link.receiveMessage("held");
  link.receiveClose(1000, "");
  assertEquals(notes.messages, ["held"]);
  assertEquals(notes.calls, ["activity", "message", "turn end", "close 1000 ", "end"]);
});

test("HostLink hears of no Close behind one that it has refused, or behind its end", () => {
  const { link, notes } = openLink({ opened: false });
  link.refuseClose(1002, "invalid close code 999"); // the answer waits for the socket
  link.receiveClose(1000, "");
  assertEquals(notes.calls, ["failure 1002"]);
  link.abort(undefined);
  link.receiveClose(1000, "");
  assertEquals(notes.calls, ["failure 1002", "end"]);
});
