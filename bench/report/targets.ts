/**
 * What this library aims at, as ratios within one run.
 */
import { type PeerResult, ratioOf, type WorkloadResult } from "../results.ts";

/** One aim: the cost of a peer divided by ours, under some workloads. */
export interface Target {
  /** The peers that are ours, each of which is to reach it. */
  readonly ours: readonly string[];
  /** The peer to compare with. */
  readonly against: string;
  readonly workloads: readonly string[];
  /** The ratio to reach; below 1, ours may cost more. */
  readonly ratio: number;
}

/** What became of a target. */
export interface TargetResult {
  readonly ours: string;
  readonly against: string;
  readonly workload: string;
  readonly target: number;
  readonly ratio: number;
  /** The ratio of a server whose codec checks nothing; only where the run has one. */
  readonly bare?: number;
  /** What is up to compiled code, above all the library's; only if the run has profiles. */
  readonly code?: CodeShare;
}

/** What compiled code has to do with a target. */
export interface CodeShare {
  /** What the ratio would be if it took no time. */
  readonly atMost: number;
  /** What it takes, in µs. */
  readonly takes: number;
  /** What it may take for the target to be met, in µs; below zero where even none would not do. */
  readonly mayTake: number;
}

const deno = ["gale_deno_iteration", "gale_deno_handler"];
const bun = ["gale_bun_iteration", "gale_bun_handler"];
const denoServe = ["gale_deno_serve_iteration", "gale_deno_serve_handler"];
const bunServe = ["gale_bun_serve_iteration", "gale_bun_serve_handler"];

const alone = ["16-1x1", "16-100x1"];
const large = ["64k-4x4", "1m-1x2"];
const every = [
  "16-50x64",
  "text-16-50x64",
  ...alone,
  "125-10x16",
  "1k-10x16",
  "text-64k-4x4",
  ...large,
  "text-1m-1x2",
];
const broadcasts = ["broadcast-16-1000", "broadcast-1k-1000"];
const [small, medium, big] = ["json-200-10x16", "json-2k-10x16", "json-64k-4x4"] as const;

/** The targets. */
export const targets: readonly Target[] = [
  target(deno, "deno_native", ["16-50x64", "text-16-50x64"], 20),
  target(deno, "deno_native", ["125-10x16"], 8),
  target(deno, "deno_native", ["1k-10x16"], 4),
  target(deno, "deno_native", large, 1.2),
  target(deno, "deno_native", [...alone, "text-64k-4x4"], 1),
  target(bun, "bun_native", ["16-50x64"], 1.5),
  target(bun, "bun_native", ["64k-4x4"], 1.2),
  target(bun, "bun_native", except(every, ["16-50x64", "64k-4x4"]), 0.95),
  ...[...deno, ...bun].flatMap((ours) =>
    ["node_ws", "bun_ws"].flatMap((against) => [
      target([ours], against, ["16-50x64"], 15),
      target([ours], against, large, 2),
      target([ours], against, alone, 1),
    ])
  ),
  target(denoServe, "deno_crossws", every, 1),
  target(bunServe, "bun_crossws", every, 1),
  target(denoServe, "deno_native", every, 0.95),
  target(bunServe, "bun_native", every, 0.95),
  target(deno, "deno_bytes", ["16-50x64"], 1 / 2),
  target(deno, "deno_bytes", alone, 1 / 1.15),
  target(bun, "bun_bytes", ["16-50x64"], 1 / 2),
  target(bun, "bun_bytes", alone, 1 / 1.15),
  target(["gale_deno_stream"], "gale_deno_iteration", ["16-50x64", ...alone], 1 / 2.5),
  ...["gale_deno_handler", "gale_bun_handler"].flatMap((ours) => [
    target([ours], "node_ws", [small], 5),
    target([ours], "node_ws", [medium], 3),
    target([ours], "node_ws", [big], 1),
  ]),
  target(["gale_deno_handler"], "deno_native", broadcasts, 0.95),
  target(["gale_bun_handler"], "bun_publish", broadcasts, 0.8),
];

/** What ours could be at best: a server in the same language without a library. */
const bareOf: Readonly<Record<string, string>> = {
  gale_deno_iteration: "deno_bare_iteration",
  gale_deno_handler: "deno_bare",
  gale_bun_iteration: "bun_bare_iteration",
  gale_bun_handler: "bun_bare",
};

/** The ratios of all targets for which a run has both figures. */
export function judgeTargets(results: readonly WorkloadResult[]): TargetResult[] {
  return targets.flatMap(({ ours, against, workloads, ratio: target }) =>
    workloads.flatMap((workload) => {
      const measured = results.find((result) => result.workload.name === workload)?.results;
      const find = (name: string | undefined) => measured?.find(({ peer }) => peer === name);
      const theirs = find(against);
      return ours.flatMap((name) => {
        const own = find(name);
        if (theirs === undefined || own === undefined) return [];
        const ratio = ratioOf(theirs.cost, own.cost);
        const code = codeShare(own, ratio, target);
        const bare = find(bareOf[name]);
        return [{
          ...{ ours: name, against, workload, target, ratio },
          ...(bare && { bare: ratioOf(theirs.cost, bare.cost) }),
          ...(code && { code }),
        }];
      });
    })
  );
}

function codeShare(
  { cost, profile }: PeerResult,
  ratio: number,
  target: number,
): CodeShare | undefined {
  if (profile === undefined) return undefined;
  const takes = cost.median * profile.compiled;
  return {
    atMost: ratio / (1 - profile.compiled),
    takes,
    mayTake: takes - cost.median * (1 - ratio / target),
  };
}

function target(
  ours: readonly string[],
  against: string,
  workloads: readonly string[],
  ratio: number,
): Target {
  return { ours, against, workloads, ratio };
}

function except(names: readonly string[], left: readonly string[]): string[] {
  return names.filter((name) => !left.includes(name));
}
