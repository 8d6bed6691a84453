import { assertAlmostEquals, assertEquals } from "@std/assert";
import { ratioOf, summarizeWindows } from "../../bench/results.ts";
import { summarize } from "../../bench/statistics.ts";
import { test } from "../harness.ts";

const window = {
  count: 1000,
  bytes: 22_000,
  seconds: 2,
  loadCpuSeconds: 1,
  cpuSeconds: 0.5,
  otherCpuSeconds: 0.2,
};

test("summarizeWindows divides CPU, bytes and time by what was counted", () => {
  const { peer, cost, window: summary } = summarizeWindows("a", [window]);
  assertEquals(peer, "a");
  assertAlmostEquals(cost.median, 500);
  assertAlmostEquals(summary!.perSecond.median, 500);
  assertAlmostEquals(summary!.bytesEach, 22);
  assertEquals(summary!.shares, { measured: 0.25, load: 0.5, other: 0.1 });
});

test("summarizeWindows takes the median of the windows, not of all messages", () => {
  const slow = { ...window, cpuSeconds: 1 };
  const idle = { ...window, cpuSeconds: 0.001, count: 1 };
  const { cost } = summarizeWindows("a", [slow, idle, slow]);
  assertAlmostEquals(cost.median, 1000);
  assertEquals(cost.samples.length, 3);
});

test("ratioOf compares within rounds, so that a slow time of the machine meets both", () => {
  const quiet = [10, 10, 10], slow = [20, 20];
  const cost = summarize([...quiet, ...slow]);
  const half = summarize([5, 10, 5, 10, 10]);
  assertEquals(cost.median / half.median, 1);
  assertEquals(ratioOf(cost, half), 2);
});
