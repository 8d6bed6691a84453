import { assertEquals } from "@std/assert";
import { judgeTargets } from "../../../bench/report/targets.ts";
import { test } from "../../harness.ts";
import { resultOf } from "../results_fixture.ts";

test("judgeTargets says what a bare codec comes to, where one was measured", () => {
  const results = [resultOf("64k-4x4", { bun_native: 30, gale_bun_handler: 20, bun_bare: 15 })];
  assertEquals(judgeTargets(results), [{
    ...{ ours: "gale_bun_handler", against: "bun_native", workload: "64k-4x4" },
    ...{ target: 1.2, ratio: 1.5, bare: 2 },
  }]);
});

test("judgeTargets judges each of ours for which both figures are there", () => {
  const results = [resultOf("64k-4x4", {
    bun_native: 30,
    gale_bun_iteration: 40,
    gale_bun_handler: 20,
    gale_deno_handler: 50,
  })];
  const common = { against: "bun_native", workload: "64k-4x4", target: 1.2 };
  assertEquals(judgeTargets(results), [
    { ...common, ours: "gale_bun_iteration", ratio: 0.75 },
    { ...common, ours: "gale_bun_handler", ratio: 1.5 },
  ]);
});
