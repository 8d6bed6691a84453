import { assertEquals } from "@std/assert";
import { CloseCode } from "../src/close_code.ts";
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
