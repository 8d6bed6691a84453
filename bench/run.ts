/**
 * Measures this library against the runtimes' own servers, against `ws` and crossws, and against a
 * bare echo of bytes: server CPU for each message, memory for each idle connection. What counts are
 * the ratios within one run; see `--help` for the options.
 *
 * Server and load generator each have a core of their own where `taskset` can pin them. Needs Linux
 * for `/proc`, and Node.js, with `npx` to find or fetch Bun.
 */
import { measureClients } from "./measure/clients.ts";
import { fitIdle, measureIdleMemory } from "./measure/idle.ts";
import { measureServers } from "./measure/servers.ts";
import type { Bench } from "./measure/start_server.ts";
import { IDLE_ROUNDS, planTiming } from "./measure/timing.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { peersFor } from "./peers.ts";
import { Processes } from "./process/processes.ts";
import { Runtimes } from "./process/runtimes.ts";
import { formatRatios, formatTargets, formatWorkload } from "./report/terminal.ts";
import { writeDocuments } from "./report/write_documents.ts";
import type { PeerResult, RunResult, Timing, WorkloadResult } from "./results.ts";
import type { Workload } from "./workloads.ts";

async function measureAll(bench: Bench, options: Options): Promise<RunResult> {
  const timing = planTiming(options);
  const { pinned } = bench.processes;
  const date = new Date().toISOString();
  const cpus = navigator.hardwareConcurrency;
  const versions = await bench.runtimes.versions();
  console.log(
    `Deno ${versions.deno}, Bun ${versions.bun}, Node.js ${versions.node}, ${cpus} CPUs, ` +
      `server and load ${pinned ? "pinned to one each" : "not pinned"}; ` +
      `${timing.rounds} rounds of ${timing.seconds.toFixed(2)} s\n`,
  );
  const workloads: WorkloadResult[] = [];
  for (const asked of options.workloads) {
    const workload = asked.measures === "idle" ? fitIdle(asked) : asked;
    const peers = peersFor(workload, options.peers);
    if (peers.length === 0) continue;
    const results = await measure(bench, workload, { ...timing, peers });
    workloads.push({ workload, results });
    console.log(formatWorkload({ workload, results }));
  }
  return { date, versions, cpus, pinned, timing, workloads };
}

function measure(
  bench: Bench,
  workload: Workload,
  options: Timing & Pick<Options, "peers">,
): Promise<PeerResult[]> {
  switch (workload.measures) {
    case "idle": {
      const rounds = Math.min(options.rounds, IDLE_ROUNDS);
      return measureIdleMemory(bench, workload, { ...options, rounds });
    }
    case "client":
      return measureClients(bench, workload, options);
    default:
      return measureServers(bench, workload, options);
  }
}

async function run(options: Options): Promise<RunResult> {
  await using runtimes = await Runtimes.find(options.v8Flags);
  await using processes = await Processes.create();
  const interrupted = async (code: number) => {
    await processes[Symbol.asyncDispose]();
    await runtimes[Symbol.asyncDispose]();
    Deno.exit(code);
  };
  Deno.addSignalListener("SIGINT", () => interrupted(130));
  Deno.addSignalListener("SIGTERM", () => interrupted(143));
  return await measureAll({ processes, runtimes }, options);
}

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  if (options === undefined) return console.log(usage);
  const { from, json, charts } = options;
  const result = from === undefined
    ? await run(options)
    : JSON.parse(await Deno.readTextFile(from)) as RunResult;
  if (from !== undefined) console.log(result.workloads.map(formatWorkload).join("\n"));
  console.log(formatRatios(result.workloads));
  console.log(formatTargets(result.workloads));
  if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(result, null, 2) + "\n");
  if (charts !== undefined) await writeDocuments(result, charts);
}

await main();
Deno.exit(0); // the signal listeners would keep it alive
