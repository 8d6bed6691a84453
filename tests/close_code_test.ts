import { assert, assertEquals, assertThrows } from "@std/assert";
import { CloseCode, isReceivableCloseCode, validateClose } from "../src/close_code.ts";
import { ALLOWED, FORBIDDEN } from "./close_codes.ts";
import { test } from "./harness.ts";

test("CloseCode numbers the registered codes (RFC 6455 7.4.1, IANA registry)", () => {
  assertEquals(CloseCode, {
    Normal: 1000,
    GoingAway: 1001,
    ProtocolError: 1002,
    UnsupportedData: 1003,
    NoStatusReceived: 1005,
    Abnormal: 1006,
    InvalidPayload: 1007,
    PolicyViolation: 1008,
    MessageTooBig: 1009,
    MandatoryExtension: 1010,
    InternalError: 1011,
    ServiceRestart: 1012,
    TryAgainLater: 1013,
    BadGateway: 1014,
    TlsHandshake: 1015,
  });
});

test("isReceivableCloseCode tells which codes may arrive (RFC 6455 7.4)", () => {
  for (const code of ALLOWED) assert(isReceivableCloseCode(code), String(code));
  for (const code of FORBIDDEN) assertEquals(isReceivableCloseCode(code), false, String(code));
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
