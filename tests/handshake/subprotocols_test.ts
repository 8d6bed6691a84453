import { assertThrows } from "@std/assert";
import { requireSubprotocols } from "../../src/handshake/subprotocols.ts";
import { test } from "../harness.ts";

test("requireSubprotocols takes tokens that differ (RFC 6455 4.1)", () => {
  requireSubprotocols([]);
  requireSubprotocols(["chat", "Chat", "v2.chat", "__proto__"]);
});

test("requireSubprotocols refuses what is no token (RFC 6455 4.1)", () => {
  for (const subprotocol of ["", "a b", "a,b", "a\r\nx: y", "a\0", "\u00e9", undefined, 1]) {
    assertThrows(() => requireSubprotocols(["chat", subprotocol as string]), TypeError, "token");
  }
});

test("requireSubprotocols refuses a string, whose letters are tokens", () => {
  const subprotocols = "chat" as unknown as string[];
  assertThrows(() => requireSubprotocols(subprotocols), TypeError, '"chat": they must be an array');
});

test("requireSubprotocols refuses one that appears twice (RFC 6455 4.1)", () => {
  assertThrows(() => requireSubprotocols(["a", "b", "a"]), TypeError, '"a": it appears twice');
});
