import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { Countdown } from "./countdown.ts";

/** Holds this thread up, as a machine does that stands still. */
function standStill(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test("Countdown ends after its time, and not for a standstill of the process", async () => {
  const begin = performance.now();
  let stoodStill = 0;
  await new Promise<void>((resolve) => {
    new Countdown(100, resolve);
    const before = performance.now();
    standStill(200);
    stoodStill = performance.now() - before;
  });
  const passed = performance.now() - begin - stoodStill;
  // Of its ten steps, the standstill took one.
  assert(passed >= 80, `${passed} ms`);
});

test("Countdown begins anew, and ends once", async () => {
  const ends: number[] = [];
  let restarts = 0;
  await new Promise<void>((resolve) => {
    const countdown = new Countdown(10, () => {
      ends.push(restarts);
      if (ends.length === 1) countdown.restart();
      else resolve();
    });
    const again = (): void => {
      countdown.restart();
      if (++restarts < 20) queueMicrotask(again);
    };
    again();
  });
  assertEquals(ends, [20, 20]);
});

test("Countdown calls nothing once it is stopped", async () => {
  let ended = false;
  const stopped = new Countdown(10, () => ended = true);
  stopped.stop();
  await new Promise<void>((resolve) => {
    new Countdown(20, resolve);
  });
  assertEquals(ended, false);
});
