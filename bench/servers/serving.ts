/**
 * What every server of the benchmark does in addition to serving.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { bun } from "../bun.ts";
import type { Compression } from "../workloads.ts";

/** Where every server listens. */
export const HOSTNAME = "127.0.0.1";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "tcp" },
    compression: { type: "string" },
    broadcast: { type: "boolean", default: false },
    publish: { type: "boolean", default: false },
    by: { type: "string", default: "callback" },
  },
});

/** What a server is asked to do. */
export interface ServerOptions {
  /** What our own servers run on: our TCP server, the runtime's own server, or any byte stream. */
  readonly host: string;
  /** How messages are compressed, if they are. */
  readonly compression: Compression | undefined;
  /** Whether a message goes to all connections, and not back to its sender alone. */
  readonly broadcast: boolean;
  /** Whether Bun's own `publish` broadcasts. */
  readonly publish: boolean;
  /** How a server without a library hands messages on: by `callback` or by `iteration`. */
  readonly by: string;
}

/** The options of this server. */
export const serverOptions: ServerOptions = {
  ...values,
  compression: values.compression as Compression | undefined,
};

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
