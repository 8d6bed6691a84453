/**
 * Writes a result as charts, and as one page of tables.
 */
import type { RunResult } from "../results.ts";
import { drawChart } from "./draw_chart.ts";
import { formatFigures } from "./figures.ts";
import { planCharts } from "./plan_charts.ts";

/**
 * Writes into a folder, which is created if it is missing; files of the same names are replaced.
 */
export async function writeDocuments(result: RunResult, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, chart] of planCharts(result.workloads)) {
    await Deno.writeTextFile(`${folder}/${name}.svg`, drawChart(chart));
  }
  await Deno.writeTextFile(`${folder}/figures.md`, formatFigures(result));
}
