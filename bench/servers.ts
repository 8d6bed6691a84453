import type { Peer } from "./peers.ts";
import { type Child, type Processes, SERVER_CPU } from "./processes.ts";
import type { Runtimes } from "./runtimes.ts";

/** What a measurement needs to start things. */
export interface Bench {
  readonly processes: Processes;
  readonly runtimes: Runtimes;
}

/** A running server. */
export interface RunningServer {
  readonly peer: Peer;
  readonly child: Child;
  readonly port: number;
}

/** Starts the server of a peer and waits until it listens. */
export async function startServer(bench: Bench, peer: Peer): Promise<RunningServer> {
  const command = bench.runtimes.command(peer.runtime, `servers/${peer.file}`, []);
  const child = bench.processes.start(command, SERVER_CPU);
  try {
    const { port } = await child.answer<{ port: number }>();
    return { peer, child, port };
  } catch (cause) {
    throw new Error(`Cannot start ${peer.name}`, { cause });
  }
}
