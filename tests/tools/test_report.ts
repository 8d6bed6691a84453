/** The pure parts of `tests/run.ts`: its arguments, the reports of the runtimes, and their sum. */

/** How one test ended under one runtime. */
export interface TestResult {
  /** The file that registered it, by its path from the project's folder. */
  readonly file: string;
  /** Its name; that of a skipped one ends with the reason. */
  readonly name: string;
  /** How it ended. */
  readonly outcome: "passed" | "failed" | "skipped";
  /** What the report tells of the failure; empty where it tells nothing. */
  readonly detail?: string;
}

/** How many tests ended in which way. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A runtime that the suite runs under. */
export type Runtime = "deno" | "bun";

/** What the command line asks for. */
export interface RunArguments {
  /** The runtimes, in the order in which they run. */
  readonly runtimes: readonly Runtime[];
  /** Files and folders to run instead of all. */
  readonly paths: readonly string[];
  /** A part of the names of the tests to run, or a regular expression between slashes. */
  readonly filter: string | undefined;
}

/**
 * Reads the command line: `--deno` or `--bun` selects a runtime, an argument that names a file or a
 * folder limits where tests are looked for, any other one is the filter of names.
 */
export function parseRunArguments(
  args: readonly string[],
  exists: (path: string) => boolean,
): RunArguments {
  const selected: Runtime[] = [];
  const paths: string[] = [];
  let filter: string | undefined;
  for (const arg of args) {
    if (arg === "--deno") selected.push("deno");
    else if (arg === "--bun") selected.push("bun");
    else if (arg.startsWith("-")) throw new TypeError(`Cannot run the tests: unknown flag ${arg}`);
    else if (exists(arg)) paths.push(arg.replace(/^\.\//, "").replace(/\/$/, ""));
    else if (filter === undefined) filter = arg;
    else throw new TypeError(`Cannot run the tests: neither of ${filter}, ${arg} is a path`);
  }
  return { runtimes: selected.length === 0 ? ["deno", "bun"] : selected, paths, filter };
}

/** The source of the regular expression that selects the same names as Deno's `--filter`. */
export function filterPattern(filter: string): string {
  if (filter.length > 2 && filter.startsWith("/") && filter.endsWith("/")) {
    return filter.slice(1, -1);
  }
  return filter.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The results that a filter asked for: reports count what it leaves out as skipped. */
export function selectResults(
  results: readonly TestResult[],
  filter: string | undefined,
): TestResult[] {
  const pattern = new RegExp(filter === undefined ? "" : filterPattern(filter));
  return results.filter((result) => result.outcome !== "skipped" || pattern.test(result.name));
}

/**
 * Reads a JUnit report as `deno test --junit-path` and `bun test --reporter=junit` write it. What went
 * wrong outside of any test, such as a file that does not load, is in neither's report.
 */
export function parseJUnit(xml: string): TestResult[] {
  const results: TestResult[] = [];
  let open:
    | { file: string; name: string; outcome: TestResult["outcome"]; detail?: string }
    | undefined;
  for (const match of xml.matchAll(ELEMENT)) {
    const [tag, slash, element, attributes = "", selfClosing] = match;
    if (element === "testcase" && slash === "") {
      const { file, classname = "", name = "" } = parseAttributes(attributes);
      open = { file: (file ?? classname).replace(/^\.\//, ""), name, outcome: "passed" };
    } else if (open !== undefined && slash === "" && FAILURES.has(element ?? "")) {
      open.outcome = "failed";
      const start = match.index + tag.length;
      const body = selfClosing === "/" ? "" : xml.slice(start, xml.indexOf("<", start));
      open.detail = unescape(body).trim() || parseAttributes(attributes).message || "";
    } else if (open !== undefined && element === "skipped") {
      open.outcome = "skipped";
    }
    if (open !== undefined && element === "testcase" && (slash === "/" || selfClosing === "/")) {
      results.push(open);
      open = undefined;
    }
  }
  return results;
}

const FAILURES = new Set(["failure", "error"]);

const ELEMENT = /<(\/?)(\w+)((?:\s+[\w-]+="[^"]*")*)\s*(\/?)>/g;

function parseAttributes(text: string): Partial<Record<string, string>> {
  return Object.fromEntries(
    Array.from(text.matchAll(/([\w-]+)="([^"]*)"/g), ([, name, value = ""]) => [
      name,
      unescape(value),
    ]),
  );
}

function unescape(text: string): string {
  return text.replace(
    /&(?:#(\d+)|(\w+));/g,
    (whole, code?: string, name?: string) =>
      code !== undefined ? String.fromCodePoint(Number(code)) : ENTITIES[name ?? ""] ?? whole,
  );
}

const ENTITIES: Partial<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** The name of a failed or skipped test, for a list, and the first lines of what is known of it. */
export function formatResult(runtime: Runtime, result: TestResult): string {
  const lines = (result.detail ?? "").split("\n").slice(0, DETAIL_LINES);
  return [`  ${runtime}  ${result.name}`, ...lines.filter(Boolean).map((line) => `    ${line}`)]
    .join("\n");
}

/** Enough for a message and the calls that led to it, without a difference of thousands of lines. */
const DETAIL_LINES = 24;

/** Counts results. */
export function summarize(results: readonly TestResult[]): Summary {
  const count = (outcome: TestResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** The line that a run closes with. */
export function formatSummary(summary: Summary): string {
  return `${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`;
}

/** What is known once a runtime has ended. */
export interface RuntimeOutcome {
  /** Its exit code. */
  readonly exitCode: number;
  /** Its report, parsed; empty where none was written. */
  readonly results: readonly TestResult[];
  /** The test files that must each have run a test. */
  readonly expectedFiles: readonly string[];
}

/**
 * The results of a runtime, and a failed one for each thing that no report tells: a file that did not
 * load or has no test, a run without a test, an exit code without a failure.
 */
export function completeResults(outcome: RuntimeOutcome): TestResult[] {
  const reported = new Set(outcome.results.map((result) => result.file));
  const results = [...outcome.results];
  const fail = (name: string, file = "") => results.push({ file, name, outcome: "failed" });
  for (const file of outcome.expectedFiles) {
    if (!reported.has(file)) fail(`(no test of ${file} ran)`, file);
  }
  if (!results.some((result) => result.outcome !== "skipped")) fail("(no test ran)");
  if (outcome.exitCode !== 0 && !results.some((result) => result.outcome === "failed")) {
    fail(`(exit code ${outcome.exitCode}, although no test failed)`);
  }
  return results;
}
