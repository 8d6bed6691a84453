import { assertStringIncludes } from "@std/assert";
import { formatFigures } from "../../../bench/report/figures.ts";
import { test } from "../../harness.ts";
import { resultOf, run } from "../results_fixture.ts";

test("formatFigures has a section for each kind of measurement, and the aims", () => {
  const page = formatFigures(run);
  for (
    const part of [
      "2026-01-02; Deno 2.0.0, Bun 1.0.0, Node.js 20.0.0",
      "## Echo\n\nThe figures are µs of CPU for each message.\n\n|  | 16-50x64 |\n| --- | --: |\n",
      "| Deno.upgradeWebSocket | 8.00 ± 10.0 % |",
      "Bytes of a reply:\n\n|  | json-2k-10x16 |\n| --- | --: |\n| Gale on Deno, handler | 18.0 |",
      "## Idle connections\n\nThe figures are KiB for each connection.",
      "1 of 3 are met",
      "| Gale on Deno, handler | Deno.upgradeWebSocket | 1 | 1 |",
      "| Gale on Deno, handler | Deno.upgradeWebSocket | 16-50x64 | 20.0 | 20.0 | yes |",
      "| 16-50x64 | 25 % | 10 % |",
    ]
  ) assertStringIncludes(page, part);
});

test("formatFigures tells where the CPU went, and what an aim could come to", () => {
  const [small, ...rest] = run.workloads;
  const results = small!.results.map((result) =>
    result.peer === "gale_deno_handler"
      ? { ...result, profile: { kernel: 0.25, runtime: 0.25, compiled: 0.5 } }
      : result
  );
  const page = formatFigures({ ...run, workloads: [{ ...small!, results }, ...rest] });
  for (
    const part of [
      "| Gale on Deno, handler | Deno.upgradeWebSocket | 16-50x64 | 20.0 | 20.0 | yes | 40.0 | 0.200 | 0.200 |",
      "1 of 3 are met. 0 more could not be met by code that takes no time.",
      "| Gale on Deno, handler | Deno.upgradeWebSocket | 1 | 1 | 0 |",
      "## Where the CPU goes",
      "| Gale on Deno, handler | 0.100 / 0.100 / 0.200 |",
    ]
  ) assertStringIncludes(page, part);
});

test("formatFigures tells what code may take for an aim to be met, if it may take any time", () => {
  const profile = { kernel: 0.5, runtime: 0.25, compiled: 0.25 };
  const workload = resultOf("64k-4x4", {
    bun_native: 30,
    gale_bun_iteration: 40,
    gale_bun_handler: 26,
  });
  const results = workload.results.map((result) => ({ ...result, profile }));
  const page = formatFigures({ ...run, workloads: [{ ...workload, results }] });
  for (
    const part of [
      "0 of 2 are met. 1 more could not be met by code that takes no time.",
      "| Gale on Bun, iteration | Bun.serve | 64k-4x4 | 1.20 | 0.750 | no | 1.00 | 10.0 | none |",
      "| Gale on Bun, handler | Bun.serve | 64k-4x4 | 1.20 | 1.15 | no | 1.54 | 6.50 | 5.50 |",
    ]
  ) assertStringIncludes(page, part);
});

test("formatFigures tells which aims a bare codec does not meet either", () => {
  const workload = resultOf("64k-4x4", {
    bun_native: 30,
    gale_bun_iteration: 40,
    gale_bun_handler: 40,
    bun_bare_iteration: 30,
    bun_bare: 20,
  });
  const page = formatFigures({ ...run, workloads: [workload] });
  for (
    const part of [
      "0 of 2 are met. 1 more are not met by a bare codec either.",
      "| Gale on Bun, iteration | Bun.serve | 64k-4x4 | 1.20 | 0.750 | no | 1.00 |",
      "| Gale on Bun, handler | Bun.serve | 64k-4x4 | 1.20 | 0.750 | no | 1.50 |",
    ]
  ) assertStringIncludes(page, part);
});

test("formatFigures marks a cost that was measured while the load had no CPU left", () => {
  const page = formatFigures({ ...run, workloads: [resultOf("16-1x1", { bun_bytes: 1 })] });
  assertStringIncludes(page, "| 1.00 ± 10.0 % * |");
});

test("formatFigures has a row for each workload where there are too many for columns", () => {
  const sizes = Array.from({ length: 21 }, (_, index) => index + 1);
  const workloads = sizes.map((size) => resultOf(`${size}-1x1`, { bun_native: size, node_ws: 30 }));
  const page = formatFigures({ ...run, workloads });
  assertStringIncludes(
    page,
    "|  | Bun.serve | ws on Node |\n| --- | --: | --: |\n| 1-1x1 | 1.00 ±",
  );
  assertStringIncludes(page, "| 21-1x1 | 21.0 ± 10.0 % | 30.0 ± 10.0 % |");
});
