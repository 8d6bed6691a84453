import { assertEquals } from "@std/assert";
import { switchingProtocols } from "../../src/handshake/switching_protocols.ts";
import { test } from "../harness.ts";

test("switchingProtocols says 101 and has the headers, whatever the runtime makes of the status", () => {
  const { status, headers, body } = switchingProtocols([["set-cookie", "a=1"], ["x-a", "b"]]);
  assertEquals([status, headers.get("x-a"), headers.getSetCookie(), body], [
    101,
    "b",
    ["a=1"],
    null,
  ]);
});
