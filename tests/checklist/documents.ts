/** The documents that are written from data and from the sources of the tests. */

import { listFiles, readProjectFile } from "../tools/files.ts";
import { formatConformance, type Sources } from "./conformance.ts";
import { RULE_GROUPS } from "./rules.ts";
import { testNamesOf } from "./test_names.ts";
import { THREATS } from "./threats.ts";
import { formatThreats } from "./threats_document.ts";

/** The tests of the project. */
export const SOURCES: Sources = {
  names: listFiles("tests", ".ts").flatMap((file) => testNamesOf(file, readProjectFile(file))),
  read: readProjectFile,
};

/** The path of each document, and its text. */
export const DOCUMENTS: readonly (readonly [path: string, text: string])[] = [
  ["docs/conformance.md", formatConformance(RULE_GROUPS, SOURCES)],
  ["docs/threats.md", formatThreats(THREATS, SOURCES)],
];
