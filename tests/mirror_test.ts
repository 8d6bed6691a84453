/** Each source file has its test file in the same place, and each test file its source. */

import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { test } from "./harness.ts";
import { listFiles, projectRoot, readProjectFile } from "./tools/files.ts";
import { hasOnlyTypes } from "./tools/source_text.ts";

/** Tests of the project itself rather than of one source file. */
const projectTests = new Set([
  "tests/exports_test.ts",
  "tests/layers_test.ts",
  "tests/mirror_test.ts",
  "tests/package_test.ts",
  "tests/porting_test.ts",
]);

/** Sources without a test file of their own, and why. Files that declare only types need no entry. */
const untested: Readonly<Record<string, string>> = {};

const testOf = (source: string) => source.replace(/^src\//, "tests/").replace(/\.ts$/, "_test.ts");
const sources = listFiles("src", ".ts");

test("every source file with code has a test file", () => {
  const missing = sources
    .filter((source) => !hasOnlyTypes(readProjectFile(source)) && !(source in untested))
    .filter((source) => !existsSync(`${projectRoot}/${testOf(source)}`));
  assertEquals(missing, []);
});

test("every test file has its source, in src or beside it", () => {
  // Tests too many for one file are split by theme: `protocol_close_test.ts` beside `protocol_test.ts`.
  const stems = sources.map((source) => testOf(source).replace(/test\.ts$/, ""));
  const orphans = listFiles("tests", "_test.ts")
    .filter((file) => existsSync(`${projectRoot}/${mirroredFolder(file)}`))
    .filter((file) => !stems.some((stem) => file.startsWith(stem)) && !projectTests.has(file))
    .filter((file) => !existsSync(`${projectRoot}/${file.replace(/_test\.ts$/, ".ts")}`));
  assertEquals(orphans, []);
});

test("the exceptions to the rule are real ones", () => {
  const needless = Object.keys(untested).filter((source) =>
    !sources.includes(source) || existsSync(`${projectRoot}/${testOf(source)}`)
  );
  assertEquals(needless, []);
});

/** The folder of `src` that a test file's folder mirrors, if it does. */
function mirroredFolder(file: string): string {
  return file.slice(0, file.lastIndexOf("/")).replace(/^tests/, "src");
}
