/**
 * Memory of the server per idle connection.
 */
import type { Peer } from "./peers.ts";
import { type Child, LOAD_CPU } from "./processes.ts";
import { readOpenFilesLimit, readResidentBytes } from "./proc.ts";
import { type Bench, type RunningServer, startServer } from "./servers.ts";
import { summarize, type Summary } from "./statistics.ts";

/** What one peer needs for connections that say nothing. */
export interface IdleMemory {
  readonly peer: string;
  /** Resident memory per connection, in KiB. */
  readonly kibibytes: Summary;
}

/**
 * Connections opened before the first reading, so that it holds what is there once for all: code, and
 * the young generation of the heap, which V8 grows to its full size only while thousands connect.
 */
const BASE = 2000;

/** Files a process has open besides the connections. */
const OTHER_FILES = 100;

/** How long a server is left alone before a reading, in milliseconds. */
const SETTLING = 300;

/** Measures all peers in turns, each time with a fresh server. */
export async function measureIdleMemory(
  bench: Bench,
  options: {
    readonly peers: readonly Peer[];
    readonly connections: number;
    readonly rounds: number;
  },
): Promise<IdleMemory[]> {
  const samples = options.peers.map((): number[] => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, peer] of options.peers.entries()) {
      samples[index]!.push(await measureOnce(bench, peer, options.connections));
    }
  }
  return options.peers.map((peer, index) => ({
    peer: peer.name,
    kibibytes: summarize(samples[index]!),
  }));
}

async function measureOnce(bench: Bench, peer: Peer, connections: number): Promise<number> {
  const server = await startServer(bench, peer);
  checkOpenFiles(server.child, BASE + connections);
  const base = await holdConnections(bench, server, BASE);
  const before = await readSettled(server.child);
  const load = await holdConnections(bench, server, connections);
  const after = await readSettled(server.child);
  await Promise.all([load, base, server.child].map((child) => bench.processes.end(child)));
  return (after - before) / connections / 1024;
}

/** Opens connections that stay open until the process that holds them is ended. */
async function holdConnections(bench: Bench, server: RunningServer, count: number): Promise<Child> {
  const args = ["--idle", "--port", String(server.port), "--connections", String(count)];
  if (server.peer.wire === "bytes") args.push("--bytes");
  const child = bench.processes.start(bench.runtimes.command("bun", "load.ts", args), LOAD_CPU);
  checkOpenFiles(child, count);
  await child.answer<{ open: number }>();
  return child;
}

/** Reads the memory after a garbage collection: what lives, not what happens to be lying about. */
async function readSettled(server: Child): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLING));
  await server.tell("gc");
  await server.answer<{ done: string }>();
  return readResidentBytes(server.pid);
}

function checkOpenFiles(child: Child, connections: number): void {
  const limit = readOpenFilesLimit(child.pid);
  if (limit < connections + OTHER_FILES) {
    throw new RangeError(
      `Cannot open ${connections} connections: a process may have ${limit} open files. ` +
        "Raise the limit with ulimit -n, or ask for fewer with --idle-connections",
    );
  }
}
