/** What is done before the first test of a file, and after the last one. */

import { runtime } from "../harness.ts";

type Hook = () => void | Promise<void>;

interface Hooks {
  beforeAll(hook: Hook): void;
  afterAll(hook: Hook): void;
}

const hooks: Hooks = runtime === "bun" ? await import("bun:" + "test") : Deno.test;

/** Runs `hook` before the first test of the file. */
export function beforeAll(hook: Hook): void {
  hooks.beforeAll(hook);
}

/** Runs `hook` after the last test of the file, whether or not they passed. */
export function afterAll(hook: Hook): void {
  hooks.afterAll(hook);
}
