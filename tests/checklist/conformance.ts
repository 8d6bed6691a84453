/** Checks the rules against the tests there are, and writes them down as a document. */

import type { Rule, RuleGroup } from "./rules.ts";
import { findTest, type TestName } from "./test_names.ts";

/** What the sources of the tests say. */
export interface Sources {
  readonly names: readonly TestName[];
  /** Gives the source of a file. */
  readonly read: (file: string) => string;
}

/** All that is wrong with the rules, a line each. */
export function checkRules(groups: readonly RuleGroup[], { names, read }: Sources): string[] {
  return groups.flatMap(({ rfc, rules }) =>
    rules.flatMap(({ section, statement, tests, unmet }) => {
      const rule = `RFC ${rfc} ${section}, "${statement}"`;
      const problems = tests
        .filter((name) => findTest(name, names, read) === undefined)
        .map((name) => `${rule}: there is no test "${name}"`);
      if (tests.length === 0 && unmet !== true) problems.push(`${rule}: it has no test`);
      if (tests.length > 0 && !tests.some((name) => tellsSection(name, rfc, section))) {
        problems.push(`${rule}: no test tells the section`);
      }
      return problems;
    })
  );
}

function tellsSection(name: string, rfc: number, section: string): boolean {
  const digits = section.replaceAll(".", "\\.");
  return name.includes(`RFC ${rfc}`) && new RegExp(`[ (]${digits}(?![\\d.]*\\d)`).test(name);
}

/** The document. It is left out of formatting, which would align its tables anew with each row. */
export function formatConformance(groups: readonly RuleGroup[], sources: Sources): string {
  const rules = groups.flatMap((group) => group.rules);
  const unmet = rules.filter((rule) => rule.unmet);
  const lines = [
    "<!-- deno-fmt-ignore-file -->",
    "<!-- Written by `deno task conformance:docs` from tests/checklist; do not edit. -->",
    "",
    "# Conformance",
    "",
    "Every rule of RFC 6455 and RFC 7692 that asks something of an endpoint, in our own words, with how",
    "it is met and the tests that show it. In the names of tests, `*` stands for each of several: both",
    'roles, say, or all rows of a table. `deno task test tests "RFC 6455 5.4"` runs those of a section.',
    "",
    `${rules.length} rules, of which ${rules.length - unmet.length} are met. The others:`,
    "",
    ...groups.flatMap(({ rfc, rules }) =>
      rules.filter((rule) => rule.unmet).map((rule) =>
        `- RFC ${rfc}, ${rule.section} (${rule.level}): ${rule.statement} ${rule.how}`
      )
    ),
  ];
  for (const { title, rfc, rules } of groups) {
    lines.push("", `## ${title}`, "", `| RFC ${rfc} | Level | Rule | How it is met | Tests |`);
    lines.push("| --- | --- | --- | --- | --- |");
    for (const rule of rules) lines.push(formatRule(rule, sources));
  }
  return `${lines.join("\n")}\n`;
}

function formatRule({ section, level, statement, how, unmet, tests }: Rule, sources: Sources) {
  const answer = unmet ? `Not met. ${how}` : how;
  const links = tests.map((name) => linkTo(name, sources)).join("<br>");
  return `| ${section} | ${level} | ${escaped(statement)} | ${escaped(answer)} | ${links} |`;
}

/** A test's name, as a link from a document to its file. */
export function linkTo(name: string, { names, read }: Sources): string {
  return `[${escaped(name)}](../${findTest(name, names, read)?.file ?? ""})`;
}

/** Text as it stands in a cell of a table. */
export function escaped(text: string): string {
  return text.replace(/[|*_[\]]/g, "\\$&");
}
