import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseOptions, usage } from "../../bench/options.ts";
import { peers } from "../../bench/peers.ts";
import { test } from "../harness.ts";

test("parseOptions without arguments measures every peer", () => {
  const options = parseOptions([])!;
  assertEquals(options.peers, peers);
  assertEquals([options.rounds, options.seconds, options.budget], [3, undefined, 600]);
  assert(options.workloads.some(({ measures }) => measures === "idle"));
});

test("parseOptions reads what is asked for", () => {
  const options = parseOptions([
    ...["--only", "bun_ws,node_ws", "--workloads", "16-1x1", "--rounds", "5"],
    ...["--seconds", "0.5", "--json", "a.json", "--charts", "b", "--from", "c.json"],
  ])!;
  assertEquals(options.peers.map(({ name }) => name), ["bun_ws", "node_ws"]);
  assertEquals(options.workloads.map(({ name }) => name), ["16-1x1"]);
  const { rounds, seconds, json, charts, from, profile } = options;
  assertEquals(
    [rounds, seconds, json, charts, from, profile],
    [5, 0.5, "a.json", "b", "c.json", false],
  );
  assertEquals(parseOptions(["--profile"])!.profile, true);
  assertEquals(parseOptions(["--v8-flags=--a,--b=1"])!.v8Flags, "--a,--b=1");
});

test("parseOptions lets a quick run be told more", () => {
  const options = parseOptions(["--quick", "--only", "bun_native", "--budget", "10"])!;
  assertEquals(options.peers.map(({ name }) => name), ["bun_native"]);
  assertEquals([options.rounds, options.budget], [2, 10]);
});

test("parseOptions refuses what does not exist", () => {
  assertThrows(() => parseOptions(["--only", "nobody"]), RangeError, 'no peer "nobody"');
  assertThrows(() => parseOptions(["--workloads", "x"]), RangeError, 'no workload "x"');
  for (const option of ["--rounds", "--seconds", "--budget"]) {
    for (const value of ["0", "many"]) {
      assertThrows(() => parseOptions([option, value]), RangeError, `as ${option}`);
    }
  }
  assertThrows(() => parseOptions(["--unknown"]), TypeError);
});

test("parseOptions leaves --help to the caller, and the usage names every peer", () => {
  assertEquals(parseOptions(["--help"]), undefined);
  for (const { name } of peers) assertStringIncludes(usage, name);
});
