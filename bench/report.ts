/**
 * The result as a reader sees it.
 */
import type { IdleMemory } from "./idle.ts";
import type { Peer } from "./peers.ts";
import { formatNumber, formatShare, formatTable } from "./table.ts";
import type { Throughput } from "./throughput.ts";
import type { Workload } from "./workloads.ts";

/** What all peers did under one workload. */
export interface WorkloadResult {
  readonly workload: Workload;
  readonly results: readonly Throughput[];
}

/** The table of one workload. */
export function formatThroughput({ workload, results }: WorkloadResult): string {
  const { name, kind, size, connections, depth } = workload;
  const title = `${name}: ${kind} messages of ${size} bytes, ` +
    `${connections} connections, ${depth} in flight on each`;
  const rows = results.map((result) => [
    result.peer,
    formatNumber(result.cpuMicroseconds.median),
    `± ${formatNumber(result.cpuMicroseconds.spread)} %`,
    formatNumber(result.messagesPerSecond.median),
    formatShare(result.serverShare),
    formatShare(result.loadShare),
  ]);
  const header = ["peer", "CPU µs/message", "spread", "messages/s", "server CPU", "load CPU"];
  return `${title}\n${formatTable(header, rows)}\n`;
}

/** The table of memory. */
export function formatIdleMemory(results: readonly IdleMemory[], connections: number): string {
  const rows = results.map(({ peer, kibibytes }) => [
    peer,
    kibibytes.median.toFixed(1),
    `${kibibytes.min.toFixed(1)} – ${kibibytes.max.toFixed(1)}`,
  ]);
  const table = formatTable(["peer", "KiB/connection", "from – to"], rows);
  return `idle: memory of ${connections} connections that say nothing\n${table}\n`;
}

/** One table for each peer that is ours: how many times as much CPU per message the others take. */
export function formatRatios(results: readonly WorkloadResult[], peers: readonly Peer[]): string {
  const others = peers.filter((peer) => !peer.ours);
  if (others.length === 0 || results.length === 0) return "";
  return peers.filter((peer) => peer.ours).map((ours) => {
    const rows = results.map(({ workload, results }) => {
      const cpu = new Map(results.map((result) => [result.peer, result.cpuMicroseconds.median]));
      return [
        workload.name,
        ...others.map(({ name }) => formatNumber(cpu.get(name)! / cpu.get(ours.name)!)),
      ];
    });
    const header = ["CPU of the peer ÷ ours", ...others.map(({ name }) => name)];
    return `${ours.name} against\n${formatTable(header, rows)}\n`;
  }).join("\n");
}
