/**
 * Writes a result as charts, and as one page of tables.
 */
import { drawChart } from "./chart.ts";
import { planCharts } from "./charts.ts";
import { formatFigures } from "./figures.ts";
import type { RunResult } from "./results.ts";

/** Writes into a folder, which is made where there is none; what it holds of the same names is replaced. */
export async function writeCharts(result: RunResult, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, chart] of planCharts(result.workloads)) {
    await Deno.writeTextFile(`${folder}/${name}.svg`, drawChart(chart));
  }
  await Deno.writeTextFile(`${folder}/figures.md`, formatFigures(result));
}
