import {
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { type Alarm, Alarms, Timeout } from "../../src/connection/alarms.ts";
import { ManualClock } from "../../src/testing.ts";
import { randomSource, test } from "../harness.ts";

/** An alarm that notes when it rings, and may do more then. */
function createAlarm(onRing: (alarm: Alarm) => void): Alarm {
  const alarm = { due: 0, place: -1, ring: () => onRing(alarm) };
  return alarm;
}

test("Alarms rings each alarm once, when it is due", async () => {
  const clock = new ManualClock();
  const rung: string[] = [];
  const alarms = Alarms.on(clock);
  for (const due of [30, 10, 20, 10]) {
    alarms.set(createAlarm(() => void rung.push(`${due} at ${clock.now()}`)), due);
  }
  assertEquals(clock.pending, 1);
  await clock.advance(9);
  assertEquals(rung, []);
  await clock.advance(1);
  assertEquals(rung, ["10 at 10", "10 at 10"]);
  await clock.advance(15);
  assertEquals(rung.slice(2), ["20 at 20"]);
  await clock.advance(100);
  assertEquals(rung.slice(3), ["30 at 30"]);
  assertEquals(clock.pending, 0);
});

test("Alarms leaves no timer behind when the last alarm is cleared", async () => {
  const clock = new ManualClock();
  const rung: Alarm[] = [];
  const alarms = Alarms.on(clock);
  const [first, second] = [1, 2].map(() => createAlarm((alarm) => void rung.push(alarm)));
  alarms.set(first!, 10);
  alarms.set(second!, 20);
  alarms.clear(first!);
  alarms.clear(first!);
  assertEquals(clock.pending, 1);
  await clock.advance(15);
  assertEquals([rung.length, clock.pending], [0, 1]);
  alarms.clear(second!);
  assertEquals(clock.pending, 0);
  await clock.advance(15);
  assertEquals(rung, []);
});

test("Alarms lets an alarm that rings set and clear others, and itself", async () => {
  const clock = new ManualClock();
  const rung: string[] = [];
  const alarms = Alarms.on(clock);
  const cleared = createAlarm(() => void rung.push("cleared"));
  const added = createAlarm(() => void rung.push(`added at ${clock.now()}`));
  let left = 3;
  alarms.set(
    createAlarm((self) => {
      rung.push(`itself at ${clock.now()}`);
      if (--left > 0) alarms.set(self, clock.now() + 10);
      if (left === 2) {
        alarms.clear(cleared);
        alarms.set(added, 15);
      }
    }),
    10,
  );
  alarms.set(cleared, 10);
  await clock.advance(100);
  assertEquals(rung, ["itself at 10", "added at 15", "itself at 20", "itself at 30"]);
  assertEquals(clock.pending, 0);
});

test("Alarms are one for each clock", () => {
  const clock = new ManualClock();
  assertStrictEquals(Alarms.on(clock), Alarms.on(clock));
  assertNotStrictEquals(Alarms.on(clock), Alarms.on(new ManualClock()));
});

test("Alarms keeps the order of many that are set, put off and cleared at random", async () => {
  const seed = 27_182;
  for (let round = 0; round < 20; round++) {
    const random = randomSource(seed + round);
    const clock = new ManualClock();
    const alarms = Alarms.on(clock);
    const where = `seed ${seed}, round ${round}`;
    /** When each alarm that is set is to ring. */
    const expected = new Map<Alarm, number>();
    const all = Array.from({ length: 40 }, () =>
      createAlarm((alarm) => {
        assertEquals(clock.now(), expected.get(alarm), where);
        expected.delete(alarm);
      }));
    for (let step = 0; step < 300; step++) {
      const alarm = all[random(all.length)]!;
      alarms.clear(alarm);
      expected.delete(alarm);
      if (random(4) > 0) {
        const due = clock.now() + 1 + random(200);
        alarms.set(alarm, due);
        expected.set(alarm, due);
      }
      if (random(3) === 0) await clock.advance(random(20));
      for (const due of expected.values()) assertEquals(due > clock.now(), true, where);
      assertEquals(clock.pending, expected.size === 0 ? 0 : 1, where);
    }
    await clock.advance(300);
    assertEquals([expected.size, clock.pending], [0, 0], where);
  }
});

test("Alarms rings the others where one throws", async () => {
  const clock = new ManualClock();
  const rung: string[] = [];
  const alarms = Alarms.on(clock);
  alarms.set(
    createAlarm(() => {
      throw new Error("rung");
    }),
    10,
  );
  alarms.set(createAlarm(() => void rung.push("due as well")), 10);
  alarms.set(createAlarm(() => void rung.push("later")), 20);
  await assertRejects(() => clock.advance(10), Error, "rung");
  await clock.advance(0);
  assertEquals(rung, ["due as well"]);
  await clock.advance(10);
  assertEquals(rung, ["due as well", "later"]);
  assertEquals(clock.pending, 0);
});

test("Timeout calls back once, after its delay, unless it is cleared", async () => {
  const clock = new ManualClock();
  const calls: string[] = [];
  await clock.advance(5);
  const called = new Timeout(clock, () => void calls.push(`called at ${clock.now()}`), 10);
  const cleared = new Timeout(clock, () => void calls.push("cleared"), 10);
  new Timeout(clock, () => void calls.push(`last at ${clock.now()}`), 30);
  assertEquals(clock.pending, 1);
  cleared.clear();
  cleared.clear();
  await clock.advance(10);
  assertEquals(calls, ["called at 15"]);
  called.clear();
  await clock.advance(100);
  assertEquals(calls, ["called at 15", "last at 35"]);
  assertEquals(clock.pending, 0);
});
