import { assertEquals } from "@std/assert";
import { DrainWatch } from "../../src/connection/drain_watch.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";

function createWatch() {
  const clock = new ManualClock();
  const state = { drained: false, onLook: () => {} };
  const looks: number[] = [];
  const watch = new DrainWatch(clock, () => {
    looks.push(clock.now());
    state.onLook();
    return state.drained;
  });
  return { watch, clock, looks, state };
}

/** Calls back when the test says so. */
function hints() {
  const callbacks: (() => void)[] = [];
  return { callbacks, hint: { soon: (look: () => void) => void callbacks.push(look) } };
}

test("DrainWatch looks at growing intervals until all is written", async () => {
  const { watch, clock, looks, state } = createWatch();
  assertEquals(watch.isRunning, false);
  watch.start({});
  watch.start({});
  assertEquals([watch.isRunning, clock.pending], [true, 1]);
  await clock.advance(255);
  assertEquals(looks, [1, 3, 7, 15, 31, 63, 127, 191, 255]);
  state.drained = true;
  await clock.advance(64);
  assertEquals([watch.isRunning, clock.pending, looks.length], [false, 0, 10]);
});

test("DrainWatch begins with short intervals each time", async () => {
  const { watch, clock, looks, state } = createWatch();
  watch.start({});
  await clock.advance(63);
  state.drained = true;
  await clock.advance(64);
  state.drained = false;
  looks.length = 0;
  watch.start({});
  await clock.advance(7);
  assertEquals(looks, [128, 130, 134]);
});

test("DrainWatch looks first when it is told to, and then by the clock", async () => {
  const { watch, clock, looks } = createWatch();
  const { callbacks, hint } = hints();
  watch.start(hint);
  watch.start(hint);
  assertEquals([callbacks.length, watch.isRunning, clock.pending], [1, true, 0]);
  callbacks[0]!();
  await clock.advance(3);
  assertEquals(looks, [0, 1, 3]);
});

test("DrainWatch looks no more once it is stopped", async () => {
  const { watch, clock, looks } = createWatch();
  const { callbacks, hint } = hints();
  watch.stop();
  watch.start({});
  watch.stop();
  watch.start(hint);
  watch.stop();
  callbacks[0]!();
  await clock.advance(1_000);
  assertEquals([looks, watch.isRunning, clock.pending], [[], false, 0]);
});

test("DrainWatch may be started anew from within a look", async () => {
  const { watch, clock, looks, state } = createWatch();
  state.drained = true;
  state.onLook = () => {
    assertEquals(watch.isRunning, false);
    if (looks.length === 1) watch.start({});
  };
  watch.start({});
  await clock.advance(1_000);
  assertEquals([looks, watch.isRunning, clock.pending], [[1, 2], false, 0]);
});
