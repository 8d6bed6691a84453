/** What only those need who have bytes is not loaded where the host frames. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runtime, test } from "../harness.ts";
import { listFiles } from "../tools/files.ts";
import { entryPoints, loadedWith } from "./entry_points.ts";
import { SourceCopy } from "./source_copy.ts";

test(`${runtime}'s own server is served where nothing but its entry point can be loaded`, async () => {
  const loaded = loadedWith(entryPoints.get(`./${runtime}`)!);
  const others = listFiles("src", ".ts").filter((file) => !loaded.has(file));
  using copy = new SourceCopy(
    new Map(others.map((file) => [file, `throw new Error("${file} was loaded");\n`])),
  );
  await using program = copy.start("framed_program.ts");
  assertEquals(await program.exited, 0, program.output);
  assertStringIncludes(program.output, "echoed: hello\n");
  assertStringIncludes(program.output, "wants setImmediate: false\n");
  // The code that is not there tells why it is needed.
  assertStringIncludes(program.output, "serveTcp: Cannot serve: the code that answers does not");
  assertStringIncludes(program.output, "byte stream: Cannot take over a byte stream: import Web");
});
