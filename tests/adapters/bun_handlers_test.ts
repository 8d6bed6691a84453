import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { createWebSocketHandlers, websocket } from "../../src/adapters/bun_handlers.ts";
import { test } from "../harness.ts";

test("websocket takes 10 MiB, and leaves pings and timeouts to the connections", () => {
  const { maxPayloadLength, idleTimeout, sendPings, perMessageDeflate } = websocket;
  assertEquals({ maxPayloadLength, idleTimeout, sendPings, perMessageDeflate }, {
    maxPayloadLength: 10_485_760,
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: { compress: "dedicated", decompress: "dedicated" },
  });
});

test("createWebSocketHandlers sets the largest message", () => {
  for (const maxMessageSize of [0, 1, 2 ** 32 - 1]) {
    assertStrictEquals(
      createWebSocketHandlers({ maxMessageSize }).maxPayloadLength,
      maxMessageSize,
    );
  }
  assertEquals(createWebSocketHandlers().maxPayloadLength, websocket.maxPayloadLength);
});

test("createWebSocketHandlers refuses a size that Bun cannot set", () => {
  for (const maxMessageSize of [-1, 1.5, NaN, Infinity, 2 ** 32]) {
    const error = assertThrows(() => createWebSocketHandlers({ maxMessageSize }), RangeError);
    assertEquals(
      error.message,
      `maxMessageSize must be an integer from 0 to 4294967295, not ${maxMessageSize}`,
    );
  }
});
