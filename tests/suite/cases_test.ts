/** What holds for all cases of the suite, whoever they are run against. */

import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { caseName, type Step } from "./case.ts";
import { CASES, THEMES } from "./cases/mod.ts";
import { casesFor } from "./runner.ts";
import { CLOSE } from "./frames.ts";

const ROLES = ["server", "client"] as const;

test("the suite has its cases in both roles, each with an id and a name of its own", () => {
  assertEquals(new Set(CASES.map(({ id }) => id)).size, CASES.length);
  for (const role of ROLES) {
    const names = casesFor(role, CASES).map((testCase) => caseName(testCase, role));
    assert(names.length >= 500, `${role}: ${names.length}`);
    const titles = names.map((name) => name.replace(/^suite \S+ /, ""));
    const twice = titles.filter((title, i) => titles.indexOf(title) !== i);
    assertEquals(twice, []);
  }
});

test("the suite's ids begin with their theme's", () => {
  for (const { id, cases } of THEMES) {
    assertEquals(cases.filter((testCase) => !testCase.id.startsWith(`${id}.`)), []);
  }
});

test("the suite's cases name a section of RFC 6455 or RFC 7692", () => {
  const nameless = CASES.filter(({ section }) => !/^RFC (6455|7692) \d+(\.\d+)*$/.test(section));
  assertEquals(nameless, []);
});

test("the suite's scripts end the connection in the way that they expect", () => {
  const isClose = (step: Step) => step.kind === "frame" && step.frame.opcode === CLOSE;
  for (const { id, script } of CASES) {
    const { steps, expect } = script();
    const { kind } = expect.end;
    if (kind === "closed") assert(steps.some(isClose), id);
    if (kind === "dropped") assert(steps.some((step) => step.kind === "end"), id);
  }
});
