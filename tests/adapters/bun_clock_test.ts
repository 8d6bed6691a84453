import { assertEquals } from "@std/assert";
import { bunClock, CoarseClock } from "../../src/adapters/bun_clock.ts";
import type { Clock } from "../../src/types.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";

/** A clock that counts how often it is read. */
class CountingClock implements Clock {
  readonly manual = new ManualClock();
  readings = 0;

  now(): number {
    this.readings++;
    return this.manual.now();
  }

  setTimeout(callback: () => void, delay: number): unknown {
    return this.manual.setTimeout(callback, delay);
  }

  clearTimeout(id: unknown): void {
    this.manual.clearTimeout(id);
  }
}

test("CoarseClock reads the time once in 10 ms", async () => {
  const source = new CountingClock();
  const clock = new CoarseClock(source);
  const start = clock.now();
  await source.manual.advance(9);
  assertEquals([clock.now(), source.readings], [start, 1]);
  await source.manual.advance(1);
  assertEquals([clock.now(), source.readings], [start + 10, 2]);
});

test("CoarseClock reads anew after refresh", async () => {
  const source = new CountingClock();
  const clock = new CoarseClock(source);
  clock.refresh();
  assertEquals(source.readings, 0, "the next reading is exact anyway");
  const start = clock.now();
  await source.manual.advance(5);
  clock.refresh();
  assertEquals(clock.now(), start + 5);
  await source.manual.advance(5);
  assertEquals(clock.now(), start + 10);
});

test("CoarseClock passes timeouts on", async () => {
  const source = new CountingClock();
  const clock = new CoarseClock(source);
  const fired: string[] = [];
  clock.setTimeout(() => fired.push("kept"), 5);
  clock.clearTimeout(clock.setTimeout(() => fired.push("cleared"), 5));
  await source.manual.advance(5);
  assertEquals(fired, ["kept"]);
});

test("bunClock goes with the platform's time", async () => {
  const before = performance.now();
  const reading = bunClock.now();
  assertEquals(reading >= before && reading <= performance.now(), true);
  await new Promise<void>((resolve) => bunClock.setTimeout(resolve, 20));
  assertEquals(bunClock.now() > reading, true);
  // What forgets the reading is not to outlive the test.
  await new Promise((resolve) => setTimeout(resolve, 20));
});
