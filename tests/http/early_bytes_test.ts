import { assert, assertEquals, assertFalse } from "@std/assert";
import { EarlyBytes } from "../../src/http/early_bytes.ts";
import { test } from "../harness.ts";

test("EarlyBytes joins copies of what it is lent", () => {
  const early = new EarlyBytes();
  const lent = Uint8Array.of(1, 2, 3);
  early.push(lent);
  lent.fill(0xee);
  early.push(new Uint8Array(2000).fill(4));
  const bytes = early.take();
  assertEquals(bytes.length, 2003);
  assertEquals([...bytes.subarray(0, 5)], [1, 2, 3, 4, 4]);
});

test("EarlyBytes is full at 64 KiB, in pieces of one byte as well", () => {
  const early = new EarlyBytes();
  const lent = new Uint8Array(1);
  for (let i = 0; i < 65_535; i++) early.push(lent);
  assertFalse(early.full);
  early.push(lent);
  assert(early.full);
  assertEquals(early.take().length, 65_536);
});

test("EarlyBytes forgets what it has handed out", () => {
  const early = new EarlyBytes();
  assertEquals(early.take(), new Uint8Array(0));
  early.push(Uint8Array.of(1));
  const first = early.take();
  early.push(Uint8Array.of(2));
  assertEquals(first, Uint8Array.of(1));
  assertEquals(early.take(), Uint8Array.of(2));
});
