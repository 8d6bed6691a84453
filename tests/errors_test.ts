import { assert, assertEquals } from "@std/assert";
import {
  WebSocketClosedError,
  WebSocketHandshakeError,
  WebSocketProtocolError,
} from "../src/errors.ts";
import { test } from "./harness.ts";

test("WebSocketClosedError carries how the connection ended", () => {
  const cause = new Error("reset");
  const error = new WebSocketClosedError("Cannot send message: connection is closed", {
    code: 4001,
    reason: "kicked",
    wasClean: true,
    cause,
  });
  assert(error instanceof Error);
  assertEquals(error.name, "WebSocketClosedError");
  assertEquals(error.message, "Cannot send message: connection is closed");
  assertEquals([error.code, error.reason, error.wasClean], [4001, "kicked", true]);
  assertEquals(error.cause, cause);
});

test("WebSocketClosedError has no cause where none is given", () => {
  const error = new WebSocketClosedError("closed", { code: 1005, reason: "", wasClean: true });
  assertEquals("cause" in error, false);
});

test("WebSocketProtocolError carries the close code that answers the violation (RFC 6455 7.1.7)", () => {
  const error = new WebSocketProtocolError(1002, "reserved opcode");
  assert(error instanceof Error);
  assertEquals(error.name, "WebSocketProtocolError");
  assertEquals([error.closeCode, error.message], [1002, "reserved opcode"]);
});

test("WebSocketHandshakeError exposes the response and its status (RFC 6455 4.1)", async () => {
  const response = new Response("who are you?", { status: 401 });
  const error = new WebSocketHandshakeError("Unexpected status 401", { response });
  assert(error instanceof Error);
  assertEquals(error.name, "WebSocketHandshakeError");
  assertEquals(error.status, 401);
  assertEquals(await error.response?.text(), "who are you?");
});

test("WebSocketHandshakeError has neither response nor status where none came", () => {
  const error = new WebSocketHandshakeError("Cannot connect", { cause: "refused" });
  assertEquals([error.response, error.status, error.cause], [undefined, undefined, "refused"]);
});
