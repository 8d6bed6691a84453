import { assertEquals, assertThrows } from "@std/assert";
import {
  describeWorkload,
  measuredBy,
  parseWorkload,
  parseWorkloads,
  unitOf,
  workloadSets,
} from "../../bench/workloads.ts";
import { test } from "../harness.ts";

test("parseWorkload reads what a name is made of", () => {
  const echo = { measures: "echo", kind: "binary", size: 16, connections: 50, depth: 64 } as const;
  const cases = {
    "16-50x64": echo,
    "text-16-50x64": { ...echo, kind: "text" },
    "unicode-1k-1x1": { ...echo, kind: "unicode", size: 1024, connections: 1, depth: 1 },
    "1m-50x2": { ...echo, size: 1024 * 1024, depth: 2 },
    "json-16-50x64": { ...echo, kind: "json", compression: "takeover" },
    "json-anew-16-50x64": { ...echo, kind: "json", compression: "anew" },
    "client-text-16-50x64": { ...echo, measures: "client", kind: "text" },
    "broadcast-1k-1000": { measures: "broadcast", size: 1024, connections: 1000 },
    "connect-16": { measures: "connect", connections: 16 },
    "idle-10000": { measures: "idle", connections: 10000 },
  };
  for (const [name, expected] of Object.entries(cases)) {
    assertEquals<unknown>(parseWorkload(name), { name, ...expected });
  }
});

test("parseWorkload refuses names that mean nothing", () => {
  const names = [
    "",
    "16",
    "16-50",
    "16-0x1",
    "16-1x0",
    "16g-1x1",
    "anew-16-1x1",
    "text-anew-16-1x1",
    "client-json-16-1x1",
    "broadcast-16",
    "idle-0",
    "connect",
    " 16-1x1",
  ];
  for (const name of names) {
    assertThrows(() => parseWorkload(name), RangeError, `There is no workload "${name}"`);
  }
});

test("parseWorkloads takes sets apart and each workload once", () => {
  const names = parseWorkloads("16-1x1,quick,16-1x1").map(({ name }) => name);
  assertEquals(names, ["16-1x1", "16-50x64", "64k-4x4", "json-2k-10x16"]);
});

test("every set of workloads holds names that exist", () => {
  for (const set of Object.keys(workloadSets)) parseWorkloads(set);
  assertEquals(parseWorkloads("grid").length, 24);
});

test("measuredBy tells compressed echo from plain", () => {
  assertEquals(measuredBy(parseWorkload("json-200-1x1")), "compression");
  assertEquals(measuredBy(parseWorkload("200-1x1")), "echo");
  assertEquals(measuredBy(parseWorkload("client-200-1x1")), "client");
});

test("describeWorkload and unitOf say what is measured", () => {
  const cases = {
    "16-50x64": ["Binary, 16 B, 50 × 64", "µs of CPU for each message"],
    "json-anew-2k-10x16": [
      "JSON, 2 KiB, no context takeover, 10 × 16",
      "µs of CPU for each message",
    ],
    "broadcast-16-1000": ["16 B to each of 1000 connections", "µs of CPU for each delivery"],
    "connect-8": [
      "Connections opened and closed, 8 at a time",
      "µs of CPU for each connection",
    ],
    "idle-5": ["5 connections that say nothing", "KiB for each connection"],
  };
  for (const [name, expected] of Object.entries(cases)) {
    const workload = parseWorkload(name);
    assertEquals([describeWorkload(workload), unitOf(workload)], expected);
  }
});
