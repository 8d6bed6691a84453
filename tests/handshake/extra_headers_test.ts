import { assertEquals, assertThrows } from "@std/assert";
import { copyExtraHeaders } from "../../src/handshake/extra_headers.ts";
import { test } from "../harness.ts";

test("copyExtraHeaders copies whatever Headers can be made of (RFC 6455 4.1)", () => {
  assertEquals([...copyExtraHeaders(undefined)], []);
  const given = new Headers({ "X-A": "1" });
  const copy = copyExtraHeaders(given);
  given.set("x-a", "2");
  assertEquals([...copy], [["x-a", "1"]]);
  assertEquals([...copyExtraHeaders([["set-cookie", "a=1"], ["set-cookie", "b=2"]])], [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
});

test("copyExtraHeaders refuses the handshake's own, in any case (RFC 6455 4.1)", () => {
  const names = [
    "Connection",
    "Content-Length",
    "HOST",
    "Transfer-Encoding",
    "upgrade",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Anything",
  ];
  for (const name of names) {
    assertThrows(() => copyExtraHeaders({ [name]: "x" }), TypeError, name.toLowerCase());
  }
});

test("copyExtraHeaders refuses line breaks and NUL (RFC 9110 5.5)", () => {
  for (const value of ["a\r\nb: c", "a\nb", "a\rb", "a\0b"]) {
    assertThrows(() => copyExtraHeaders({ "x-a": value }), TypeError);
    assertThrows(() => copyExtraHeaders({ [value]: "a" }), TypeError);
  }
});
