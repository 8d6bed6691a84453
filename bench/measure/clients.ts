/**
 * CPU of clients for each message, with an echo server as the load.
 */
import type { EchoServerOrder } from "../load/echo_server.ts";
import type { LoadResult } from "../load/window.ts";
import type { Peer } from "../peers.ts";
import { LOAD_CPU, SERVER_CPU } from "../process/processes.ts";
import { type PeerResult, summarizeWindows, type Timing } from "../results.ts";
import type { Echo } from "../workloads.ts";
import { describeMessages, toArguments } from "./servers.ts";
import type { Bench } from "./start_server.ts";
import { CLIENT_HEATING } from "./timing.ts";
import { takeTurns } from "./turns.ts";

/** Measures the clients of all peers in turns, each time with a fresh client and echo server. */
export async function measureClients(
  bench: Bench,
  workload: Echo,
  options: Timing & { readonly peers: readonly Peer[] },
): Promise<PeerResult[]> {
  const windows = await takeTurns(
    options.peers,
    options.rounds,
    (peer) => measureOnce(bench, peer, { workload, timing: options }),
  );
  return Array.from(windows, ([{ name }, own]) => summarizeWindows(name, own));
}

async function measureOnce(
  bench: Bench,
  peer: Peer,
  { workload, timing }: { readonly workload: Echo; readonly timing: Timing },
): Promise<LoadResult> {
  const { runtimes } = bench;
  await using processes = bench.processes.group();
  const messages = describeMessages(workload);
  const server = processes.start(
    await runtimes.command("bun", "load/echo_server.ts", toArguments(messages)),
    LOAD_CPU,
  );
  const { port } = await server.answer<{ port: number }>();
  const args = toArguments({ ...messages, port, connections: workload.connections });
  const client = processes.start(
    await runtimes.command(peer.runtime, `clients/${peer.client!}`, args),
    SERVER_CPU,
  );
  await client.answer<{ open: number }>();
  const { seconds } = timing;
  const order: EchoServerOrder = { pid: client.pid, warmup: CLIENT_HEATING, seconds };
  await server.tell(JSON.stringify(order));
  const result = await server.answer<LoadResult>();
  if (result.count === 0) throw new Error(`${peer.name} did nothing under ${workload.name}`);
  return result;
}
