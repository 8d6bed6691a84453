import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { pendingPromise, quiet, READY, rejectQuietly } from "../../src/connection/promises.ts";
import { runtime, test } from "../harness.ts";
import { unhandled } from "../tools/unhandled.ts";
import { stateOf } from "./fake_transport.ts";

test("a rejection that nobody looks at is reported, so that the tests below can fail", async () => {
  const error = new RangeError("loud");
  assertEquals(await unhandled(() => Promise.reject(error)), [error]);
}, { skip: runtime === "bun" ? "Bun's runner reports it, and fails the file" : undefined });

test("READY is resolved", async () => {
  assertEquals(await stateOf(READY), "resolved");
});

test("quiet gives the promise back, as it is, and keeps its rejection from being reported", async () => {
  const error = new RangeError("quiet");
  const promise = Promise.reject<number>(error);
  assertStrictEquals(quiet(promise), promise);
  assertStrictEquals(await assertRejects(() => promise), error);
  assertEquals(await quiet(Promise.resolve(1)), 1);
  assertEquals(await unhandled(() => quiet(Promise.reject(error))), []);
});

test("rejectQuietly rejects, and is not reported", async () => {
  const error = new RangeError("quiet");
  assertStrictEquals(await assertRejects(() => rejectQuietly(error)), error);
  assertEquals(await unhandled(() => rejectQuietly(error)), []);
});

test("pendingPromise waits for what resolves it, a promise that rejects included", async () => {
  const first = pendingPromise<number>(), second = pendingPromise<number>();
  assertEquals(await stateOf(first.promise), "pending");
  second.resolve(Promise.reject(new RangeError("second")));
  first.resolve(1);
  assertEquals(await first.promise, 1);
  await assertRejects(() => second.promise, RangeError, "second");
});
