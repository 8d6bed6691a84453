/**
 * The load generator: a closed loop over raw TCP. It runs under Bun, whose socket callbacks take 0.08 µs
 * a message at 16 B 50×64 where reads and writes on Deno take 0.11.
 *
 * ```sh
 * npx -y bun@1.4.5 bench/load.ts --port 8000 --pid 4711 --connections 50 --depth 64 --size 16
 * ```
 *
 * Prints one line of JSON, a {@linkcode LoadResult}. With `--idle`, opens the connections without
 * sending anything, prints `{"open": n}`, and holds them until its input ends.
 */
import { once } from "node:events";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Load, openConnections } from "./load/connection.ts";
import { encodeFrame, makePayload, repeatFrame } from "./load/frames.ts";
import { readCpuSeconds } from "./proc.ts";
import type { MessageKind } from "./workloads.ts";

/** What the load generator prints at the end of a timed window. */
export interface LoadResult {
  /** Messages echoed within the window. */
  readonly messages: number;
  /** Length of the window. */
  readonly seconds: number;
  /** CPU that the load generator itself used. */
  readonly loadCpuSeconds: number;
  /** CPU that the server used. */
  readonly serverCpuSeconds: number;
}

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string" },
    pid: { type: "string" },
    connections: { type: "string", default: "1" },
    depth: { type: "string", default: "1" },
    size: { type: "string", default: "16" },
    kind: { type: "string", default: "binary" },
    warmup: { type: "string", default: "0.5" },
    seconds: { type: "string", default: "2" },
    bytes: { type: "boolean", default: false },
    idle: { type: "boolean", default: false },
  },
});
const connections = Number(values.connections);
const pid = Number(values.pid);

let messages = 0;
const load = createLoad();
if (values.idle) await holdIdle();
else await measure();
process.exit(0);

function createLoad(): Load {
  const kind = values.kind as MessageKind;
  const depth = values.idle ? 0 : Number(values.depth);
  const payload = makePayload(kind, Number(values.size));
  const frame = encodeFrame(kind, payload, true);
  return {
    hostname: values.hostname,
    port: Number(values.port),
    handshake: !values.bytes,
    frameLength: frame.bytes.length,
    frames: repeatFrame(frame, depth + 1),
    reply: values.bytes ? frame : encodeFrame(kind, payload, false),
    depth,
    onReplies(count) {
      messages += count;
    },
    onFailure(error) {
      console.error(error);
      process.exit(1);
    },
  };
}

async function measure(): Promise<void> {
  await openConnections(load, connections);
  await sleep(Number(values.warmup));
  const start = takeReadings();
  await sleep(Number(values.seconds));
  const end = takeReadings();
  const result: LoadResult = {
    messages: end.messages - start.messages,
    seconds: end.seconds - start.seconds,
    loadCpuSeconds: end.loadCpuSeconds - start.loadCpuSeconds,
    serverCpuSeconds: end.serverCpuSeconds - start.serverCpuSeconds,
  };
  console.log(JSON.stringify(result));
}

/** All counters at one moment: the window is from one reading to the next, however late the timer. */
function takeReadings(): LoadResult {
  const { user, system } = process.cpuUsage();
  return {
    messages,
    seconds: performance.now() / 1e3,
    loadCpuSeconds: (user + system) / 1e6,
    serverCpuSeconds: readCpuSeconds(pid),
  };
}

async function holdIdle(): Promise<void> {
  await openConnections(load, connections);
  console.log(JSON.stringify({ open: connections }));
  await once(process.stdin.resume(), "end");
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
