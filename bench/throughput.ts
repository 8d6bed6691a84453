/**
 * Messages per second, and CPU per message.
 */
import type { LoadResult } from "./load.ts";
import type { Peer } from "./peers.ts";
import { LOAD_CPU } from "./processes.ts";
import { type Bench, type RunningServer, startServer } from "./servers.ts";
import { summarize, type Summary } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

/** What one peer did under one workload. */
export interface Throughput {
  readonly peer: string;
  /** Echoed messages per second. */
  readonly messagesPerSecond: Summary;
  /** Server CPU per echoed message, in microseconds. */
  readonly cpuMicroseconds: Summary;
  /** Median share of one CPU that the server used. */
  readonly serverShare: number;
  /** Median share of one CPU that the load generator used. */
  readonly loadShare: number;
}

/** How long and how often to measure. */
export interface Timing {
  /** Seconds of each timed window. */
  readonly seconds: number;
  /** Seconds of load before each window. */
  readonly warmup: number;
  /** How often each peer has its turn. */
  readonly rounds: number;
}

/** Measures one workload on all peers in turns, so that a change in the machine meets all of them. */
export async function measureThroughput(
  bench: Bench,
  workload: Workload,
  options: Timing & { readonly peers: readonly Peer[] },
): Promise<Throughput[]> {
  // Fresh servers for each workload: none has been shaped by another one's messages.
  const servers = await Promise.all(options.peers.map((peer) => startServer(bench, peer)));
  const results = servers.map((): LoadResult[] => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, server] of servers.entries()) {
      results[index]!.push(await runLoad(bench, server, workload, options));
    }
  }
  await Promise.all(servers.map(({ child }) => bench.processes.end(child)));
  return servers.map(({ peer }, index) => toThroughput(peer, results[index]!));
}

async function runLoad(
  bench: Bench,
  server: RunningServer,
  workload: Workload,
  timing: Timing,
): Promise<LoadResult> {
  const args = Object.entries({
    port: server.port,
    pid: server.child.pid,
    kind: workload.kind,
    size: workload.size,
    connections: workload.connections,
    depth: workload.depth,
    warmup: timing.warmup,
    seconds: timing.seconds,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (server.peer.wire === "bytes") args.push("--bytes");
  const child = bench.processes.start(bench.runtimes.command("bun", "load.ts", args), LOAD_CPU);
  const result = await child.answer<LoadResult>();
  await bench.processes.end(child);
  if (result.messages === 0) {
    throw new Error(`${server.peer.name} echoed nothing under ${workload.name}`);
  }
  return result;
}

function toThroughput(peer: Peer, results: readonly LoadResult[]): Throughput {
  const summary = (value: (result: LoadResult) => number) => summarize(results.map(value));
  return {
    peer: peer.name,
    messagesPerSecond: summary((result) => result.messages / result.seconds),
    cpuMicroseconds: summary((result) => result.serverCpuSeconds * 1e6 / result.messages),
    serverShare: summary((result) => result.serverCpuSeconds / result.seconds).median,
    loadShare: summary((result) => result.loadCpuSeconds / result.seconds).median,
  };
}
