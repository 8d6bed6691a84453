import { assertEquals } from "@std/assert";
import { decodeLatin1, encodeLatin1 } from "../../src/handshake/latin1.ts";
import { test } from "../harness.ts";

test("decodeLatin1 and encodeLatin1 keep each byte, those of 0x80 to 0x9f too (RFC 9110 5.5)", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = decodeLatin1(bytes);
  assertEquals(Array.from(text, (character) => character.charCodeAt(0)), [...bytes]);
  assertEquals(encodeLatin1(text), bytes);
});

test("decodeLatin1 decodes at all lengths around its block", () => {
  for (const length of [0, 1, 1023, 1024, 1025, 2048, 200_000]) {
    const text = "abc".repeat(length).slice(0, length);
    assertEquals(decodeLatin1(encodeLatin1(text)), text);
  }
});
