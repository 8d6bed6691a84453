import { assertEquals } from "@std/assert";
import { observe } from "../../src/connection/observer.ts";
import { test } from "../harness.ts";
import { captureConsole } from "../upgrade_fixture.ts";

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
