/** Makes tests of cases, each of which has to be met to the letter. */

import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { caseName, type SuiteCase } from "./case.ts";
import { THEMES } from "./cases/mod.ts";
import { casesFor, type Outcomes, type RunOptions } from "./runner.ts";
import type { Role } from "./frames.ts";

/** Patient, since the machine may be busy: nothing that is right waits for it. */
export const TEST_OPTIONS: RunOptions = { silence: 20_000, failFast: 20_000, concurrency: 20 };

/** The first test of a theme runs all of its cases. */
const TIMEOUT = 120_000;

/** Themes whose cases agree on compression. */
const COMPRESSION = "11";

/** One test for each case, which are run a theme at a time, many of them at once. */
export function testCases(
  role: Role,
  run: (cases: readonly SuiteCase[]) => Promise<Outcomes>,
): void {
  for (const theme of THEMES) {
    const cases = casesFor(role, theme.cases);
    let running: Promise<Outcomes> | undefined;
    const outcomes = () => running ??= run(cases);
    for (const testCase of cases) {
      test(caseName(testCase, role), async () => {
        const { behaviour, expected, observed } = (await outcomes()).get(testCase.id)!;
        assertEquals(behaviour, "strict", `expected ${expected}; observed ${observed}`);
      }, { timeout: TIMEOUT });
    }
    if (theme.id === COMPRESSION) {
      test(`suite ${theme.id} ${role} compresses what it echoes (RFC 7692 7.2.1)`, async () => {
        const compressed = [...await outcomes()].filter(([, outcome]) => outcome.compressed > 0);
        const closing = cases.filter((each) => each.script().expect.end.kind === "closed");
        assert(compressed.length >= closing.length, `${compressed.length} of ${closing.length}`);
      }, { timeout: TIMEOUT });
    }
  }
}
