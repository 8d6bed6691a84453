import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { parseProfile } from "../../../bench/process/profile.ts";
import { test } from "../../harness.ts";

test("parseProfile sums up the objects that samples lie in", () => {
  const { kernel, runtime, compiled } = parseProfile(`
# Overhead  Shared Object
# ........  ...................
#
    40.00%  [kernel.kallsyms]
    20.00%  deno
     9.50%  libc.so.6
    10.00%  [JIT] tid 4315
     5.00%  perf-4315.map
     5.00%  [unknown]
     5.00%  //anon
     5.00%  memfd:jit (deleted)
     0.25%  [vdso]
     0.25%  [virtio_net]
`);
  assertAlmostEquals(kernel, 0.405);
  assertAlmostEquals(runtime, 0.295);
  assertAlmostEquals(compiled, 0.3);
});

test("parseProfile makes one whole of what the report left out", () => {
  assertEquals(parseProfile("  50.00%  node\n"), { kernel: 0, runtime: 1, compiled: 0 });
});

test("parseProfile throws where there is nothing to sum up", () => {
  assertThrows(() => parseProfile("# no samples\n"), Error, "no samples");
});
