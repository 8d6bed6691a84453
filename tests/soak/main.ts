/**
 * Many connections for a while, that do all that connections do, against a server in a process of its
 * own: `deno task soak [--seconds N] [--connections N] [--seed S] [--server deno|bun]`; runs under Bun
 * as well. Afterwards counts have to agree, and memory must not have grown.
 */

import { inspect, parseArgs } from "node:util";
import process from "node:process";
import { runtime } from "../harness.ts";
import { Program } from "../tools/program.ts";
import { type RuntimeName, runtimePath } from "../tools/runtimes.ts";
import { type ClientTally, runClients } from "./clients.ts";
import { formatMemory, growthOf, sampleMemory } from "./memory.ts";
import { PATIENCE, type ServerReport } from "./server.ts";

/** The part of the time in which memory finds its level. */
const WARM_UP = 1 / 3;

function startServer(name: RuntimeName): Program {
  const path = runtimePath(name);
  if (path === undefined) throw new Error(`There is no ${name}`);
  const flags = name === "deno" ? ["run", "-A", "--quiet", "--v8-flags=--expose-gc"] : ["run"];
  return new Program(path, [...flags, "tests/soak/server.ts"]);
}

async function main(): Promise<string[]> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      connections: { type: "string", default: "500" },
      seed: { type: "string", default: String(Date.now() % 2 ** 20) },
      server: { type: "string", default: runtime },
    },
  });
  const seconds = Number(values.seconds), connections = Number(values.connections);
  const seed = Number(values.seed);
  if (!(seconds > 0) || !(connections > 0) || !Number.isSafeInteger(seed)) {
    throw new RangeError("--seconds and --connections must be positive numbers, --seed an integer");
  }
  if (values.server !== "deno" && values.server !== "bun") {
    throw new RangeError(`--server must be deno or bun, not ${values.server}`);
  }
  console.log(`${connections} connections of ${runtime} to ${values.server}, seed ${seed}`);
  const problems: string[] = [];
  process.on("unhandledRejection", (reason) => problems.push(`unhandled here: ${reason}`));

  await using server = startServer(values.server);
  const [, port] = await server.outputMatching(/port (\d+);/);
  const url = `ws://127.0.0.1:${port}/`;
  let reports = 0;
  const askServer = async (): Promise<ServerReport> => {
    server.write("report");
    const pattern = new RegExp(`report ${++reports} (.*);`);
    const [, json] = await server.outputMatching(pattern, 2 * PATIENCE);
    return JSON.parse(json!);
  };

  const first = await runClients({ url, connections, seed, seconds: seconds * WARM_UP });
  const before = { client: await sampleMemory(), server: (await askServer()).memory };
  const second = await runClients({
    url,
    connections,
    seed: seed + 1,
    seconds: seconds * (1 - WARM_UP),
  });
  const report = await askServer();
  const after = { client: await sampleMemory(), server: report.memory };

  for (const side of ["client", "server"] as const) {
    console.log(`${side}: ${formatMemory(before[side])}, then ${formatMemory(after[side])}`);
    const growth = growthOf(before[side], after[side]);
    if (growth !== undefined) problems.push(`${side}: ${growth}`);
  }
  const total = add(first, second);
  console.log(total);
  const { memory: _, ...tally } = report;
  console.log(tally);
  problems.push(...compareCounts(total, report));
  server.endInput();
  if (await server.exited !== 0) problems.push("the server did not end in order");
  return problems;
}

function add(a: ClientTally, b: ClientTally): ClientTally {
  return Object.fromEntries(
    Object.entries(a).map(([name, count]) => [name, count + b[name as keyof ClientTally]]),
  ) as unknown as ClientTally;
}

/** What does not agree between the two sides, once no connection is open. */
export function compareCounts(client: ClientTally, server: Omit<ServerReport, "memory">): string[] {
  const problems = server.errors.map((error) => `error of the server: ${error}`);
  const check = (what: string, agrees: boolean): void => {
    if (!agrees) problems.push(`counts do not agree: ${what}`);
  };
  check("sessions and connections of the server", client.sessions === server.opened);
  check("connections opened and closed", server.opened === server.closed);
  check("sessions, and those that ended", client.sessions === client.clean + client.cut);
  check("messages in and out of the clients", client.sent === client.received + client.unanswered);
  check("messages in and out of the server", server.received === server.echoed + server.unanswered);
  check("messages received by the server", server.received <= client.sent);
  check("messages received by the clients", client.received <= server.echoed);
  return problems;
}

if (import.meta.main) {
  // Caught here, since Deno ends in silence with a rejection that a listener has been told of.
  const problems = await main().catch((error: unknown) => [inspect(error)]);
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? "All is well." : `${problems.length} problems`);
  process.exit(problems.length === 0 ? 0 : 1);
}
