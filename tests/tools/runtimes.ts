/** The executables of the runtimes, so that a test under one of them can start the other. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { runtime } from "../harness.ts";

/** A runtime by its name on npm and on the command line. */
export type RuntimeName = "deno" | "bun";

/** What each prints its path with; the version is the one that the project is tested with. */
const QUESTIONS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["deno@2.9.6", "eval", "console.log(Deno.execPath())"],
  bun: ["bun@1.4.5", "-e", "console.log(process.execPath)"],
};

/** Milliseconds that npm may take to fetch a program. */
const FETCH_TIMEOUT = 120_000;

/**
 * The path of a runtime: of the one that runs this, or else of the one that `npx` has or fetches;
 * `undefined` where there is none. The program itself, since `npx` in front of it would stay behind
 * as its parent.
 */
export function runtimePath(name: RuntimeName): string | undefined {
  if (name === runtime) return process.execPath;
  // The environment is what all test files of a run share.
  const variable = `TEST_${name.toUpperCase()}_PATH`;
  process.env[variable] ??= askNpx(name);
  return process.env[variable] || undefined;
}

function askNpx(name: RuntimeName): string {
  const { status, stdout } = spawnSync("npx", ["-y", ...QUESTIONS[name]], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: FETCH_TIMEOUT,
    encoding: "utf8",
  });
  return status === 0 ? String(stdout).trim() : "";
}
