/** The names that the sources of tests give to tests, as far as they can be read without running them. */

import { type Token, tokenize } from "../tools/source_text.ts";

/** A name, or a template of names. */
export interface TestName {
  /** The file, by its path from the project's folder. */
  readonly file: string;
  /** What is written out, in its order; a substitution stands between two parts. */
  readonly parts: readonly string[];
}

/** Stands in a reference for all that a substitution may become. */
const ANY = "*";

/** The first arguments of the calls of `test` in a source. */
export function testNamesOf(file: string, source: string): TestName[] {
  const tokens = tokenize(source);
  const names: TestName[] = [];
  tokens.forEach(({ kind, text }, index) => {
    if (kind !== "word" || text !== "test" || tokens[index + 1]?.text !== "(") return;
    if (tokens[index - 1]?.text === "." || tokens[index - 1]?.text === "function") return;
    const argument = tokens[index + 2];
    if (argument?.kind === "string") names.push({ file, parts: [unescaped(argument.text)] });
    if (argument?.kind === "template") {
      names.push({ file, parts: templateParts(tokens, index + 2) });
    }
  });
  return names;
}

/** The literal parts of the template that begins at a token. */
function templateParts(tokens: readonly Token[], from: number): string[] {
  const { depth } = tokens[from]!;
  const parts: string[] = [];
  let at = from;
  while (tokens[at]?.kind === "template") {
    parts.push(unescaped(tokens[at]!.text));
    at++;
    // Behind the last part stands the comma or the bracket of the call, at the same depth.
    while ((tokens[at]?.depth ?? depth) > depth) at++;
  }
  return parts;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character) => character === "n" ? "\n" : character);
}

/**
 * Finds the test that a reference names: its name in full, or with `*` for a substitution. What stands
 * for a substitution must be written in the test's file, so that a row that goes is missed.
 *
 * @param read Gives the source of a file.
 */
export function findTest(
  reference: string,
  names: readonly TestName[],
  read: (file: string) => string,
): TestName | undefined {
  return names.find(({ file, parts }) => {
    if (parts.length === 1) return parts[0] === reference;
    const pattern = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("(.+)");
    const substitutions = new RegExp(`^${pattern}$`, "s").exec(reference)?.slice(1);
    return substitutions?.every((text) => text === ANY || read(file).includes(text)) ?? false;
  });
}
