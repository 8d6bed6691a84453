/**
 * Which charts a result has.
 */
import { type Peer, peers as allPeers } from "../peers.ts";
import type { WorkloadResult } from "../results.ts";
import { describeWorkload, type Measured, measuredBy } from "../workloads.ts";
import type { Chart, Panel } from "./draw_chart.ts";

/** What one chart shows. */
interface ChartPlan {
  readonly title: string;
  readonly subtitle: string;
  readonly measured: readonly Measured[];
  /** The peers shown, by name; all that were measured where it is not given. */
  readonly peers?: readonly string[];
}

const PER_MESSAGE = "Server CPU for each message in µs: shorter is better. " +
  "10 × 16 are 10 connections with 16 messages in flight on each.";

/** The charts by the name of their file. */
const plans: Readonly<Record<string, ChartPlan>> = {
  deno: {
    title: "Echo on Deno",
    subtitle: PER_MESSAGE,
    measured: ["echo"],
    peers: [
      "gale_deno_handler",
      "gale_deno_iteration",
      "deno_native",
      "deno_crossws",
      "deno_ws",
      "node_ws",
      "deno_bare",
      "deno_bytes",
    ],
  },
  bun: {
    title: "Echo on Bun",
    subtitle: PER_MESSAGE,
    measured: ["echo"],
    peers: [
      "gale_bun_handler",
      "gale_bun_iteration",
      "bun_native",
      "bun_crossws",
      "bun_ws",
      "node_ws",
      "bun_bare",
      "bun_bytes",
    ],
  },
  hosts: {
    title: "Echo over the runtimes' own sockets, and over any byte stream",
    subtitle: PER_MESSAGE,
    measured: ["echo"],
    peers: [
      "gale_deno_serve_handler",
      "gale_deno_serve_iteration",
      "deno_native",
      "deno_crossws",
      "gale_deno_stream",
      "gale_bun_serve_handler",
      "gale_bun_serve_iteration",
      "bun_native",
      "bun_crossws",
    ],
  },
  compression: {
    title: "Echo with permessage-deflate",
    subtitle: PER_MESSAGE,
    measured: ["compression"],
  },
  broadcast: {
    title: "Broadcast and connections",
    subtitle: "Server CPU in µs for each message delivered, for each connection opened and closed.",
    measured: ["broadcast", "connect"],
  },
  clients: {
    title: "Clients",
    subtitle: "Client CPU for each message in µs: shorter is better.",
    measured: ["client"],
  },
  memory: {
    title: "Idle connections",
    subtitle: "Memory of the server for each connection in KiB: shorter is better.",
    measured: ["idle"],
  },
};

/** The charts for which a run has figures, by the name of their file. */
export function planCharts(results: readonly WorkloadResult[]): Map<string, Chart> {
  const charts = new Map<string, Chart>();
  for (const [name, plan] of Object.entries(plans)) {
    const panels = results
      .filter(({ workload }) => plan.measured.includes(measuredBy(workload)))
      .map((result) => toPanel(result, plan.peers))
      .filter(({ bars }) => bars.length > 0);
    if (panels.length > 0) charts.set(name, { ...plan, panels });
  }
  return charts;
}

function toPanel({ workload, results }: WorkloadResult, names?: readonly string[]): Panel {
  const costs = new Map(results.map(({ peer, cost }) => [peer, cost.median]));
  const shown = names === undefined
    ? allPeers
    : names.flatMap((name) => allPeers.filter((peer) => peer.name === name));
  const bars = shown.flatMap((peer) => {
    const value = costs.get(peer.name);
    return value === undefined ? [] : [{ label: peer.title, value, kind: kindOf(peer) }];
  });
  return { title: describeWorkload(workload), bars };
}

function kindOf({ ours, isLimit }: Peer): "ours" | "peer" | "limit" {
  if (isLimit) return "limit";
  return ours ? "ours" : "peer";
}
