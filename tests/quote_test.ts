import { assertEquals } from "@std/assert";
import { quote } from "../src/quote.ts";
import { test } from "./harness.ts";

test("quote leaves nothing that a terminal obeys or a reader is misled by", () => {
  const cases: [text: string, quoted: string][] = [
    ["", '""'],
    ["Grüße, 世界 😀", '"Grüße, 世界 😀"'],
    ['a "b" \\ c', '"a \\"b\\" \\\\ c"'],
    ["\0\n\x1b[2J", '"\\u0000\\n\\u001b[2J"'],
    ["\x7f\x9b2J", '"\\u007f\\u009b2J"'],
    ["a\u2028b\u2029c", '"a\\u2028b\\u2029c"'],
    ["\u202eabc\u2066", '"\\u202eabc\\u2066"'],
    ["\ud800", '"\\ud800"'],
  ];
  for (const [text, quoted] of cases) assertEquals(quote(text), quoted);
});
