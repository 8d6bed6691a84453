import { assertEquals, assertThrows } from "@std/assert";
import { test } from "../harness.ts";
import {
  completeResults,
  filterPattern,
  formatResult,
  formatSummary,
  parseJUnit,
  parseRunArguments,
  selectResults,
  summarize,
  type TestResult,
} from "./test_report.ts";

const denoReport = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="3" failures="1" errors="1" time="0.459">
    <testsuite name="./tests/a_test.ts" tests="4" disabled="1" errors="1" failures="1">
        <testcase name="a &lt;b&gt; &amp; &quot;c&quot;" classname="./tests/a_test.ts" time="0.0" line="3" col="1">
        </testcase>
        <testcase name="bad" classname="./tests/a_test.ts" time="0.007" line="4" col="1">
            <failure message="Uncaught Error: &lt;skipped/&gt;
1 passed, 0 failed">at file:///a &lt;testcase&gt;</failure>
        </testcase>
        <testcase name="cut off" classname="./tests/a_test.ts" time="0.000" line="5" col="1">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="rest (skipped: no TLS)" classname="./tests/a_test.ts" time="0.0" line="6" col="7">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

const bunReport = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="0" failures="1" skipped="1" time="0.03">
  <testsuite name="tests/a_test.ts" file="tests/a_test.ts" tests="4" failures="1" skipped="1">
    <testcase name="a &lt;b&gt; &amp; &quot;c&quot;" classname="" file="tests/a_test.ts" line="3" />
    <testsuite name="group" file="tests/a_test.ts">
      <testcase name="bad" classname="group" file="tests/a_test.ts" line="4" assertions="0">
        <failure type="Error" message="it&#39;s bad&#10;1 passed">Error: it&#39;s bad</failure>
      </testcase>
    </testsuite>
    <testcase name="rest (skipped: no TLS)" classname="" file="tests/a_test.ts" line="6">
      <skipped />
    </testcase>
  </testsuite>
</testsuites>`;

const file = "tests/a_test.ts";

test("parseJUnit reads the report of Deno", () => {
  assertEquals(parseJUnit(denoReport), [
    { file, name: 'a <b> & "c"', outcome: "passed" },
    {
      file,
      name: "bad",
      outcome: "failed",
      detail: "at file:///a <testcase>",
    },
    { file, name: "cut off", outcome: "failed", detail: "Cancelled" },
    { file, name: "rest (skipped: no TLS)", outcome: "skipped" },
  ]);
});

test("parseJUnit reads the report of Bun", () => {
  assertEquals(parseJUnit(bunReport), [
    { file, name: 'a <b> & "c"', outcome: "passed" },
    { file, name: "bad", outcome: "failed", detail: "Error: it's bad" },
    { file, name: "rest (skipped: no TLS)", outcome: "skipped" },
  ]);
});

test("formatResult tells what is known of a failure, cut where it is long", () => {
  assertEquals(
    parseJUnit(bunReport).map((result) => formatResult("bun", result)),
    [
      '  bun  a <b> & "c"',
      "  bun  bad\n    Error: it's bad",
      "  bun  rest (skipped: no TLS)",
    ],
  );
  const detail = "line\n".repeat(100);
  const lines = formatResult("deno", { file, name: "long", outcome: "failed", detail }).split("\n");
  assertEquals(lines.length, 25);
});

test("parseJUnit finds nothing in a report without tests", () => {
  assertEquals(parseJUnit(""), []);
  assertEquals(parseJUnit('<testsuites name="bun test" tests="0"></testsuites>'), []);
});

test("summarize and formatSummary give the closing line", () => {
  assertEquals(formatSummary(summarize(parseJUnit(denoReport))), "1 passed, 2 failed, 1 skipped");
  assertEquals(formatSummary(summarize([])), "0 passed, 0 failed, 0 skipped");
});

test("parseRunArguments tells runtimes, paths and the filter apart", () => {
  const exists = (path: string) => path.startsWith("tests/") || path.startsWith("./tests/");
  const cases: [string[], ReturnType<typeof parseRunArguments>][] = [
    [[], { runtimes: ["deno", "bun"], paths: [], filter: undefined }],
    [["--bun"], { runtimes: ["bun"], paths: [], filter: undefined }],
    [["tests/deflate/"], {
      runtimes: ["deno", "bun"],
      paths: ["tests/deflate"],
      filter: undefined,
    }],
    [["--deno", "./tests/a_test.ts", "RFC 6455 5.1"], {
      runtimes: ["deno"],
      paths: ["tests/a_test.ts"],
      filter: "RFC 6455 5.1",
    }],
  ];
  for (const [args, expected] of cases) assertEquals(parseRunArguments(args, exists), expected);
});

test("parseRunArguments refuses what it does not know", () => {
  const exists = () => false;
  assertThrows(() => parseRunArguments(["--node"], exists), TypeError, "unknown flag --node");
  assertThrows(() => parseRunArguments(["a", "b"], exists), TypeError, "a, b");
});

test("filterPattern matches a text literally and takes a pattern between slashes", () => {
  assertEquals(new RegExp(filterPattern("a (b.c)")).test("x a (b.c) y"), true);
  assertEquals(new RegExp(filterPattern("b.c")).test("bxc"), false);
  assertEquals(filterPattern("/^a.*b$/"), "^a.*b$");
});

test("selectResults drops the tests that a filter left out", () => {
  const names = (filter: string | undefined) =>
    selectResults(parseJUnit(denoReport), filter).map((result) => result.name);
  assertEquals(names(undefined).length, 4);
  assertEquals(names("bad"), ['a <b> & "c"', "bad", "cut off"]);
  assertEquals(names("no TLS").length, 4);
});

test("completeResults leaves a good run alone", () => {
  const results: TestResult[] = [{ file, name: "a", outcome: "passed" }];
  assertEquals(completeResults({ exitCode: 0, results, expectedFiles: [file] }), results);
});

test("completeResults counts what no report tells as failures", () => {
  const passed: TestResult = { file, name: "a", outcome: "passed" };
  const cases: [string, Parameters<typeof completeResults>[0], string[]][] = [
    ["a file that did not load", {
      exitCode: 1,
      results: [passed],
      expectedFiles: [file, "tests/b_test.ts"],
    }, ["(no test of tests/b_test.ts ran)"]],
    ["no test", { exitCode: 0, results: [], expectedFiles: [] }, ["(no test ran)"]],
    ["only skipped tests", {
      exitCode: 0,
      results: [{ ...passed, outcome: "skipped" }],
      expectedFiles: [file],
    }, ["(no test ran)"]],
    ["an exit code alone", { exitCode: 3, results: [passed], expectedFiles: [file] }, [
      "(exit code 3, although no test failed)",
    ]],
  ];
  for (const [what, outcome, expected] of cases) {
    const failed = completeResults(outcome).filter((result) => result.outcome === "failed");
    assertEquals(failed.map((result) => result.name), expected, what);
  }
});
