/** A result made up for the tests of reports. */
import { type RunResult, summarizeWindows, type WorkloadResult } from "../../bench/results.ts";
import { summarize } from "../../bench/statistics.ts";
import { parseWorkload } from "../../bench/workloads.ts";

/** One workload with the cost of each peer in µs; the load generator is busy with `bun_bytes`. */
export function resultOf(
  name: string,
  costs: Readonly<Record<string, number>>,
): WorkloadResult {
  const workload = parseWorkload(name);
  const results = Object.entries(costs).map(([peer, cost]) =>
    workload.measures === "idle" ? { peer, cost: summarize([cost]) } : summarizeWindows(
      peer,
      [0.9, 1, 1.1].map((factor) => ({
        count: 1000,
        bytes: 18_000,
        seconds: 2,
        loadCpuSeconds: peer === "bun_bytes" ? 1.99 : 0.5,
        cpuSeconds: factor * cost / 1000,
        otherCpuSeconds: 0.2,
      })),
    )
  );
  return { workload, results };
}

/** A whole run. */
export const run: RunResult = {
  date: "2026-01-02T03:04:05.000Z",
  versions: { deno: "2.0.0", bun: "1.0.0", node: "20.0.0" },
  cpus: 2,
  pinned: true,
  timing: { rounds: 3, seconds: 2, warmup: 0.25 },
  workloads: [
    resultOf("16-50x64", { deno_native: 8, gale_deno_handler: 0.4, deno_bytes: 0.1 }),
    resultOf("json-2k-10x16", { node_ws: 90, gale_deno_handler: 45 }),
    resultOf("idle-5000", { bun_native: 1.2, gale_bun_handler: 6 }),
  ],
};
