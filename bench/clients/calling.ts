/**
 * What every client of the benchmark does: it opens its connections, keeps a number of messages in
 * flight on each, and sends a message for each one that it receives.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { makePayload } from "../load/frames.ts";
import type { MessageKind } from "../workloads.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    connections: { type: "string", default: "1" },
    depth: { type: "string", default: "1" },
    size: { type: "string", default: "16" },
    kind: { type: "string", default: "binary" },
  },
});

/** The echo server. */
export const url: string = `ws://127.0.0.1:${values.port}/`;

/** Messages in flight on each connection. */
export const depth: number = Number(values.depth);

const payload = makePayload(values.kind as MessageKind, Number(values.size));

/** The message to send. */
export const message: string | Uint8Array<ArrayBuffer> = values.kind === "binary"
  ? payload
  : new TextDecoder().decode(payload);

/** Opens all connections, says so, and ends with the runner. */
export async function openAll(open: () => Promise<void>): Promise<void> {
  for (let i = 0; i < Number(values.connections); i++) await open();
  console.log(JSON.stringify({ open: Number(values.connections) }));
  process.stdin.resume().on("end", () => process.exit(0));
}
