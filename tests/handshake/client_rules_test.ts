/** Rules of RFC 6455 about the fields of a response, as a client holds a server to them. */

import { assertEquals, assertThrows } from "@std/assert";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import { ClientHandshake } from "../../src/handshake/client.ts";
import type { ResponseHead } from "../../src/handshake/http1.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { test } from "../harness.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

test("ClientHandshake.check refuses a field that appears twice (RFC 6455 11.3)", () => {
  const options = { subprotocols: ["a"], compression: true };
  const handshake = new ClientHandshake(new URL("ws://host/"), options, KEY);
  const accept: [string, string] = ["Sec-WebSocket-Accept", computeAccept(KEY)];
  const once: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    accept,
    ["Sec-WebSocket-Protocol", "a"],
    ["Sec-WebSocket-Extensions", "permessage-deflate"],
  ];
  const response = (fields: [string, string][]): ResponseHead => ({
    status: 101,
    statusText: "Switching Protocols",
    minorVersion: 1,
    fields,
  });
  assertEquals(handshake.check(response(once)).protocol, "a");
  for (const field of once.slice(2)) {
    for (const name of [field[0], field[0].toLowerCase()]) {
      assertThrows(
        () => handshake.check(response([...once, [name, field[1]]])),
        WebSocketHandshakeError,
        "twice",
      );
    }
  }
});
