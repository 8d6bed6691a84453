/** What the manifest, the documents and the scripts say of each other. */

import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { test } from "./harness.ts";
import { listFiles, projectRoot, readProjectFile } from "./tools/files.ts";

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly tasks: Readonly<Record<string, { readonly command: string }>>;
  readonly publish: { readonly include: readonly string[] };
}

const manifest: Manifest = JSON.parse(readProjectFile("deno.json"));
const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
const entryPoints = Object.values(manifest.exports).map((path) => path.replace("./", ""));

/** All that `pattern` captures in `files`, without repetition. */
function captures(files: readonly string[], pattern: RegExp): string[] {
  const found = files.flatMap((file) =>
    Array.from(readProjectFile(file).matchAll(pattern), ([, captured = ""]) => captured)
  );
  return [...new Set(found)];
}

test("the documents name only tasks that exist", () => {
  const named = captures([...documents, ".ci/run"], /\bdeno(?:@[\d.]+)? task ([\w:]+\w)/g);
  assert(named.includes("start") && named.includes("test") && named.includes("check"));
  assertEquals(named.filter((name) => !(name in manifest.tasks)), []);
});

test("one version of each tool is named everywhere", () => {
  const files = [...documents, ".ci/run", "tests/run.ts"];
  assertEquals(captures(files, /\bdeno@([\d.]+\d)/g).length, 1);
  const bun = captures(files, /\bbun@([\d.]+\d)/g);
  const used = captures(["tests/run.ts"], /BUN_VERSION = "([\d.]+)"/g);
  assertEquals(new Set([...bun, ...used]).size, 1);
});

test("the changelog starts with the manifest's version", () => {
  assertEquals(captures(["CHANGELOG.md"], /^## \[(\d[^\]]*)\]/gm)[0], manifest.version);
});

test("the licence is the one in the manifest", () => {
  assertEquals(manifest.license, "MIT");
  assert(readProjectFile("LICENSE").startsWith("MIT License"));
});

test("all that an entry point may import is published", () => {
  const { include } = manifest.publish;
  const isPublished = (path: string) =>
    include.some((entry) => path === entry || path.startsWith(`${entry}/`));
  const sources = [...entryPoints, ...listFiles("src", ".ts")];
  assertEquals(sources.filter((path) => !isPublished(path)), []);
  assertEquals(include.filter((entry) => !existsSync(`${projectRoot}/${entry}`)), []);
});

test("the documentation of every entry point is linted", () => {
  const linted = manifest.tasks["doc"]?.command.split(" ") ?? [];
  assertEquals(entryPoints.filter((path) => !linted.includes(path)), []);
});

test("Bun finds the same modules under a name as Deno", () => {
  const { compilerOptions } = JSON.parse(readProjectFile("tsconfig.json"));
  const local = Object.entries(manifest.imports).filter(([, target]) => target.startsWith("./"));
  const paths = Object.fromEntries(local.map(([name, target]) => [name, [target]]));
  assertEquals(compilerOptions.paths, paths);
});

test("every entry point is importable by the name it is published under", () => {
  for (const [name, path] of Object.entries(manifest.exports)) {
    assertEquals(manifest.imports[`@gale/websocket${name.slice(1)}`], path);
  }
});

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(file: string): Set<string> {
  const anchors = new Set<string>();
  const text = readProjectFile(file).replace(/^```.*?^```/gms, "");
  for (const [, heading = ""] of text.matchAll(/^#+ +(.+)$/gm)) {
    const slug = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

test("the links between documents lead somewhere", () => {
  const broken = [...documents, ...listFiles("docs", ".md")].flatMap((file) =>
    captures([file], /\]\((?![a-z]+:)([^)\s]+)\)/g).filter((link) => {
      const [path, anchor] = link.split("#", 2) as [string, string?];
      const target = path === "" ? file : posix.join(posix.dirname(file), path);
      if (!existsSync(`${projectRoot}/${target}`)) return true;
      return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor);
    }).map((link) => `${link} in ${file}`)
  );
  assertEquals(broken, []);
});
