/** What a process holds, once what can be let go of has been. */

import process from "node:process";
import { runtime } from "../harness.ts";

/** Bytes. */
export interface Memory {
  readonly heap: number;
  readonly resident: number;
}

/** Collects garbage where the host lets one (Deno with `--v8-flags=--expose-gc`), and measures. */
export async function sampleMemory(): Promise<Memory> {
  for (let times = 0; times < 3; times++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + (runtime === "deno" ? external : 0), resident: rss };
}

function collectGarbage(): void {
  const host = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  host.gc?.();
  host.Bun?.gc(true);
}

/** What memory may grow by in a soak: a part of it, and what is left to chance. */
const HEAP = { factor: 1.2, slack: 8 << 20 };
const RESIDENT = { factor: 1.3, slack: 128 << 20 };

/** How memory has grown beyond what chance explains, if it has. */
export function growthOf(before: Memory, after: Memory): string | undefined {
  const heap = before.heap * HEAP.factor + HEAP.slack;
  const resident = before.resident * RESIDENT.factor + RESIDENT.slack;
  if (after.heap <= heap && after.resident <= resident) return undefined;
  return `${formatMemory(before)} have become ${formatMemory(after)}`;
}

/** In mebibytes. */
export function formatMemory({ heap, resident }: Memory): string {
  const format = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return `${format(heap)} MiB of heap (${format(resident)} resident)`;
}
