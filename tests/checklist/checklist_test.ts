/** The rules, the tests that show them, and the document made of both. */

import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { readProjectFile } from "../tools/files.ts";
import { checkRules, formatConformance } from "./conformance.ts";
import { DOCUMENTS, SOURCES } from "./documents.ts";
import { type Rule, RULE_GROUPS } from "./rules.ts";
import { type Threat, THREATS } from "./threats.ts";
import { checkThreats, formatThreats } from "./threats_document.ts";

test("every rule of the RFCs has a test that tells its section", () => {
  assertEquals(checkRules(RULE_GROUPS, SOURCES), []);
});

test("of what the RFCs demand, two rules alone are not met", () => {
  const unmet = RULE_GROUPS.flatMap(({ rules }) => rules).filter((rule) => rule.unmet);
  assertEquals(
    unmet.filter(({ level }) => level === "MUST").map(({ section, statement }) => [
      section,
      statement,
    ]),
    [
      ["4.1", "No more than one connection to an address is in the state CONNECTING."],
      ["5.5.2", "A ping is answered unless a Close was received, so behind an own Close as well."],
    ],
  );
});

test("everything that went wrong elsewhere has a test", () => {
  assertEquals(checkThreats(THREATS, SOURCES), []);
});

for (const [path, text] of DOCUMENTS) {
  test(`${path} is what \`deno task conformance:docs\` writes`, () => {
    assert(readProjectFile(path) === text, "it is out of date, run that task");
  });
}

const SOURCE = 'test("A does so (RFC 6455 5.1)", () => {});';
const names = [{ file: "tests/a_test.ts", parts: ["A does so (RFC 6455 5.1)"] }];
const sources = { names, read: () => SOURCE };
const rule: Rule = {
  section: "5.1",
  level: "MUST",
  statement: "So it is.",
  how: "It is a|b.",
  tests: ["A does so (RFC 6455 5.1)"],
};
const groupOf = (...rules: Rule[]) => [{ title: "Group", rfc: 6455 as const, rules }];

test("checkRules finds rules without tests, tests that are not there, and missing sections", () => {
  assertEquals(checkRules(groupOf(rule), sources), []);
  assertEquals(checkRules(groupOf({ ...rule, tests: [], unmet: true }), sources), []);
  const wrong: [Partial<Rule>, RegExp][] = [
    [{ tests: [] }, /it has no test$/],
    [{ tests: [...rule.tests, "B does so (RFC 6455 5.1)"] }, /there is no test "B does so/],
    [{ section: "5" }, /no test tells the section$/],
    [{ section: "5.1.1" }, /no test tells the section$/],
  ];
  for (const [change, message] of wrong) {
    const problems = checkRules(groupOf({ ...rule, ...change }), sources);
    assertEquals(problems.map((problem) => message.test(problem)), [true], problems.join());
  }
});

test("formatConformance links each test, and tells what is not met", () => {
  const text = formatConformance(
    groupOf(rule, { ...rule, section: "5.2", level: "MAY", unmet: true, tests: [] }),
    sources,
  );
  const rows = text.split("\n").filter((line) => line.startsWith("| 5"));
  assertEquals(rows, [
    "| 5.1 | MUST | So it is. | It is a\\|b. | [A does so (RFC 6455 5.1)](../tests/a_test.ts) |",
    "| 5.2 | MAY | So it is. | Not met. It is a\\|b. |  |",
  ]);
});

const threat: Threat = {
  where: "a_b",
  fault: "It was so.",
  answer: "It is not.",
  tests: rule.tests,
};

test("checkThreats finds threats without tests, and tests that are not there", () => {
  assertEquals(checkThreats([threat], sources), []);
  assertEquals(checkThreats([{ ...threat, tests: [] }], sources), ["a_b: it has no test"]);
  const gone = checkThreats([{ ...threat, tests: ["B"] }], sources);
  assertEquals(gone, ['a_b: there is no test "B"']);
});

test("formatThreats links each test", () => {
  assertEquals(
    formatThreats([threat], sources).trimEnd().split("\n").at(-1),
    "| a\\_b | It was so. | It is not. | [A does so (RFC 6455 5.1)](../tests/a_test.ts) |",
  );
});
