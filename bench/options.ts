import { parseArgs } from "node:util";
import { type Peer, peers } from "./peers.ts";
import { defaultWorkloads, IDLE, quickWorkloads, type Workload, workloads } from "./workloads.ts";

/** What a run is asked to do. */
export interface Options {
  /** The peers to measure. */
  readonly peers: readonly Peer[];
  /** The workloads to measure them under. */
  readonly workloads: readonly Workload[];
  /** Connections of the memory measurement; 0 leaves it out. */
  readonly idleConnections: number;
  /** How often each peer has its turn. */
  readonly rounds: number;
  /** Seconds of each timed window; where it is not given, what the budget allows. */
  readonly seconds: number | undefined;
  /** Seconds that the whole run may take. */
  readonly budget: number;
  /** The file that the result goes to, as JSON. */
  readonly json: string | undefined;
}

/** What `--help` prints. */
export const usage: string = `Usage: deno task bench [options]

  --only a,b             peers: ${peers.map(({ name }) => name).join(", ")}
  --workloads a,b        workloads: ${workloads.map(({ name }) => name).join(", ")}, ${IDLE}
  --rounds n             turns of each peer (3; quick: 2)
  --seconds n            length of a timed window (what the budget allows)
  --budget n             seconds the whole run may take (330; quick: 50)
  --idle-connections n   connections of the memory measurement (5000)
  --json file            write the result to a file
  --quick                few workloads, short windows
  --help                 print this`;

/** Reads the command line; undefined when it asks for help. Throws on names that do not exist. */
export function parseOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      workloads: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      budget: { type: "string" },
      "idle-connections": { type: "string", default: "5000" },
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  const names = values.workloads?.split(",") ?? (quick ? quickWorkloads : defaultWorkloads);
  return {
    peers: values.only === undefined ? peers : select(values.only.split(","), peers, "peer"),
    workloads: select(names.filter((name) => name !== IDLE), workloads, "workload"),
    idleConnections: names.includes(IDLE)
      ? toPositive(values["idle-connections"], "idle-connections")
      : 0,
    rounds: toPositive(values.rounds ?? (quick ? "2" : "3"), "rounds"),
    seconds: values.seconds === undefined ? undefined : toPositive(values.seconds, "seconds"),
    budget: toPositive(values.budget ?? (quick ? "50" : "330"), "budget"),
    json: values.json,
  };
}

function select<T extends { readonly name: string }>(
  names: readonly string[],
  table: readonly T[],
  what: string,
): T[] {
  return names.map((name) => {
    const found = table.find((entry) => entry.name === name);
    if (found === undefined) throw new RangeError(`There is no ${what} "${name}"`);
    return found;
  });
}

function toPositive(text: string, what: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`Cannot take "${text}" as --${what}: not above 0`);
  return value;
}
