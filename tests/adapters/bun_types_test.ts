import { assertEquals, assertThrows } from "@std/assert";
import { bunSocketApi } from "../../src/adapters/bun_types.ts";
import { runtime, test } from "../harness.ts";

test("bunSocketApi gives the global Bun, or says that there is none", () => {
  if (runtime === "bun") {
    const api = bunSocketApi();
    assertEquals([typeof api.listen, typeof api.connect], ["function", "function"]);
  } else {
    assertThrows(() => bunSocketApi(), Error, "the host is not Bun");
  }
});
