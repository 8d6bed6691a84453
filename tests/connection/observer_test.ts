import { assertEquals } from "@std/assert";
import { observe, tell } from "../../src/connection/observer.ts";
import { test } from "../harness.ts";
import { captureConsole } from "../upgrade_fixture.ts";

test("tell calls at once, and resolves when the listener is done", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const steps: unknown[] = [];
  const telling = tell(async (value) => {
    steps.push(value);
    await promise;
    steps.push("done");
  }, 1);
  assertEquals(steps, [1]);
  resolve();
  await telling;
  assertEquals(steps, [1, "done"]);
});

test("tell reports what the listener throws or rejects with, and never rejects", async () => {
  const errors = [new Error("thrown"), new Error("rejected")];
  const lines = await captureConsole(async () => {
    await tell(() => {
      throw errors[0];
    }, undefined);
    await tell(() => Promise.reject(errors[1]), undefined);
  });
  assertEquals(lines, errors);
});

test("observe hands the payload over, where there is an observer", () => {
  const seen: Uint8Array[] = [];
  observe((payload) => void seen.push(payload), Uint8Array.of(1));
  observe(undefined, Uint8Array.of(2));
  assertEquals(seen, [Uint8Array.of(1)]);
});

test("observe reports what the observer throws, and goes on", async () => {
  const error = new Error("mine");
  const lines = await captureConsole(() => {
    observe(() => {
      throw error;
    }, new Uint8Array(0));
    return Promise.resolve();
  });
  assertEquals(lines, [error]);
});

test("observe reports what a promise of the observer's rejects with", async () => {
  const error = new Error("mine");
  const lines = await captureConsole(async () => {
    observe(() => Promise.reject(error) as unknown as void, new Uint8Array(0));
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
  assertEquals(lines, [error]);
});
