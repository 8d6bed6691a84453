import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { theme } from "./case.ts";
import {
  findDeviations,
  formatDeviations,
  formatMarkdown,
  formatPlain,
  isConformant,
  type Run,
  tabulate,
  toJson,
} from "./report.ts";
import { echoes } from "./steps.ts";
import type { Behaviour } from "./verdict.ts";

const entry = (title: string) => ({ title, script: () => echoes([], []) });

const THEMES = [
  theme("1", "First", [{ section: "RFC 6455 5.2", cases: ["a", "b", "c"].map(entry) }]),
  theme("2", "Second", [{ section: "RFC 6455 7", cases: ["d", "e"].map(entry) }]),
  theme("3", "Not run", [{ section: "RFC 6455 7", cases: [entry("f")] }]),
];

function run(behaviours: Readonly<Record<string, Behaviour>>): Run {
  const outcomes = new Map(
    Object.entries(behaviours).map(([id, behaviour]) => [
      id,
      { behaviour, expected: "this", observed: "that", compressed: 0 },
    ]),
  );
  return { role: "server", themes: THEMES, outcomes };
}

const RUN = run({
  "1.1.1": "strict",
  "1.1.2": "wrong",
  "1.1.3": "declined",
  "2.1.1": "non-strict",
  "2.1.2": "hung",
});

test("tabulate counts by theme those that were run", () => {
  assertEquals(tabulate(RUN), [
    ["theme", "cases", "strict", "declined", "non-strict", "wrong", "hung"],
    ["1 First", "3", "1", "1", "0", "1", "0"],
    ["2 Second", "2", "0", "0", "1", "0", "1"],
    ["all", "5", "1", "1", "1", "1", "1"],
  ]);
});

test("formatPlain and formatMarkdown lay a table out", () => {
  const rows = [["name", "n"], ["a", "10"]];
  assertEquals(formatPlain(rows), "name   n\na     10");
  assertEquals(formatMarkdown(rows), "| name | n |\n| --- | ---: |\n| a | 10 |");
});

test("findDeviations leaves out what is strict or declined", () => {
  const deviations = findDeviations(RUN);
  assertEquals(deviations.map(({ testCase }) => testCase.id), ["1.1.2", "2.1.1", "2.1.2"]);
  assertEquals(
    formatDeviations(deviations.slice(0, 1), "server"),
    "wrong: suite 1.1.2 server b (RFC 6455 5.2)\n  expected this\n  observed that",
  );
});

test("isConformant lets non-strict and declined pass", () => {
  assertEquals(isConformant(RUN), false);
  const passing = { "1.1.1": "strict", "1.1.2": "non-strict", "1.1.3": "declined" } as const;
  assertEquals(isConformant(run(passing)), true);
  assertEquals(isConformant(run({ "1.1.1": "hung" })), false);
});

test("toJson has every case that was run", () => {
  const { counts, cases } = toJson(RUN) as { counts: unknown; cases: readonly unknown[] };
  assertEquals(counts, { strict: 1, declined: 1, "non-strict": 1, wrong: 1, hung: 1 });
  assertEquals(cases.length, 5);
  assertEquals(cases[0], {
    id: "1.1.1",
    theme: "First",
    title: "a",
    section: "RFC 6455 5.2",
    behaviour: "strict",
    expected: "this",
    observed: "that",
    compressed: 0,
  });
});
