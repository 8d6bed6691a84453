/**
 * The result as text.
 */
import { type Peer, peers as allPeers } from "../peers.ts";
import { FULL_LOAD, type PeerResult, ratioOf, type WorkloadResult } from "../results.ts";
import { describeWorkload, unitOf } from "../workloads.ts";
import { formatNumber, formatShare, formatTable } from "./table.ts";
import { judgeTargets } from "./targets.ts";

/** The table of one workload. */
export function formatWorkload({ workload, results }: WorkloadResult): string {
  const title = `${workload.name}: ${describeWorkload(workload)}`;
  const rows = results.map((result) => [result.peer, ...formatCells(result)]);
  const header = ["peer", unitOf(workload), "spread"];
  if (workload.measures === "idle") return `${title}\n${formatTable(header, rows)}\n`;
  const windows = ["a second", "bytes each", "own CPU", "load CPU", "other CPU"];
  const table = formatTable([...header, ...windows], rows);
  const full = results.some(({ window }) => (window?.shares.load ?? 0) >= FULL_LOAD);
  const note = full
    ? "  * the load had no CPU left: it is the limit of what comes in a second\n"
    : "";
  return `${title}\n${table}\n${note}`;
}

function formatCells({ cost, window }: PeerResult): string[] {
  const cells = [formatNumber(cost.median), `± ${formatNumber(cost.spread)} %`];
  if (window === undefined) return cells;
  const { perSecond, bytesEach, shares } = window;
  return [
    ...cells,
    formatNumber(perSecond.median),
    formatNumber(bytesEach),
    formatShare(shares.measured),
    (shares.load >= FULL_LOAD ? "* " : "") + formatShare(shares.load),
    formatShare(shares.other),
  ];
}

/**
 * One table for each peer that is ours, with those that it competes with: how many times as much as
 * ours they cost.
 */
export function formatRatios(results: readonly WorkloadResult[]): string {
  const measured = new Set(results.flatMap(({ results }) => results.map(({ peer }) => peer)));
  const peers = allPeers.filter(({ name }) => measured.has(name));
  return peers.filter((peer) => peer.ours).map((ours) => {
    const others = peers.filter((peer) => competes(peer, ours));
    const rows = results.flatMap(({ workload, results }) => {
      const costOf = (peer: Peer) => results.find((result) => result.peer === peer.name)?.cost;
      const own = costOf(ours);
      if (own === undefined) return [];
      const cells = others.map((other) => {
        const cost = costOf(other);
        return formatNumber(cost === undefined ? NaN : ratioOf(cost, own));
      });
      return [[workload.name, ...cells]];
    });
    if (others.length === 0) return "";
    const header = ["cost of the peer ÷ ours", ...others.map(({ name }) => name)];
    return `${ours.name} against\n${formatTable(header, rows)}\n`;
  }).join("\n");
}

/** Others compete on the same runtime, and `ws` on Node.js with everyone. */
function competes(peer: Peer, ours: Peer): boolean {
  return !peer.ours && (peer.runtime === ours.runtime || peer.runtime === "node");
}

/** Which targets were met. */
export function formatTargets(results: readonly WorkloadResult[]): string {
  const judged = judgeTargets(results);
  if (judged.length === 0) return "";
  const rows = judged.map(({ ours, against, workload, target, ratio }) => [
    ours,
    against,
    workload,
    formatNumber(target),
    formatNumber(ratio),
    ratio >= target ? "yes" : "no",
  ]);
  const met = judged.filter(({ ratio, target }) => ratio >= target).length;
  const table = formatTable(["ours", "against", "workload", "target", "ratio", "met"], rows);
  return `targets: ${met} of ${judged.length} met\n${table}\n`;
}
