import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  encodeClose,
  isReceivableCloseCode,
  parseClose,
  validateClose,
} from "../../src/protocol/close.ts";
import { test } from "../harness.ts";
import { closePayload, concat } from "./frames.ts";

const ALLOWED = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...[3000, 3999, 4000, 4999],
];
const FORBIDDEN = [
  ...[0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535],
];

test("parseClose takes the codes that may be sent, and no other (RFC 6455 7.4)", () => {
  for (const code of ALLOWED) {
    assert(isReceivableCloseCode(code));
    assertEquals(parseClose(closePayload(code, "why")), { code, reason: "why" });
  }
  for (const code of FORBIDDEN) {
    assertEquals(isReceivableCloseCode(code), false);
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

test("validateClose lets pass what may be sent (RFC 6455 7.4)", () => {
  for (const code of ALLOWED) validateClose(code, "");
  validateClose(1000, "r".repeat(123));
  validateClose(1000, "é".repeat(61));
});

test("validateClose refuses codes that may not be sent", () => {
  for (const code of [...FORBIDDEN, -1, 1000.5, NaN, Infinity]) {
    assertThrows(() => validateClose(code, ""), RangeError, String(code));
  }
});

test("validateClose refuses reasons of more than 123 bytes", () => {
  for (const reason of ["r".repeat(124), "é".repeat(62), "€".repeat(42), "😀".repeat(31)]) {
    assertThrows(() => validateClose(1000, reason), RangeError, "123 bytes");
  }
});

test("validateClose refuses what is no number and no string", () => {
  assertThrows(() => validateClose("1000" as unknown as number, ""), TypeError, "string");
  assertThrows(() => validateClose(undefined as unknown as number, ""), TypeError);
  for (const reason of [new Float32Array(20), 5, null, {}]) {
    assertThrows(() => validateClose(1000, reason as unknown as string), TypeError, "reason");
  }
});
