import { assertEquals } from "@std/assert";
import { encodeClose, parseClose } from "../../src/protocol/close.ts";
import { ALLOWED, FORBIDDEN } from "../close_codes.ts";
import { test } from "../harness.ts";
import { closePayload, concat } from "./frames.ts";

test("parseClose takes the codes that may be sent, and no other (RFC 6455 7.4)", () => {
  for (const code of ALLOWED) {
    assertEquals(parseClose(closePayload(code, "why")), { code, reason: "why" });
  }
  for (const code of FORBIDDEN) {
    assertEquals((parseClose(closePayload(code)) as { closeCode: number }).closeCode, 1002);
  }
});

test("parseClose reads an empty payload as 1005 (RFC 6455 7.1.5)", () => {
  assertEquals(parseClose(new Uint8Array(0)), { code: 1005, reason: "" });
});

test("parseClose refuses a payload of one byte (RFC 6455 5.5.1)", () => {
  assertEquals((parseClose(Uint8Array.of(3)) as { closeCode: number }).closeCode, 1002);
});

test("parseClose reads the code in network byte order, and reasons up to 123 bytes", () => {
  assertEquals(parseClose(Uint8Array.of(0x03, 0xe8)), { code: 1000, reason: "" });
  const reason = "é".repeat(61) + "x";
  assertEquals(parseClose(closePayload(4321, reason)), { code: 4321, reason });
});

test("parseClose answers a reason that is not UTF-8 with 1007 (RFC 6455 5.5.1, 8.1)", () => {
  for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x61, 0x80]]) {
    const parsed = parseClose(concat([0x03, 0xe8], bad)) as { closeCode: number };
    assertEquals(parsed.closeCode, 1007, bad.join(" "));
  }
});

test("encodeClose writes what parseClose reads", () => {
  for (const code of ALLOWED) {
    for (const reason of ["", "going away", "naïve — 😀", "r".repeat(123)]) {
      assertEquals(encodeClose(code, reason), closePayload(code, reason));
      assertEquals(parseClose(encodeClose(code, reason)), { code, reason });
    }
  }
});

test("encodeClose writes nothing for 1005, which is never on the wire (RFC 6455 7.4.1)", () => {
  assertEquals(encodeClose(1005, ""), new Uint8Array(0));
});
