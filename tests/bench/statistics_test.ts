import { assertEquals, assertThrows } from "@std/assert";
import { summarize } from "../../bench/statistics.ts";
import { test } from "../harness.ts";

test("summarize takes the middle of an odd and of an even number of samples", () => {
  assertEquals(summarize([3, 1, 2]).median, 2);
  assertEquals(summarize([4, 1, 3, 2]).median, 2.5);
});

test("summarize gives the spread as half the range in percent of the median", () => {
  const { min, max, spread, samples } = summarize([11, 9, 10]);
  assertEquals([min, max, spread, samples], [9, 11, 10, [11, 9, 10]]);
});

test("summarize refuses an empty list", () => {
  assertThrows(() => summarize([]), RangeError);
});
