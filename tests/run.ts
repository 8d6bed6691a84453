/**
 * Runs the suite under Deno, then under Bun: `deno task test [--deno | --bun] [path…] [name]`.
 *
 * Under Deno, the examples in the documentation of `mod.ts` and `src` are tests as well, and those of
 * the README and of `docs/` are type-checked. Counts come from the runtimes' JUnit reports, since their output is
 * meant for people; what no report tells, a file that does not load above all, is counted as failed.
 * The last line is `N passed, N failed, N skipped`.
 */

import { listFiles, projectRoot } from "./tools/files.ts";
import {
  completeResults,
  filterPattern,
  formatResult,
  formatSummary,
  parseJUnit,
  parseRunArguments,
  type RunArguments,
  type Runtime,
  selectResults,
  summarize,
  type TestResult,
} from "./tools/test_report.ts";

const BUN_VERSION = "1.4.5";

/** Minutes after which a runtime that hangs is stopped. */
const TIME_LIMIT = 20;

/** Runs a command of this machine, its output being ours, and gives its exit code. */
async function run(command: string, args: readonly string[]): Promise<number> {
  const timeout = AbortSignal.timeout(TIME_LIMIT * 60_000);
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: projectRoot,
    stdin: "null",
    signal: timeout,
  }).spawn();
  const { code } = await child.status;
  if (timeout.aborted) console.error(`Stopped after ${TIME_LIMIT} minutes: ${command}`);
  return code;
}

function runDeno(request: RunArguments, report: string): Promise<number> {
  const filter = request.filter === undefined ? [] : [`--filter=${request.filter}`];
  const paths = request.paths.length === 0 ? ["tests", "src", "mod.ts"] : request.paths;
  const sanitizers = ["--sanitize-ops", "--sanitize-resources"];
  const flags = ["-A", "--doc", ...sanitizers, `--junit-path=${report}`, ...filter];
  return run(Deno.execPath(), ["test", ...flags, ...paths]);
}

async function runBun(request: RunArguments, report: string): Promise<number> {
  const filter = request.filter === undefined ? [] : ["-t", filterPattern(request.filter)];
  const args = ["test", "--reporter=junit", `--reporter-outfile=${report}`, ...filter];
  args.push(...request.paths.map((path) => `./${path}`));
  try {
    return await run("npx", ["-y", `bun@${BUN_VERSION}`, ...args]);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return await run("bun", args);
  }
}

async function runSuite(runtime: Runtime, request: RunArguments): Promise<TestResult[]> {
  const whole = request.paths.length === 0 && request.filter === undefined;
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    console.log(`\n=== ${runtime} ===\n`);
    const exitCode = await (runtime === "deno" ? runDeno : runBun)(request, report);
    const results = completeResults({
      exitCode,
      results: selectResults(parseJUnit(await Deno.readTextFile(report)), request.filter),
      // Deno's report names the file that calls `Deno.test`, which is the harness for all of them.
      expectedFiles: whole && runtime === "bun" ? listFiles("tests", "_test.ts") : [],
    });
    if (whole && runtime === "deno") results.push(await checkDocuments());
    return results;
  } finally {
    await Deno.remove(report);
  }
}

async function checkDocuments(): Promise<TestResult> {
  const documents = ["README.md", ...listFiles("docs", ".md")];
  const exitCode = await run(Deno.execPath(), ["check", "--quiet", "--doc-only", ...documents]);
  const outcome = exitCode === 0 ? "passed" : "failed";
  return { file: "README.md, docs", name: "examples of the documents type-check", outcome };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(`${projectRoot}/${path}`);
    return true;
  } catch {
    return false;
  }
}

function list(results: ReadonlyMap<Runtime, TestResult[]>, outcome: TestResult["outcome"]): void {
  const lines = [...results].flatMap(([runtime, suite]) =>
    suite
      .filter((result) => result.outcome === outcome)
      .map((result) => formatResult(runtime, result))
  );
  if (lines.length > 0) console.log(`\n${outcome}:\n${lines.join("\n")}`);
}

async function main(): Promise<number> {
  const request = parseRunArguments(Deno.args, exists);
  // Bun finds `@std/assert` in the node_modules that Deno makes.
  if (await run(Deno.execPath(), ["install", "--quiet"]) !== 0) {
    console.error("Cannot install the dependencies of the tests; trying without.");
  }
  const results = new Map<Runtime, TestResult[]>();
  for (const runtime of request.runtimes) results.set(runtime, await runSuite(runtime, request));

  list(results, "skipped");
  list(results, "failed");
  console.log();
  for (const [runtime, suite] of results) {
    console.log(`${runtime}: ${formatSummary(summarize(suite))}`);
  }
  const total = summarize([...results.values()].flat());
  console.log(formatSummary(total));
  return total.failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
