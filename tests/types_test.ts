/** What the types let pass; `deno check` is what fails here, should they let pass more or less. */

import { assertEquals } from "@std/assert";
import type { Sendable } from "../src/types.ts";
import { test } from "./harness.ts";

interface Subscription {
  readonly subscribe: string;
  readonly since?: number;
}

test("Sendable takes what an interface describes, and what goes as text, bytes or JSON", () => {
  const subscription: Subscription = { subscribe: "news" };
  const all: readonly Sendable[] = [
    "text",
    new Uint8Array(1),
    new ArrayBuffer(1),
    new Blob([]),
    new ReadableStream<string>(),
    subscription,
    { a: { b: null } },
    { if: {}, then: { type: "string" }, forEach: 1, bind: ["a"] },
    [1, 2] as const,
    new Date(),
  ];
  assertEquals(all.length, 10);
});

test("Sendable takes no number, nothing that may be missing, and nothing to be awaited", () => {
  const none: readonly Sendable[] = [
    // @ts-expect-error -- a number may be a mistake for a length
    1,
    // @ts-expect-error -- a boolean is no message
    true,
    // @ts-expect-error -- null is no message
    null,
    // @ts-expect-error -- neither is undefined
    undefined,
    // @ts-expect-error -- await it first
    Promise.resolve("text"),
    // @ts-expect-error -- call it first
    () => ({ a: 1 }),
    // @ts-expect-error -- JSON has none
    new Map([["a", 1]]),
  ];
  assertEquals(none.length, 7);
});
