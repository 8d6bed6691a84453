/**
 * Memory of the server per idle connection.
 */
import type { Peer } from "../peers.ts";
import { readOpenFilesLimit, readResidentBytes } from "../process/proc.ts";
import { type Child, LOAD_CPU } from "../process/processes.ts";
import type { PeerResult } from "../results.ts";
import { summarize } from "../statistics.ts";
import type { Idle } from "../workloads.ts";
import { toArguments } from "./servers.ts";
import { type Bench, type RunningServer, startServer } from "./start_server.ts";
import { takeTurns } from "./turns.ts";

/**
 * Connections opened before the first reading, so that it includes what there is only once: code,
 * and the young generation of the heap, which V8 grows to its full size only while thousands
 * connect.
 */
const BASE = 2000;

/** Files that a process has open in addition to the connections. */
const OTHER_FILES = 100;

/** How long a server is left alone before each garbage collection, in milliseconds. */
const SETTLING = 300;

/**
 * Collections before a reading. The memory that one of them frees goes back to the system only
 * gradually: after the first, Bun still had 1 to 2 KiB a connection of what the handshakes had
 * left, after the second none.
 */
const COLLECTIONS = 3;

/** Measures all peers in turns, each time with a fresh server. */
export async function measureIdleMemory(
  bench: Bench,
  workload: Idle,
  options: { readonly peers: readonly Peer[]; readonly rounds: number },
): Promise<PeerResult[]> {
  const samples = await takeTurns(
    options.peers,
    options.rounds,
    (peer) => measureOnce(bench, peer, workload),
  );
  return Array.from(samples, ([{ name }, own]) => ({ peer: name, cost: summarize(own) }));
}

async function measureOnce(
  { runtimes, processes: all }: Bench,
  peer: Peer,
  workload: Idle,
): Promise<number> {
  await using processes = all.group();
  const bench = { runtimes, processes };
  const server = await startServer(bench, peer, workload);
  await holdConnections(bench, server, BASE);
  const before = await readSettled(server.child);
  await holdConnections(bench, server, workload.connections);
  const after = await readSettled(server.child);
  return (after - before) / workload.connections / 1024;
}

/** Opens connections that stay open until the process that holds them is ended. */
async function holdConnections(
  bench: Bench,
  server: RunningServer,
  connections: number,
): Promise<void> {
  const args = toArguments({ mode: "idle", port: server.port, connections });
  const command = await bench.runtimes.command("bun", "load/generator.ts", args);
  const child = bench.processes.start(command, LOAD_CPU);
  await child.answer<{ open: number }>();
}

/** Reads the memory once garbage is collected: what lives, not what happens to be lying about. */
async function readSettled(server: Child): Promise<number> {
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    await new Promise((resolve) => setTimeout(resolve, SETTLING));
    await server.tell("gc");
    await server.answer<{ done: string }>();
  }
  return readResidentBytes(server.pid);
}

/** The workload, with fewer connections if a process may not have so many files open. */
export function fitIdle(workload: Idle, limit: number = readOpenFilesLimit("self")): Idle {
  const connections = Math.min(workload.connections, limit - BASE - OTHER_FILES);
  if (connections === workload.connections) return workload;
  if (connections <= 0) {
    throw new RangeError(
      `Cannot measure idle connections: a process may have ${limit} open files, and ` +
        `${BASE + OTHER_FILES} are needed for a beginning`,
    );
  }
  console.warn(`A process may have ${limit} open files: ${workload.name} with ${connections}`);
  return { name: `idle-${connections}`, measures: "idle", connections };
}
