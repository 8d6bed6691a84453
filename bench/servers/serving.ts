/**
 * What every server of the benchmark does besides serving.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { bun } from "../bun.ts";

/** Where every server listens. */
export const HOSTNAME = "127.0.0.1";

/**
 * Tells the runner the port, collects garbage when it writes `gc` (the answer is `done`), and ends
 * with it: standard input closes when the runner is gone, whatever ended it.
 */
export function announce(port: number): void {
  console.log(JSON.stringify({ port }));
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line: string) => {
    if (line !== "gc") return;
    collectGarbage();
    console.log(JSON.stringify({ done: line }));
  });
  lines.on("close", () => process.exit(0));
}

function collectGarbage(): void {
  const { gc } = globalThis as { gc?: () => void };
  if (gc !== undefined) gc();
  else bun.gc(true);
}
