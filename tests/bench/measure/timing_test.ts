import { assert, assertEquals } from "@std/assert";
import { planTiming } from "../../../bench/measure/timing.ts";
import { parseOptions } from "../../../bench/options.ts";
import { test } from "../../harness.ts";

const plan = (...args: string[]) => planTiming(parseOptions(args)!);

test("planTiming shares the budget among the windows of the peers that take part", () => {
  const options = ["--workloads", "16-1x1", "--budget", "20"];
  const all = plan(...options).seconds;
  const few = plan(...options, "--only", "bun_native,bun_publish,node_ws").seconds;
  assert(few > 2 * all, `${few} against ${all}`);
});

test("planTiming leaves time for the samples of servers, which clients have none of", () => {
  const options = ["--workloads", "16-1x1", "--budget", "200", "--rounds", "10"];
  assert(plan(...options, "--profile").seconds < plan(...options).seconds);
  assertEquals([plan(...options).profile, plan(...options, "--profile").profile], [false, true]);
  const clients = ["--workloads", "client-16-1x1,idle-100", "--budget", "40"];
  assertEquals(plan(...clients, "--profile").seconds, plan(...clients).seconds);
});

test("planTiming leaves time to warm up: once for each server, each time for a client", () => {
  const one = ["--only", "bun_native", "--budget", "5"];
  const seconds = (rounds: number, workload: string): number =>
    plan(...one, "--rounds", `${rounds}`, "--workloads", workload).seconds;
  assert(seconds(1, "16-1x1") > 2.4, "server");
  const client = seconds(1, "client-16-1x1");
  assert(client > 1.4 && client < 1.9, `${client}`);
  assertEquals(seconds(2, "client-16-1x1"), 0.3);
});

test("planTiming keeps windows between what says something and what is enough", () => {
  assertEquals(plan("--budget", "1").seconds, 0.3);
  assertEquals(plan("--budget", "100000").seconds, 2.5);
  assertEquals(plan("--workloads", "idle-100", "--budget", "1").seconds, 0.3);
});

test("planTiming takes a length that is given", () => {
  assertEquals(plan("--seconds", "7", "--budget", "1").seconds, 7);
});
