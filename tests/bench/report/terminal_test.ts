import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatRatios, formatTargets, formatWorkload } from "../../../bench/report/terminal.ts";
import { test } from "../../harness.ts";
import { resultOf, run } from "../results_fixture.ts";

test("formatWorkload has a line for each peer, with its share of a CPU and the load's", () => {
  const text = formatWorkload(resultOf("16-1x1", { deno_native: 8 }));
  assertStringIncludes(text, "16-1x1: Binary, 16 B, 1 × 1");
  assertMatch(text, /deno_native +8\.00 +± 10\.0 % +500 +18\.0 +0 % +25 % +10 %/);
  assert(!text.includes("*"));
});

test("formatWorkload marks a load generator without CPU left", () => {
  const text = formatWorkload(resultOf("16-1x1", { deno_native: 8, bun_bytes: 1 }));
  assertMatch(text, /bun_bytes .*\* 100 %/);
  assertStringIncludes(text, "the load had no CPU left");
});

test("formatWorkload has only memory to tell of idle connections", () => {
  const lines = formatWorkload(resultOf("idle-5", { bun_native: 1.25 })).trimEnd().split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[2]!, /^ {2}bun_native +1\.25 +± 0\.00 %$/);
});

test("formatRatios divides the cost of those on the same runtime, and of Node.js, by ours", () => {
  const costs = { deno_native: 8, gale_deno_handler: 2, bun_native: 3, node_ws: 20 };
  const text = formatRatios([resultOf("16-1x1", costs)]);
  assertMatch(
    text,
    /^gale_deno_handler against\n.* deno_native +node_ws\n +16-1x1 +4\.00 +10\.0\n$/,
  );
});

test("formatRatios has nothing to compare where nothing is ours, or nothing else", () => {
  assertEquals(formatRatios([resultOf("16-1x1", { deno_native: 8 })]), "");
  assertEquals(formatRatios([resultOf("16-1x1", { gale_deno_handler: 8 })]), "");
});

test("formatTargets tells which were met", () => {
  const text = formatTargets(run.workloads);
  assertStringIncludes(text, "targets: 1 of 3 met");
  assertMatch(text, /gale_deno_handler +deno_native +16-50x64 +20\.0 +20\.0 +yes/);
  assertMatch(text, /gale_deno_handler +node_ws +json-2k-10x16 +3\.00 +2\.00 +no/);
  assertEquals(formatTargets([]), "");
});
