/**
 * CPU for each message, delivery or connection, and how many there are in a second.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { LoadResult } from "../load/window.ts";
import type { Peer } from "../peers.ts";
import { LOAD_CPU } from "../process/processes.ts";
import { type Profile, sampleProcess } from "../process/profile.ts";
import { type PeerResult, summarizeWindows, type Timing } from "../results.ts";
import type { Broadcast, Connect, Echo } from "../workloads.ts";
import { type Bench, type RunningServer, startServer } from "./start_server.ts";
import { HEATING, PROFILE_SECONDS } from "./timing.ts";
import { takeTurns } from "./turns.ts";

/** Measures one workload on all peers in turns. */
export async function measureServers(
  bench: Bench,
  workload: Echo | Broadcast | Connect,
  options: Timing & { readonly peers: readonly Peer[] },
): Promise<PeerResult[]> {
  // Fresh servers for each workload: none has been shaped by another one's messages.
  const servers = await Promise.all(
    options.peers.map((peer) => startServer(bench, peer, workload)),
  );
  const heating = { ...options, warmup: 0, seconds: HEATING };
  const heated = await takeTurns(
    servers,
    1,
    (server) => runLoad(bench, server, workload, heating),
  );
  const windows = await takeTurns(
    [...heated.keys()],
    options.rounds,
    (server) => runLoad(bench, server, workload, options),
  );
  const profiles = options.profile === true
    ? await profileServers(bench, workload, options, [...windows.keys()])
    : undefined;
  await Promise.all(servers.map(({ child }) => bench.processes.end(child)));
  return Array.from(windows, ([server, own]) => {
    const profile = profiles?.get(server)?.[0];
    return { ...summarizeWindows(server.name, own), ...(profile !== undefined && { profile }) };
  });
}

/** In windows of their own, since sampling takes CPU as well. */
function profileServers(
  bench: Bench,
  workload: Echo | Broadcast | Connect,
  timing: Timing,
  servers: readonly RunningServer[],
): Promise<Map<RunningServer, Profile[]>> {
  // Sampling begins within the window and ends before it does.
  const warmup = 2 * timing.warmup;
  const seconds = PROFILE_SECONDS + timing.warmup;
  return takeTurns(servers, 1, async (server) => {
    const load = runLoad(bench, server, workload, { ...timing, warmup, seconds });
    const sampling = delay(1000 * warmup).then(() =>
      sampleProcess(server.child.pid, PROFILE_SECONDS)
    );
    const [profile] = await Promise.all([sampling, load]);
    return profile;
  });
}

async function runLoad(
  bench: Bench,
  server: RunningServer,
  workload: Echo | Broadcast | Connect,
  timing: Timing,
): Promise<LoadResult> {
  const args = toArguments({
    mode: workload.measures,
    port: server.port,
    pid: server.child.pid,
    connections: workload.connections,
    warmup: timing.warmup,
    seconds: timing.seconds,
    ...(workload.measures === "broadcast" && { size: workload.size }),
    ...(workload.measures === "echo" && describeMessages(workload)),
  });
  if (server.peer.wire === "bytes") args.push("--bytes");
  await using processes = bench.processes.group();
  const command = await bench.runtimes.command("bun", "load/generator.ts", args);
  const result = await processes.start(command, LOAD_CPU).answer<LoadResult>();
  if (result.count === 0) {
    throw new Error(`${server.name} did nothing under ${workload.name}`);
  }
  return result;
}

/** What load generators and clients are told of the messages. */
export function describeMessages(workload: Echo): Record<string, string | number> {
  const { kind, size, depth, compression } = workload;
  return { kind, size, depth, ...(compression !== undefined && { compression }) };
}

/** The options of a command line. */
export function toArguments(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
