/**
 * Measures this library against the runtimes' own servers and against a bare echo of bytes: server
 * CPU per echoed message, messages per second, memory per idle connection. What counts are the
 * ratios within one run; see `--help` for the options.
 *
 * Server and load generator each have a core of their own where `taskset` can pin them. Needs Linux
 * for `/proc`, and Node.js for `npx`, which finds or fetches Bun.
 */
import { type IdleMemory, measureIdleMemory } from "./idle.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { Processes } from "./processes.ts";
import { formatIdleMemory, formatRatios, formatThroughput, type WorkloadResult } from "./report.ts";
import { Runtimes } from "./runtimes.ts";
import type { Bench } from "./servers.ts";
import { measureThroughput, type Timing } from "./throughput.ts";
import { IDLE_ROUNDS, planTiming } from "./timing.ts";

/** What `--json` writes. */
interface RunResult {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly pinned: boolean;
  readonly timing: Timing;
  readonly throughput: readonly WorkloadResult[];
  readonly idle: { readonly connections: number; readonly results: readonly IdleMemory[] };
}

async function measureAll(bench: Bench, options: Options): Promise<RunResult> {
  const { peers, idleConnections: connections } = options;
  const timing = planTiming(options);
  const { pinned } = bench.processes;
  const date = new Date().toISOString();
  const cpus = navigator.hardwareConcurrency;
  const versions = await bench.runtimes.versions();
  console.log(
    `Deno ${versions.deno}, Bun ${versions.bun}, ${cpus} CPUs, ` +
      `server and load ${pinned ? "pinned to one each" : "not pinned"}; ` +
      `${timing.rounds} rounds of ${timing.seconds.toFixed(2)} s\n`,
  );
  const throughput: WorkloadResult[] = [];
  for (const workload of options.workloads) {
    const results = await measureThroughput(bench, workload, { ...timing, peers });
    throughput.push({ workload, results });
    console.log(formatThroughput({ workload, results }));
  }
  const idle = connections > 0
    ? await measureIdleMemory(bench, { peers, connections, rounds: IDLE_ROUNDS })
    : [];
  if (connections > 0) console.log(formatIdleMemory(idle, connections));
  console.log(formatRatios(throughput, peers));
  return { date, versions, cpus, pinned, timing, throughput, idle: { connections, results: idle } };
}

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  if (options === undefined) return console.log(usage);
  await using processes = await Processes.create();
  const interrupted = async (code: number) => {
    await processes[Symbol.asyncDispose]();
    Deno.exit(code);
  };
  Deno.addSignalListener("SIGINT", () => interrupted(130));
  Deno.addSignalListener("SIGTERM", () => interrupted(143));
  const bench = { processes, runtimes: await Runtimes.find() };
  const result = await measureAll(bench, options);
  if (options.json !== undefined) {
    await Deno.writeTextFile(options.json, JSON.stringify(result, null, 2) + "\n");
  }
}

await main();
Deno.exit(0); // the signal listeners would keep it alive
