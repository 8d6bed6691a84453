/** What has gone wrong elsewhere and is not there to go wrong here. */

import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { listFiles, readProjectFile } from "../tools/files.ts";
import { exportsOf, tokenize } from "../tools/source_text.ts";

const { exports }: { exports: Record<string, string> } = JSON.parse(readProjectFile("deno.json"));

test("No entry point compares credentials, so that none does it in variable time", () => {
  const names = Object.values(exports).flatMap((path) =>
    exportsOf(path.replace("./", ""), readProjectFile)
  );
  assertEquals(names.filter((name) => /auth(?!ority)|passw|credential|secret/i.test(name)), []);
});

test("Nothing in the sources and the examples turns the check of certificates off", () => {
  const files = [...listFiles("src", ".ts"), ...listFiles("examples", ".ts")];
  const switches = /unsafelyIgnore|rejectUnauthorized|checkServerIdentity|TLS_REJECT|insecure/i;
  const found = files.flatMap((file) => {
    const tokens = tokenize(readProjectFile(file));
    return tokens.flatMap(({ text }, index) => {
      if (!switches.test(text)) return [];
      const setting = tokens.slice(index, index + 3).map((token) => token.text).join("");
      // Switched on, or declared as the runtime's.
      return ["rejectUnauthorized:true", "rejectUnauthorized?:"].includes(setting)
        ? []
        : [`${file}: ${setting}`];
    });
  });
  assertEquals(found, []);
});
