import { assert, assertEquals } from "@std/assert";
import { isViolation, protocolError } from "../../src/protocol/violation.ts";
import { test } from "../harness.ts";

test("A violation is told from a message", () => {
  const violation = protocolError("reserved bits are set");
  assertEquals(violation, { closeCode: 1002, message: "reserved bits are set" });
  assert(isViolation(violation));
  for (const message of ["", "text", new Uint8Array(0)]) assert(!isViolation(message));
});
