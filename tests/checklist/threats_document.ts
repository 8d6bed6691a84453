/** Checks the threats against the tests there are, and writes them down as a document. */

import { escaped, linkTo, type Sources } from "./conformance.ts";
import { findTest } from "./test_names.ts";
import type { Threat } from "./threats.ts";

/** All that is wrong with the threats, a line each. */
export function checkThreats(threats: readonly Threat[], { names, read }: Sources): string[] {
  return threats.flatMap(({ where, tests }) => [
    ...tests.length === 0 ? [`${where}: it has no test`] : [],
    ...tests
      .filter((name) => findTest(name, names, read) === undefined)
      .map((name) => `${where}: there is no test "${name}"`),
  ]);
}

/** The document. */
export function formatThreats(threats: readonly Threat[], sources: Sources): string {
  const lines = [
    "<!-- deno-fmt-ignore-file -->",
    "<!-- Written by `deno task conformance:docs` from tests/checklist; do not edit. -->",
    "",
    "# What went wrong elsewhere",
    "",
    "Faults that other implementations of WebSocket have had, what is done about each of them here, and",
    "the tests that would find it. In the names of tests, `*` stands for each of several.",
    "",
    "| Where | What went wrong | What is done here | Tests |",
    "| --- | --- | --- | --- |",
    ...threats.map(({ where, fault, answer, tests }) => {
      const cells = [where, fault, answer].map(escaped);
      cells.push(tests.map((name) => linkTo(name, sources)).join("<br>"));
      return `| ${cells.join(" | ")} |`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}
