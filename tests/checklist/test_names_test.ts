import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { findTest, testNamesOf } from "./test_names.ts";

const SOURCE = String.raw`
// test("in a comment", () => {});
test("plain \"quoted\" (RFC 6455 5.1)", () => {
  /x/.test("a method");
});
for (const role of ["server", "client"]) {
  test(${"`A ${role} of ${kinds.map((k) => `${k}!`)}, \\`whole\\``"}, () => {});
}
test(
  'single',
  () => {},
);
test(title, () => {});
function test(name) {}
`;

const names = testNamesOf("tests/a_test.ts", SOURCE);

test("testNamesOf reads names, and the parts of templates", () => {
  assertEquals(
    names.map(({ parts }) => parts),
    [['plain "quoted" (RFC 6455 5.1)'], ["A ", " of ", ", `whole`"], ["single"]],
  );
});

test("findTest finds a name, a row of a table, and all rows", () => {
  const find = (reference: string) => findTest(reference, names, () => SOURCE)?.parts[0];
  assertEquals(find("single"), "single");
  assertEquals(find("A server of *, `whole`"), "A ");
  assertEquals(find("A * of *, `whole`"), "A ");
  for (
    const reference of ["singl", "A servant of *, `whole`", "A server of *", "A  of , `whole`"]
  ) {
    assertEquals(find(reference), undefined, reference);
  }
});
