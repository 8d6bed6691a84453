/** What a run tells people and programs. */

import { caseName, type SuiteCase, type Theme } from "./case.ts";
import type { Outcomes } from "./runner.ts";
import { type Behaviour, BEHAVIOURS, type Outcome } from "./verdict.ts";
import type { Role } from "./frames.ts";

/** A run against one endpoint. */
export interface Run {
  readonly role: Role;
  readonly themes: readonly Theme[];
  readonly outcomes: Outcomes;
}

/** How many cases behaved in which way. */
export type Counts = Readonly<Record<Behaviour, number>>;

/** A case that was not met to the letter. */
export interface Deviation {
  readonly testCase: SuiteCase;
  readonly outcome: Outcome;
}

/** Counts those of the cases that were run. */
export function countBehaviours(cases: readonly SuiteCase[], outcomes: Outcomes): Counts {
  const counts = { strict: 0, declined: 0, "non-strict": 0, wrong: 0, hung: 0 };
  for (const { id } of cases) {
    const outcome = outcomes.get(id);
    if (outcome !== undefined) counts[outcome.behaviour]++;
  }
  return counts;
}

/** The cases that were not met to the letter, in order; those declined are not among them. */
export function findDeviations({ themes, outcomes }: Run): Deviation[] {
  return themes.flatMap(({ cases }) =>
    cases.flatMap((testCase) => {
      const outcome = outcomes.get(testCase.id);
      if (outcome === undefined) return [];
      return ["strict", "declined"].includes(outcome.behaviour) ? [] : [{ testCase, outcome }];
    })
  );
}

/** Whether nothing was wrong, and nothing hung. */
export function isConformant({ outcomes }: Run): boolean {
  return ![...outcomes.values()].some(({ behaviour }) => ["wrong", "hung"].includes(behaviour));
}

/** The table of a run: a row for each theme, and one for all. */
export function tabulate({ themes, outcomes }: Run): string[][] {
  const row = (name: string, cases: readonly SuiteCase[]) => {
    const counts = countBehaviours(cases, outcomes);
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return [name, String(total), ...BEHAVIOURS.map((behaviour) => String(counts[behaviour]))];
  };
  const played = themes
    .map((theme) => row(`${theme.id} ${theme.name}`, theme.cases))
    .filter(([, total]) => total !== "0");
  const all = row("all", themes.flatMap(({ cases }) => cases));
  return [["theme", "cases", ...BEHAVIOURS], ...played, all];
}

/** A table for a terminal: the first column to the left, the others to the right. */
export function formatPlain(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)
    ).join("  ")
  ).join("\n");
}

/** A table in Markdown. */
export function formatMarkdown(rows: readonly (readonly string[])[]): string {
  const [header, ...body] = rows.map((row) => `| ${row.join(" | ")} |`);
  const rule = `|${rows[0]!.map((_, column) => column === 0 ? " --- " : " ---: ").join("|")}|`;
  return [header, rule, ...body].join("\n");
}

/** The list of deviations, for a terminal. */
export function formatDeviations(deviations: readonly Deviation[], role: Role): string {
  return deviations.map(({ testCase, outcome }) =>
    [
      `${outcome.behaviour}: ${caseName(testCase, role)}`,
      `  expected ${outcome.expected}`,
      `  observed ${outcome.observed}`,
    ].join("\n")
  ).join("\n");
}

/** A run as data: counts by theme, and every case with its outcome. */
export function toJson(run: Run): unknown {
  const { role, themes, outcomes } = run;
  return {
    role,
    counts: countBehaviours(themes.flatMap(({ cases }) => cases), outcomes),
    cases: themes.flatMap((theme) =>
      theme.cases.flatMap((testCase) => {
        const outcome = outcomes.get(testCase.id);
        if (outcome === undefined) return [];
        const { id, title, section } = testCase;
        return [{ id, theme: theme.name, title, section, ...outcome }];
      })
    ),
  };
}
