import { assertEquals } from "@std/assert";
import { parseCpuTicks } from "../../bench/proc.ts";
import { test } from "../harness.ts";

test("parseCpuTicks is not misled by a program's name", () => {
  const numbers = "1 2 3 4 5 6 7 8 9 10 150 50 13 14";
  for (const name of ["deno", "a b", "a) S 1 (b"]) {
    assertEquals(parseCpuTicks(`4711 (${name}) S ${numbers}`), 200);
  }
});
