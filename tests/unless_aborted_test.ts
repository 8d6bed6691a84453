import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { unlessAborted } from "../src/unless_aborted.ts";
import { settle } from "./connection/fake_transport.ts";
import { test } from "./harness.ts";

const reason = new Error("changed my mind");

/** A wait, and what it takes to end it. */
function wait() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const controller = new AbortController();
  const released: string[] = [];
  const outcome = unlessAborted(promise, controller.signal, (value) => void released.push(value));
  return { outcome, resolve, reject, released, abort: () => controller.abort(reason) };
}

test("unlessAborted gives what the promise brings, and releases nothing", async () => {
  const { outcome, resolve, released, abort } = wait();
  resolve("value");
  assertEquals(await outcome, "value");
  abort();
  await settle();
  assertEquals(released, []);
});

test("unlessAborted rejects as the promise does", async () => {
  const { outcome, reject, released } = wait();
  const error = new Error("refused");
  reject(error);
  assertStrictEquals(await assertRejects(() => outcome), error);
  assertEquals(released, []);
});

test("unlessAborted rejects with the signal's reason, and releases what comes late", async () => {
  const { outcome, resolve, released, abort } = wait();
  abort();
  assertStrictEquals(await assertRejects(() => outcome), reason);
  assertEquals(released, []);
  resolve("late");
  await settle();
  assertEquals(released, ["late"]);
});

test("unlessAborted takes no notice of a promise that rejects late", async () => {
  const { outcome, reject, released, abort } = wait();
  abort();
  assertStrictEquals(await assertRejects(() => outcome), reason);
  // Unhandled, it would fail the test run.
  reject(new Error("late"));
  await settle();
  assertEquals(released, []);
});

test("unlessAborted rejects at once where the signal is aborted already", async () => {
  const released: string[] = [];
  const outcome = unlessAborted(
    Promise.resolve("there"),
    AbortSignal.abort(reason),
    (value) => void released.push(value),
  );
  assertStrictEquals(await assertRejects(() => outcome), reason);
  await settle();
  assertEquals(released, ["there"]);
});

test("unlessAborted waits as long as it takes without a signal", async () => {
  assertEquals(await unlessAborted(Promise.resolve("value"), undefined), "value");
});

test("unlessAborted leaves no listener on the signal", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...parameters: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, parameters);
  };
  signal.removeEventListener = (...parameters: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, parameters);
  };
  await unlessAborted(Promise.resolve(), signal);
  assertEquals(listeners, 0);
  const waiting = unlessAborted(new Promise(() => {}), signal);
  assertEquals(listeners, 1);
  controller.abort(reason);
  await assertRejects(() => waiting);
  assertEquals(listeners, 0);
});
