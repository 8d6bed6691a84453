import { assertEquals } from "@std/assert";
import { planCharts } from "../../../bench/report/plan_charts.ts";
import { test } from "../../harness.ts";
import { run } from "../results_fixture.ts";

test("planCharts has a chart for what was measured, with ours, the peers and the limit told apart", () => {
  const charts = planCharts(run.workloads);
  assertEquals([...charts.keys()], ["deno", "hosts", "compression", "memory"]);
  assertEquals(charts.get("deno")!.panels, [{
    title: "Binary, 16 B, 50 × 64",
    bars: [
      { label: "Gale on Deno, handler", value: 0.4, kind: "ours" },
      { label: "Deno.upgradeWebSocket", value: 8, kind: "peer" },
      { label: "Deno, bytes without a protocol", value: 0.1, kind: "limit" },
    ],
  }]);
});

test("planCharts has none for an empty run", () => {
  assertEquals(planCharts([]).size, 0);
});
