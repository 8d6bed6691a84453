/**
 * Reads TypeScript sources as far as the tests of the project's structure need it: tokens without
 * comments, imports, exported names. No parser of the language, but it is not fooled by what stands
 * in comments, strings, templates and regular expressions.
 */

/** A piece of a source that is neither a comment nor white space. */
export interface Token {
  /** What it is; a template counts as such once for each of its literal parts. */
  readonly kind: "word" | "string" | "template" | "regexp" | "punctuation";
  /** Its text, that of a string without the quotes. */
  readonly text: string;
  /** How many brackets of any kind are open around it. */
  readonly depth: number;
}

const SKIPPED = /(?:\s+|\/\/.*|\/\*[\s\S]*?\*\/)+/y;
const STRING = /"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'/y;
const REGEXP = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE_PART = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;
const WORD = /[\w$#]+/y;

/** The words that may stand before a regular expression; after any other one, a slash divides. */
const BEFORE_REGEXP = new Set(
  "return typeof case in of delete void throw new else do await yield instanceof".split(" "),
);

/** Splits a source into tokens. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  // The brackets open at this point; `${` stands for the substitution of a template.
  const open: string[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const push = (kind: Token["kind"], text: string) =>
    tokens.push({ kind, text, depth: open.length });
  const takeTemplatePart = () => {
    const part = take(TEMPLATE_PART)?.[0];
    if (part === undefined) throw new SyntaxError("Cannot read source: a template does not end");
    push("template", part.replace(/`$|\$\{$/, ""));
    if (part.endsWith("${")) open.push("${");
  };

  while (at < source.length) {
    if (take(SKIPPED) !== null) continue;
    const character = source.charAt(at);
    const string = take(STRING);
    if (string !== null) {
      push("string", string[1] ?? string[2] ?? "");
      continue;
    }
    const word = take(WORD);
    if (word !== null) {
      push("word", word[0]);
      continue;
    }
    if (character === "/" && mayStartRegExp(tokens.at(-1))) {
      const regexp = take(REGEXP);
      if (regexp === null) throw new SyntaxError("Cannot read source: a slash starts nothing");
      push("regexp", regexp[0]);
      continue;
    }
    at++;
    if (character === "`") {
      takeTemplatePart();
    } else if (character === "}" && open.at(-1) === "${") {
      open.pop();
      takeTemplatePart();
    } else {
      if (")]}".includes(character)) open.pop();
      push("punctuation", character);
      if ("([{".includes(character)) open.push(character);
    }
  }
  if (open.length > 0) throw new SyntaxError(`Cannot read source: ${open.at(-1)} is not closed`);
  return tokens;
}

function mayStartRegExp(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "word") return BEFORE_REGEXP.has(previous.text);
  return previous.kind === "punctuation" && !")]}".includes(previous.text);
}

/** What a source imports or re-exports. */
export interface Import {
  /** The specifier; `undefined` for an `import()` whose argument is not a string. */
  readonly specifier: string | undefined;
  /** Whether it loads the module with this one, when it is run, or not at all. */
  readonly kind: "static" | "dynamic" | "type";
}

/** All that a source imports or re-exports. With `verbatimModuleSyntax`, `import { type A }` loads. */
export function importsOf(source: string): Import[] {
  const tokens = tokenize(source);
  const imports: Import[] = [];
  let kind: "static" | "type" = "static";
  tokens.forEach((token, index) => {
    if (token.kind !== "word" || tokens[index - 1]?.text === ".") return;
    const next = tokens[index + 1];
    if (token.depth === 0 && (token.text === "import" || token.text === "export")) {
      kind = next?.text === "type" && tokens[index + 2]?.text !== "from" ? "type" : "static";
    }
    if (token.text === "from" || token.text === "import") {
      if (next?.kind === "string") imports.push({ specifier: next.text, kind });
    }
    if (token.text === "import" && next?.text === "(") {
      const argument = tokens[index + 2];
      const specifier = argument?.kind === "string" ? argument.text : undefined;
      imports.push({ specifier, kind: "dynamic" });
    }
  });
  return imports;
}

/** The path of the project's file that a relative specifier in the file `from` names. */
export function resolveImport(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Those of `names` that a source mentions as code, or as a whole string (`globalThis["Deno"]`). */
export function mentionsOf(source: string, names: readonly string[]): string[] {
  const mentioned = new Set(
    tokenize(source)
      .filter((token) => token.kind === "word" || token.kind === "string")
      .map((token) => token.text),
  );
  return names.filter((name) => mentioned.has(name));
}

const DECLARES_VALUE = new Set(["const", "let", "var", "function", "class", "default"]);

/** Whether a source declares nothing that exists at run time: types, and what it re-exports. */
export function hasOnlyTypes(source: string): boolean {
  return !tokenize(source).some((token) =>
    token.depth === 0 && token.kind === "word" && DECLARES_VALUE.has(token.text)
  );
}

const MODIFIERS = new Set(["abstract", "async", "declare"]);
const DECLARATIONS = new Set(["const", "let", "class", "function", "interface", "type"]);

/**
 * The names that a file exports, types included, sorted. `export *` is followed.
 *
 * @param path The file, from the project's folder.
 * @param read Gives the source of a file.
 */
export function exportsOf(path: string, read: (path: string) => string): string[] {
  const tokens = tokenize(read(path));
  const names: string[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token?.depth !== 0 || token.text !== "export" || token.kind !== "word") continue;
    let next = index + 1;
    const text = (offset = 0) => tokens[next + offset]?.text ?? "";
    while (MODIFIERS.has(text())) next++;
    if (text() === "type" && "{*".includes(text(1))) next++;
    if (text() === "*" && text(1) === "as") {
      names.push(text(2));
    } else if (text() === "*") {
      names.push(...exportsOf(resolveImport(path, text(2)), read));
    } else if (text() === "{") {
      names.push(...listedNames(tokens, next + 1));
    } else if (text() === "default") {
      names.push("default");
    } else if (DECLARATIONS.has(text())) {
      names.push(text(1) === "*" ? text(2) : text(1));
    } else {
      throw new SyntaxError(`Cannot read the exports of ${path}: export ${text()}`);
    }
  }
  return [...new Set(names)].sort();
}

/** The names in `{ a, type B, c as d }`, from the token after the brace on. */
function listedNames(tokens: readonly Token[], from: number): string[] {
  const end = tokens.findIndex((token, index) => index >= from && token.text === "}");
  const names: string[] = [];
  let last = "";
  for (const { text } of tokens.slice(from, end + 1)) {
    if (text !== "," && text !== "}") last = text;
    else if (last !== "") {
      names.push(last);
      last = "";
    }
  }
  return names;
}
