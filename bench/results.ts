/**
 * What a run finds out, as `--json` writes it and the reports read it.
 */
import type { LoadResult } from "./load/window.ts";
import type { Runtime } from "./peers.ts";
import type { Profile } from "./process/profile.ts";
import { summarize, type Summary } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

/** How long and how often to measure. */
export interface Timing {
  /** Seconds of each timed window. */
  readonly seconds: number;
  /** Seconds of load before each window. */
  readonly warmup: number;
  /** How often each peer has its turn. */
  readonly rounds: number;
  /** Whether servers have one more, in which their CPU is sampled. */
  readonly profile?: boolean;
}

/** What one peer did under one workload. */
export interface PeerResult {
  /** The name of the peer. */
  readonly peer: string;
  /** Its CPU for each message, delivery or connection, in µs; KiB for each idle connection. */
  readonly cost: Summary;
  /** How it went; not there for idle connections. */
  readonly window?: WindowSummary;
  /** Where its CPU went, in a window of its own; only where that was asked for. */
  readonly profile?: Profile;
}

/** What happened in the timed windows of one peer. */
export interface WindowSummary {
  /** Messages, deliveries or connections in a second. */
  readonly perSecond: Summary;
  /** Bytes received for each of them, headers included. */
  readonly bytesEach: number;
  /**
   * Median shares of one CPU: of the measured process, of the load generator, of everything else.
   */
  readonly shares: { readonly measured: number; readonly load: number; readonly other: number };
}

/**
 * What one peer costs, divided by what another does: the median over the rounds, in each of which
 * both had the machine as it was at the time.
 */
export function ratioOf(cost: Summary, divisor: Summary): number {
  const rounds = Math.min(cost.samples.length, divisor.samples.length);
  const ratios = Array.from({ length: rounds }, (_, i) => cost.samples[i]! / divisor.samples[i]!);
  return summarize(ratios).median;
}

/** What all peers did under one workload. */
export interface WorkloadResult {
  readonly workload: Workload;
  readonly results: readonly PeerResult[];
}

/** A whole run. */
export interface RunResult {
  readonly date: string;
  readonly versions: Readonly<Record<Runtime, string>>;
  readonly cpus: number;
  /** Whether server and load had a CPU each. */
  readonly pinned: boolean;
  readonly timing: Timing;
  readonly workloads: readonly WorkloadResult[];
}

/** The share of a CPU above which a load generator counts as the bottleneck. */
export const FULL_LOAD = 0.95;

/** Sums up the windows of one peer. */
export function summarizeWindows(peer: string, windows: readonly LoadResult[]): PeerResult {
  const summary = (value: (window: LoadResult) => number) => summarize(windows.map(value));
  const share = (seconds: (window: LoadResult) => number) =>
    summary((window) => seconds(window) / window.seconds).median;
  return {
    peer,
    cost: summary(({ cpuSeconds, count }) => cpuSeconds * 1e6 / count),
    window: {
      perSecond: summary(({ count, seconds }) => count / seconds),
      bytesEach: summary(({ bytes, count }) => bytes / count).median,
      shares: {
        measured: share(({ cpuSeconds }) => cpuSeconds),
        load: share(({ loadCpuSeconds }) => loadCpuSeconds),
        other: share(({ otherCpuSeconds }) => otherCpuSeconds),
      },
    },
  };
}
