import { assertEquals } from "@std/assert";
import { copyBytes } from "../../src/protocol/copy.ts";
import { test } from "../harness.ts";

test("copyBytes copies every length to its place and nothing beyond", () => {
  for (let length = 0; length <= 200; length++) {
    const source = Uint8Array.from({ length }, (_, i) => i + 1);
    const target = new Uint8Array(length + 8);
    copyBytes(source, target, 3);
    assertEquals(target, Uint8Array.of(0, 0, 0, ...source, 0, 0, 0, 0, 0));
  }
});
