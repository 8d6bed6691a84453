import { parseArgs } from "node:util";
import { type Peer, peers } from "./peers.ts";
import { grammar, parseWorkloads, type Workload, workloadSets } from "./workloads.ts";

/** What a run is asked to do. */
export interface Options {
  /** The peers to measure. */
  readonly peers: readonly Peer[];
  /** The workloads to measure them under, each with those peers that can do it. */
  readonly workloads: readonly Workload[];
  /** How often each peer has its turn. */
  readonly rounds: number;
  /** Seconds of each timed window; where it is not given, what the budget allows. */
  readonly seconds: number | undefined;
  /** Seconds that the whole run may take. */
  readonly budget: number;
  /** The file that the result goes to, as JSON. */
  readonly json: string | undefined;
  /** The file of an earlier result to report on, in place of measuring. */
  readonly from: string | undefined;
  /** The folder that charts and tables go to. */
  readonly charts: string | undefined;
  /** Flags of V8 for the programs that Deno and Node.js run, separated by commas. */
  readonly v8Flags: string | undefined;
  /** Whether to sample where the CPU of servers goes. */
  readonly profile: boolean;
}

/** What `--help` prints. */
export const usage: string = `Usage: deno task bench [options]

  --workloads a,b   workloads, or sets of them: ${Object.keys(workloadSets).join(", ")}
    ${grammar}
  --only a,b        peers: ${lines(peers.map(({ name }) => name))}
  --rounds n        turns of each peer (3; quick: 2)
  --seconds n       length of a timed window (what the budget allows)
  --budget n        seconds the whole run may take (600; quick: 75)
  --json file       write the result to a file
  --charts folder   write charts and tables to a folder
  --from file       report on that result in place of measuring
  --v8-flags=a,b    flags of V8 for what Deno and Node.js run
  --profile         sample where the servers' CPU goes, in one more turn each; needs perf
  --quick           few workloads and peers, short windows
  --help            print this`;

/** The peers of a quick run that names none. */
const quickPeers = [
  "deno_native",
  "gale_deno_iteration",
  "gale_deno_handler",
  "bun_native",
  "gale_bun_iteration",
  "gale_bun_handler",
  "node_ws",
];

/** Reads the command line; undefined when it asks for help. Throws on names that do not exist. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      workloads: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      budget: { type: "string" },
      json: { type: "string" },
      from: { type: "string" },
      charts: { type: "string" },
      "v8-flags": { type: "string" },
      profile: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  const names = values.only?.split(",") ?? (quick ? quickPeers : undefined);
  return {
    peers: names?.map(findPeer) ?? peers,
    workloads: parseWorkloads(values.workloads ?? (quick ? "quick" : "default")),
    rounds: toPositive(values.rounds ?? (quick ? "2" : "3"), "rounds"),
    seconds: values.seconds === undefined ? undefined : toPositive(values.seconds, "seconds"),
    budget: toPositive(values.budget ?? (quick ? "75" : "600"), "budget"),
    json: values.json,
    from: values.from,
    charts: values.charts,
    v8Flags: values["v8-flags"],
    profile: values.profile,
  };
}

function findPeer(name: string): Peer {
  const found = peers.find((peer) => peer.name === name);
  if (found === undefined) throw new RangeError(`There is no peer "${name}"`);
  return found;
}

function toPositive(text: string, what: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`Cannot take "${text}" as --${what}: not above 0`);
  return value;
}

/** Names, four on a line. */
function lines(names: readonly string[]): string {
  return names.map((name, index) => (index > 0 && index % 4 === 0 ? `\n    ${name}` : name))
    .join(", ").replaceAll(", \n", ",\n");
}
