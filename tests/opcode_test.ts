import { assertEquals } from "@std/assert";
import { Opcode } from "../src/opcode.ts";
import { test } from "./harness.ts";

test("Opcode numbers the six opcodes (RFC 6455 5.2)", () => {
  assertEquals(Opcode, { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 });
});

test("Opcode has the control bit for control frames alone (RFC 6455 5.5)", () => {
  const control = Object.entries(Opcode).filter(([, code]) => (code & 0x8) !== 0);
  assertEquals(control.map(([name]) => name), ["Close", "Ping", "Pong"]);
});
