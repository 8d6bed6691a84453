import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { defaultClock, sharesTurns, systemClock } from "../../src/connection/clock.ts";
import { test } from "../harness.ts";

test("systemClock does not go back, and counts milliseconds", async () => {
  // Measured around each look as well, since the process may be stopped between any two.
  const outer = performance.now();
  const before = systemClock.now();
  const inner = performance.now();
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 5));
  const least = performance.now() - inner;
  const elapsed = systemClock.now() - before;
  const most = performance.now() - outer;
  assert(elapsed > 0);
  assert(elapsed >= least - 1 && elapsed <= most + 1, `${elapsed}, not ${least} to ${most}`);
});

test("systemClock forgets a timeout", async () => {
  const calls: string[] = [];
  const id = systemClock.setTimeout(() => calls.push("forgotten"), 0);
  systemClock.clearTimeout(id);
  systemClock.clearTimeout(undefined);
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 2));
  assertEquals(calls, []);
});

test("defaultClock is one for all connections, so that they share timers", () => {
  // But not on Workers, which tests/adapters/cloudflare_test.ts shows.
  assert(sharesTurns);
  assertStrictEquals(defaultClock(), systemClock);
});
