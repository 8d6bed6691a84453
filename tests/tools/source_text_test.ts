import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { test } from "../harness.ts";
import {
  exportsOf,
  hasOnlyTypes,
  importsOf,
  mentionsOf,
  resolveImport,
  tokenize,
} from "./source_text.ts";

const texts = (source: string) => tokenize(source).map((token) => token.text);

test("tokenize leaves comments out and keeps what only looks like one", () => {
  const cases: [source: string, expected: string[]][] = [
    ["a // b\nc", ["a", "c"]],
    ["a /* b\n' */ c", ["a", "c"]],
    ['"// a" b', ["// a", "b"]],
    ["'/* a' b", ["/* a", "b"]],
    ["'it\\'s' b", ["it\\'s", "b"]],
    ["`// a` b", ["// a", "b"]],
    ["/[/]\\/*'/g.test(a)", ["/[/]\\/*'/g", ".", "test", "(", "a", ")"]],
    ["a / b / c // d", ["a", "/", "b", "/", "c"]],
    ["(a) / 2 /* ' */", ["(", "a", ")", "/", "2"]],
    ["return /'/", ["return", "/'/"]],
    ["`a ${b ? `c ${'}'}` : {}} d` e", [
      "a ",
      "b",
      "?",
      "c ",
      "}",
      "",
      ":",
      "{",
      "}",
      " d",
      "e",
    ]],
  ];
  for (const [source, expected] of cases) assertEquals(texts(source), expected, source);
});

test("tokenize counts open brackets", () => {
  const depths = tokenize("a { b(c) `${[d]}` } e").map(({ text, depth }) => [text, depth]);
  assertEquals(depths, [
    ["a", 0],
    ["{", 0],
    ["b", 1],
    ["(", 1],
    ["c", 2],
    [")", 1],
    ["", 1],
    ["[", 2],
    ["d", 3],
    ["]", 2],
    ["", 1],
    ["}", 0],
    ["e", 0],
  ]);
});

test("tokenize refuses what is not closed, so that a misread source shows", () => {
  assertThrows(() => tokenize("`a ${b} c"), SyntaxError, "does not end");
  assertThrows(() => tokenize("`a ${b"), SyntaxError, "${ is not closed");
  assertThrows(() => tokenize("a({ b)"), SyntaxError, "( is not closed");
});

test("importsOf finds every way of importing", () => {
  const source = `
    import "./side.ts";
    import a, { b as c } from "./static.ts";
    import type { D } from './type.ts';
    import * as e from "./star.ts";
    export { f } from "./re_export.ts";
    export * from "./re_export_all.ts";
    export type { G } from "./re_export_type.ts";
    type H = import("./inline.ts").H;
    const i = await import("./dynamic.ts");
    const j = await import(name);
    // import "./comment.ts"
    const k = 'import "./string.ts"';
    const l = Array.from("./no.ts");
    const m = import.meta.url;
    export type N = { from: "./no.ts" };
    export const o = 1;
    import { type P } from "./kept.ts";
    import type from "./named_type.ts";
  `;
  assertEquals(importsOf(source).map(({ specifier, kind }) => [specifier, kind]), [
    ["./side.ts", "static"],
    ["./static.ts", "static"],
    ["./type.ts", "type"],
    ["./star.ts", "static"],
    ["./re_export.ts", "static"],
    ["./re_export_all.ts", "static"],
    ["./re_export_type.ts", "type"],
    ["./inline.ts", "dynamic"],
    ["./dynamic.ts", "dynamic"],
    [undefined, "dynamic"],
    ["./kept.ts", "static"],
    ["./named_type.ts", "static"],
  ]);
});

test("resolveImport gives a path from the project's folder", () => {
  assertEquals(resolveImport("src/protocol/mask.ts", "../opcode.ts"), "src/opcode.ts");
  assertEquals(resolveImport("mod.ts", "./src/types.ts"), "src/types.ts");
});

test("mentionsOf sees globals, not words in comments and messages", () => {
  const names = ["Deno", "Bun"];
  const cases: [source: string, expected: string[]][] = [
    ["// Deno\n/* Bun */ a", []],
    ['throw new Error("Deno cannot")', []],
    ["Denormal.Bundle", []],
    ["Deno.listen()", ["Deno"]],
    ["globalThis.Bun", ["Bun"]],
    ['globalThis["Deno"]', ["Deno"]],
    ["`${Bun.version}`", ["Bun"]],
  ];
  for (const [source, expected] of cases) assertEquals(mentionsOf(source, names), expected, source);
});

test("hasOnlyTypes tells types from code", () => {
  assert(hasOnlyTypes('import type { A } from "./a.ts";\nexport interface B { class: A }'));
  assert(hasOnlyTypes('export * from "./a.ts";'));
  assertFalse(hasOnlyTypes("export type A = 1;\nexport const a: A = 1;"));
  assertFalse(hasOnlyTypes("export abstract class A {}"));
});

test("exportsOf names values and types, and follows export *", () => {
  const files: Record<string, string> = {
    "mod.ts": `
      export * from "./src/a.ts";
      export * as all from "./src/b.ts";
      export { b, type C, d as e } from "./src/b.ts";
      export type { F } from "./src/b.ts";
      export const g = 1;
      export async function h(): Promise<void> {}
      export function* i(): Generator<void> {}
      export abstract class J {}
      export interface K {}
      export type L = { export: 1 };
      const m = 1;
    `,
    "src/a.ts": "export class A {}\nexport declare const b: 1;",
  };
  const names = exportsOf("mod.ts", (path) => files[path] ?? "");
  assertEquals(names, ["A", "C", "F", "J", "K", "L", "all", "b", "e", "g", "h", "i"]);
  assertThrows(() => exportsOf("x.ts", () => "export = 1"), SyntaxError, "x.ts");
});
