import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Deadline } from "../../src/client/deadline.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";

test("Deadline aborts with a TimeoutError when its time is over, not before", async () => {
  const clock = new ManualClock();
  using deadline = new Deadline({ timeout: 100, clock, signal: undefined });
  await clock.advance(99);
  assertEquals(deadline.signal.aborted, false);
  await clock.advance(1);
  assert(deadline.signal.reason instanceof DOMException);
  assertEquals(deadline.signal.reason.name, "TimeoutError");
  assertEquals(deadline.signal.reason.message, "The time limit of 100 ms is over");
});

test("Deadline has no limit of time where that is 0", () => {
  const clock = new ManualClock();
  using deadline = new Deadline({ timeout: 0, clock, signal: undefined });
  assertEquals(clock.pending, 0);
  assertEquals(deadline.signal.aborted, false);
});

test("Deadline aborts with the reason of the application's signal", () => {
  const controller = new AbortController();
  const clock = new ManualClock();
  using deadline = new Deadline({ timeout: 100, clock, signal: controller.signal });
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assertStrictEquals(deadline.signal.reason, reason);
});

test("Deadline is aborted from the start where the application's signal is", () => {
  const reason = new Error("changed my mind");
  const init = { timeout: 0, clock: new ManualClock(), signal: AbortSignal.abort(reason) };
  using deadline = new Deadline(init);
  assertStrictEquals(deadline.signal.reason, reason);
});

test("Deadline forgets time and signal when it is disposed of", () => {
  const controller = new AbortController();
  const clock = new ManualClock();
  const deadline = new Deadline({ timeout: 100, clock, signal: controller.signal });
  deadline[Symbol.dispose]();
  controller.abort();
  assertEquals(clock.pending, 0);
  assertEquals(deadline.signal.aborted, false);
});
