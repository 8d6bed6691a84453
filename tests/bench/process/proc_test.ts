import { assertEquals, assertThrows } from "@std/assert";
import {
  cpuSecondsBetween,
  parseBusyTicks,
  parseCpuTicks,
  parseNanoseconds,
  parseOpenFilesLimit,
} from "../../../bench/process/proc.ts";
import { test } from "../../harness.ts";

test("parseCpuTicks is not misled by a program's name", () => {
  const numbers = "1 2 3 4 5 6 7 8 9 10 150 50 13 14";
  for (const name of ["deno", "a b", "a) S 1 (b"]) {
    assertEquals(parseCpuTicks(`4711 (${name}) S ${numbers}`), 200);
  }
});

test("parseNanoseconds reads the time on a CPU, not the time in the queue", () => {
  assertEquals(parseNanoseconds("39151090 44401599 175\n"), 39151090);
});

test("cpuSecondsBetween counts new threads and leaves out those that ended", () => {
  const start = new Map([["1", 2], ["2", 5]]);
  const end = new Map([["1", 2.5], ["3", 0.25]]);
  assertEquals(cpuSecondsBetween(start, end), 0.75);
});

test("parseBusyTicks leaves out idling, waiting for a disk, and what guests did", () => {
  assertEquals(parseBusyTicks("cpu  1 2 4 1000 1000 8 16 1000 1000 0\ncpu0 1 1 1\n"), 31);
});

test("parseOpenFilesLimit takes the hard limit", () => {
  const line = (hard: string) =>
    `Max processes  1 2 processes\nMax open files  1024  ${hard}  files\n`;
  assertEquals(parseOpenFilesLimit(line("20000")), 20000);
  assertEquals(parseOpenFilesLimit(line("unlimited")), Infinity);
  assertThrows(() => parseOpenFilesLimit("Max processes 1 2"), Error, "limit of open files");
});
