import { assertEquals, assertThrows } from "@std/assert";
import { fitIdle } from "../../../bench/measure/idle.ts";
import { test } from "../../harness.ts";

const idle = { name: "idle-10000", measures: "idle", connections: 10000 } as const;

test("fitIdle leaves a workload alone that the limit of open files allows", () => {
  assertEquals(fitIdle(idle, 20000), idle);
  assertEquals(fitIdle(idle, Infinity), idle);
});

test("fitIdle takes fewer connections where the limit is lower, and none below a beginning", () => {
  assertEquals(fitIdle(idle, 4096), { ...idle, name: "idle-1996", connections: 1996 });
  assertThrows(() => fitIdle(idle, 1024), RangeError, "a process may have 1024 open files");
});
