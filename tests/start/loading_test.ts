/** Who connects while the code that answers is being loaded. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runtime, test } from "../harness.ts";
import { readProjectFile } from "../tools/files.ts";
import { SourceCopy } from "./source_copy.ts";

test(`${runtime}.serveTcp answers who came while it loaded, and drops them in a shutdown`, async () => {
  const path = "src/server/tcp_server.ts";
  const loading = 'import("./byte_server.ts");';
  const source = readProjectFile(path);
  assertStringIncludes(source, loading);
  const gated = source.replace(loading, `globalThis.loading.then(() => ${loading.slice(0, -1)});`);
  using copy = new SourceCopy(new Map([[path, gated]]));
  await using program = copy.start("loading_program.ts");
  assertEquals(await program.exited, 0, program.output);
  for (const what of ["dropped", "waiting", "answered"]) {
    assertStringIncludes(program.output, `${what}: true\n`);
  }
});
