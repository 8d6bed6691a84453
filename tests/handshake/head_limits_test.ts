import { assertEquals, assertThrows } from "@std/assert";
import { type HeadLimits, resolveHeadLimits } from "../../src/handshake/head_limits.ts";
import { test } from "../harness.ts";

test("resolveHeadLimits fills in what is not given, or given as undefined", () => {
  const defaults = { maxHeadSize: 16_384, maxFields: 100, maxLineSize: 8_192 };
  assertEquals(resolveHeadLimits(), defaults);
  assertEquals(resolveHeadLimits({}), defaults);
  const given: HeadLimits = { maxFields: 7, maxLineSize: undefined };
  assertEquals(resolveHeadLimits(given), { ...defaults, maxFields: 7 });
});

test("resolveHeadLimits refuses what is not a positive integer, naming it", () => {
  for (const name of ["maxHeadSize", "maxFields", "maxLineSize"]) {
    for (const value of [0, -1, 1.5, NaN, Infinity, "100"]) {
      const message = `headLimits.${name} must be an integer from 1 to 9007199254740991, not `;
      assertThrows(() => resolveHeadLimits({ [name]: value }), RangeError, message);
    }
  }
  for (const limits of [null, 5]) {
    assertThrows(() => resolveHeadLimits(limits as HeadLimits), TypeError, "headLimits");
  }
});
