import { assertEquals } from "@std/assert";
import { wholeMatch } from "../src/whole_match.ts";
import { test } from "./harness.ts";

test("wholeMatch matches whole texts only", () => {
  const cases: [pattern: RegExp, text: string, matches: boolean][] = [
    [/a/, "a", true],
    [/a/, "ab", false],
    [/a/, "ba", false],
    [/a|b/, "b", true],
    [/a|b/, "bc", false],
    [/^a$/, "a", true],
    [/A/i, "a", true],
    [/a/m, "a\nb", false],
    [/\p{Lu}/u, "Ä", true],
  ];
  for (const [pattern, text, matches] of cases) {
    assertEquals(wholeMatch(pattern).test(text), matches, `${pattern} ${text}`);
  }
});

test("wholeMatch remembers no last use, and leaves that of the pattern alone", () => {
  for (const pattern of [/a/g, /a/y]) {
    pattern.lastIndex = 1;
    const whole = wholeMatch(pattern);
    for (let round = 0; round < 3; round++) assertEquals(whole.test("a"), true);
    assertEquals(pattern.lastIndex, 1);
  }
});
