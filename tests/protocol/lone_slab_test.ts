import { assertEquals } from "@std/assert";
import { LoneSlab } from "../../src/protocol/lone_slab.ts";
import { test } from "../harness.ts";

test("LoneSlab aligns arrays to eight bytes, and takes a new buffer where one does not fit", () => {
  const slab = new LoneSlab();
  const cuts = Array.from({ length: 30 }, (_, i) => slab.cut(i % 65));
  assertEquals(cuts.map(({ length }) => length), cuts.map((_, i) => i % 65));
  assertEquals(cuts.map(({ byteOffset }) => byteOffset % 8), cuts.map(() => 0));
  assertEquals(cuts.map(({ buffer }) => buffer.byteLength), cuts.map(() => 512));
});
