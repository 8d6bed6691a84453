/** Hosts of the battery behind a bad network. */

import process from "node:process";
import type { Host, HostProcess } from "../conformance/host_process.ts";
import { runtime } from "../harness.ts";
import { Program } from "../tools/program.ts";

/** A relay in a process of its own, so that what it has open is not taken for a test's. */
export interface RelayProcess extends AsyncDisposable {
  readonly port: number;
}

/** Starts `relay.ts` in front of a port. */
export async function startRelay(
  targetPort: number,
  { seed, breaks = false }: { readonly seed: number; readonly breaks?: boolean },
): Promise<RelayProcess> {
  const run = runtime === "deno" ? ["run", "-A", "--quiet", "--no-check"] : ["run"];
  const args = [String(targetPort), String(seed), ...(breaks ? ["breaks"] : [])];
  const program = new Program(process.execPath, [...run, "tests/faults/relay.ts", ...args]);
  try {
    const [, port] = await program.outputMatching(/^port (\d+)$/m);
    return { port: Number(port), [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** The host, to be reached through a relay that delays, splits and merges. */
export function relayed(host: Host, seed: number): Host {
  return {
    ...host,
    name: `${host.name} over a bad network`,
    start: async () => await behindRelay(await host.start(), seed),
  };
}

async function behindRelay(host: HostProcess, seed: number): Promise<HostProcess> {
  const relay = await startRelay(host.port, { seed });
  return {
    port: relay.port,
    pid: host.pid,
    exited: host.exited,
    output: host.output,
    shutDown: host.shutDown,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}
