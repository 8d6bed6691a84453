import { assertEquals, assertThrows } from "@std/assert";
import { compileRoute, type Groups } from "../src/route_pattern.ts";
import { test } from "./harness.ts";

type Pattern = Parameters<typeof compileRoute>[0];

const noGroups: Groups = [];

const matches: readonly (readonly [pattern: Pattern, path: string, groups?: Groups])[] = [
  // Paths of URLPattern.
  ["/echo", "/echo", noGroups],
  ["/echo", "/echo?a=/b", noGroups],
  ["/echo", "/echo/"],
  ["/echo", "/a/echo"],
  ["/echo", "/Echo"],
  ["/chat/:room", "/chat/tea", ["tea"]],
  ["/chat/:room", "/chat/tea/2"],
  ["/chat/:room", "/chat/"],
  ["/chat/:room", "/chat/tea%20%26%20cake%2Fpie", ["tea & cake/pie"]],
  ["/chat/:room", "/chat/gr%C3%BCn", ["grün"]],
  ["/chat/:room", "/chat/grün", ["grün"]],
  ["/chat/:room", "/chat/50%25", ["50%"]],
  ["/chat/:room", "/chat/50%", ["50%"]],
  ["/chat/:room", "/chat/%FF", ["%FF"]],
  ["/:b/:a", "/1/2", ["1", "2"]],
  ["/chat/:room?", "/chat", [undefined]],
  ["/chat/:room?", "/chat/tea", ["tea"]],
  ["/:name/*", "/ada/a/b", ["ada", "a/b"]],
  ["/*/:name", "/a/b/ada", ["a/b", "ada"]],
  ["/(\\d+)/:name/(a|b)/*", "/1/ada/b/c", ["1", "ada", "b", "c"]],
  ["/:id(\\d+)", "/12", ["12"]],
  ["/:id(\\d+)", "/twelve"],
  ["/:id((?:a|b)c)/(.*)", "/bc/rest", ["bc", "rest"]],
  ["/\\:x{/:lang}?/z*", "/:x/en/zoo", ["en", "oo"]],
  ["/\\:x{/:lang}?/z*", "/:x/zoo", [undefined, "oo"]],
  // A URLPattern decides about more than the path.
  [new URLPattern({ pathname: "/a/:b", hostname: "example.com" }), "/a/c", ["c"]],
  [new URLPattern({ pathname: "/a/:b", hostname: "example.org" }), "/a/c"],
  [new URLPattern({ pathname: "/a", search: "x=:x" }), "/a?x=1", noGroups],
  [new URLPattern({ pathname: "/a", search: "x=:x" }), "/a"],
  // A RegExp is for the whole path.
  [/\/echo/, "/echo", noGroups],
  [/\/echo/, "/echo/more"],
  [/\/echo/, "/more/echo"],
  [/\/a|\/b/, "/b", noGroups],
  [/\/a|\/b/, "/b/c"],
  [/\/ECHO/i, "/echo", noGroups],
  [/\/echo/gy, "/echo", noGroups],
  [/^\/chat\/(\w+)$/, "/chat/tea", ["tea"]],
  [/\/chat\/([^/]+)/, "/chat/tea%20room", ["tea room"]],
  [/\/chat\/([^/]+)/, "/chat/%E0%A4%A", ["%E0%A4%A"]],
  [/\/chat(?:\/(\w+))?(?:\/(\w+))?/, "/chat", [undefined, undefined]],
  [/\/chat(?:\/(\w+))?(?:\/(\w+))?/, "/chat/a", ["a", undefined]],
  [/\/(?<b>\w)\/(?<a>\w)/, "/1/2", ["1", "2"]],
];

for (const [pattern, path, groups] of matches) {
  const shown = pattern instanceof URLPattern
    ? `a URLPattern with ${pattern.hostname} ${pattern.pathname} ${pattern.search}`
    : String(pattern);
  const what = groups === undefined ? "does not match" : `gives ${JSON.stringify(groups)} for`;
  test(`compileRoute: ${shown} ${what} ${path}`, () => {
    assertEquals(compileRoute(pattern)(new URL(path, "http://example.com")), groups);
  });
}

test("compileRoute matches a RegExp with memory anew each time", () => {
  for (const [pattern, path] of [[/\/a/g, "/a"], [/\/b/y, "/b"]] as const) {
    const match = compileRoute(pattern);
    for (let round = 0; round < 3; round++) {
      assertEquals(match(new URL(path, "http://example.com")), noGroups);
    }
  }
});

test("compileRoute refuses a pattern that is none", () => {
  assertThrows(() => compileRoute("/:"), TypeError);
});
