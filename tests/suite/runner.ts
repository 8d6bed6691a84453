/** What running cases takes, whichever side is tested. */

import type { Script, SuiteCase } from "./case.ts";
import type { Role } from "./frames.ts";
import type { Patience } from "./peer.ts";
import { describeExpectation, type Outcome } from "./verdict.ts";

/** How cases are run. */
export interface RunOptions extends Patience {
  /** How many are run at once. */
  readonly concurrency: number;
  /** Called with each outcome. */
  readonly onOutcome?: (testCase: SuiteCase, outcome: Outcome) => void;
}

/** What becomes of cases, by their ids. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** The cases for an endpoint of the role. */
export function casesFor(role: Role, cases: readonly SuiteCase[]): SuiteCase[] {
  return cases.filter((testCase) => testCase.role === undefined || testCase.role === role);
}

/** An outcome without a connection. */
export function withoutConnection(
  script: Script,
  behaviour: Outcome["behaviour"],
  observed: string,
): Outcome {
  return { behaviour, expected: describeExpectation(script.expect), observed, compressed: 0 };
}

/** Runs over items, so many at a time, in order. */
export async function inParallel<Item>(
  items: readonly Item[],
  width: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await run(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
