import type { Peer } from "../peers.ts";
import { type Child, type Processes, SERVER_CPU } from "../process/processes.ts";
import type { Runtimes } from "../process/runtimes.ts";
import type { Workload } from "../workloads.ts";

/** What a measurement needs to start things. */
export interface Bench {
  readonly processes: Processes;
  readonly runtimes: Runtimes;
}

/** A running server. */
export interface RunningServer {
  /** The name of the peer. */
  readonly name: string;
  readonly peer: Peer;
  readonly child: Child;
  readonly port: number;
}

/** Starts the server of a peer for a workload and waits until it listens. */
export async function startServer(
  bench: Bench,
  peer: Peer,
  workload: Workload,
): Promise<RunningServer> {
  const args = [...peer.args];
  if (workload.measures === "broadcast") args.push("--broadcast");
  if (workload.measures === "echo" && workload.compression !== undefined) {
    args.push("--compression", workload.compression);
  }
  const command = await bench.runtimes.command(peer.runtime, `servers/${peer.server}`, args);
  const child = bench.processes.start(command, SERVER_CPU);
  try {
    const { port } = await child.answer<{ port: number }>();
    return { name: peer.name, peer, child, port };
  } catch (cause) {
    throw new Error(`Cannot start ${peer.name}`, { cause });
  }
}
