/**
 * The page with all figures of a run, in Markdown.
 */
import { peers } from "../peers.ts";
import { FULL_LOAD, type PeerResult, type RunResult, type WorkloadResult } from "../results.ts";
import { type Measured, measuredBy, unitOf } from "../workloads.ts";
import { formatNumber, formatShare } from "./table.ts";
import { type CodeShare, judgeTargets, type TargetResult } from "./targets.ts";

/** The sections, in their order. */
const sections: readonly (readonly [Measured, string])[] = [
  ["echo", "Echo"],
  ["compression", "Echo with permessage-deflate"],
  ["broadcast", "Broadcast"],
  ["connect", "Connections opened and closed"],
  ["client", "Clients"],
  ["idle", "Idle connections"],
];

/** Writes the page. */
export function formatFigures(result: RunResult): string {
  const { date, versions, cpus, pinned, timing, workloads } = result;
  const parts = [
    "<!-- deno-fmt-ignore-file -->\n<!-- Written by `deno task bench --charts`; do not edit. -->",
    "# Figures of one run",
    `${date.slice(0, 10)}; Deno ${versions.deno}, Bun ${versions.bun}, Node.js ${versions.node}; ` +
    `${cpus} processors${pinned ? ", server and load on one each" : ""}; medians of ` +
    `${timing.rounds} rounds of ${
      timing.seconds.toFixed(2)
    } s, ± half the distance of the smallest ` +
    "to the largest. A cost with an asterisk was measured while the load generator had no CPU left.",
  ];
  for (const [measured, title] of sections) {
    const own = workloads.filter(({ workload }) => measuredBy(workload) === measured);
    if (own.length === 0) continue;
    const unit = unitOf(own[0]!.workload);
    parts.push(`## ${title}`, `The figures are ${unit}.`, formatCosts(own));
    if (measured === "compression") parts.push("Bytes of a reply:", formatBytes(own));
  }
  const judged = judgeTargets(workloads);
  if (judged.length > 0) parts.push("## Aims", ...describeAims(judged));
  const profiled = workloads.filter(({ results }) => results.some(({ profile }) => profile));
  if (profiled.length > 0) {
    parts.push(
      "## Where the CPU goes",
      "Samples of the servers' CPU in a window of its own, as parts of the cost above: µs in the " +
        "kernel / in the runtime and its libraries / in what the engine has compiled, which is the " +
        "library's code, the server's, and the runtime's own JavaScript.",
      byPeer(profiled, formatProfile),
    );
  }
  parts.push("## Load", describeLoad(workloads));
  return parts.join("\n\n") + "\n";
}

function formatCosts(results: readonly WorkloadResult[]): string {
  return byPeer(results, ({ cost, window }) => {
    const full = (window?.shares.load ?? 0) >= FULL_LOAD ? " *" : "";
    return `${formatNumber(cost.median)} ± ${formatNumber(cost.spread)} %${full}`;
  });
}

function formatBytes(results: readonly WorkloadResult[]): string {
  return byPeer(results, ({ window }) => formatNumber(window?.bytesEach ?? NaN));
}

function formatProfile({ cost, profile }: PeerResult): string {
  if (profile === undefined) return "";
  const { kernel, runtime, compiled } = profile;
  return [kernel, runtime, compiled].map((share) => formatNumber(share * cost.median)).join(" / ");
}

/** The most workloads that stand beside each other. */
const MAX_COLUMNS = 20;

/**
 * A table with a row for each peer and a column for each workload; for many workloads, the other
 * way round.
 */
function byPeer(
  results: readonly WorkloadResult[],
  cell: (result: PeerResult) => string,
): string {
  const names = peers.map(({ name }) => name)
    .filter((name) => results.some(({ results }) => results.some(({ peer }) => peer === name)));
  const cellOf = (name: string, { results }: WorkloadResult) => {
    const own = results.find(({ peer }) => peer === name);
    return own === undefined ? "" : cell(own);
  };
  if (results.length > MAX_COLUMNS) {
    return table(
      ["", ...names.map(titleOf)],
      results.map((result) => [
        result.workload.name,
        ...names.map((name) => cellOf(name, result)),
      ]),
    );
  }
  return table(
    ["", ...results.map(({ workload }) => workload.name)],
    names.map((name) => [titleOf(name), ...results.map((result) => cellOf(name, result))]),
  );
}

/** How the aims stand, by whom they concern, and each of them. */
function describeAims(judged: readonly TargetResult[]): string[] {
  const isMet = ({ ratio, target }: TargetResult) => ratio >= target;
  const isBeyond = (result: TargetResult) =>
    !isMet(result) && result.code !== undefined && result.code.mayTake < 0;
  const isBareBelow = ({ bare, target }: TargetResult) => bare !== undefined && bare < target;
  const profiled = judged.some(({ code }) => code !== undefined);
  const hasBare = judged.some(({ bare }) => bare !== undefined);
  const met = judged.filter(isMet).length;
  const beyond = judged.filter(isBeyond).length;
  const bareBelow =
    judged.filter((result) => !isMet(result) && !isBeyond(result) && isBareBelow(result)).length;
  const text = [
    "The cost of the peer divided by ours, the median of the single rounds.",
    profiled
      ? "`at most` is what that would be if compiled code took no time at all: what is left is the " +
        "kernel's and the runtime's. Next to it is what compiled code takes of a message, in µs, and " +
        "what it may take for the aim to be met."
      : "",
    hasBare
      ? "`bare` is what a server comes to whose codec checks nothing and which does nothing else."
      : "",
    `${met} of ${judged.length} are met.`,
    profiled ? `${beyond} more could not be met by code that takes no time.` : "",
    hasBare
      ? `${bareBelow} ${profiled ? "others" : "more"} are not met by a bare codec either.`
      : "",
  ].filter((sentence) => sentence !== "").join(" ");

  const groups = Map.groupBy(judged, ({ ours, against }) => `${ours} ${against}`);
  const summary = Array.from(groups.values(), (group) => [
    titleOf(group[0]!.ours),
    titleOf(group[0]!.against),
    String(group.length),
    String(group.filter(isMet).length),
    ...(profiled ? [String(group.filter(isBeyond).length)] : []),
  ]);
  const each = judged.map((result) => [
    titleOf(result.ours),
    titleOf(result.against),
    result.workload,
    formatNumber(result.target),
    formatNumber(result.ratio),
    isMet(result) ? "yes" : "no",
    ...(hasBare ? [result.bare === undefined ? "" : formatNumber(result.bare)] : []),
    ...(profiled ? describeCode(result.code) : []),
  ]);
  return [
    text,
    table(["ours", "against", "aims", "met", ...(profiled ? ["beyond reach"] : [])], summary),
    table(
      [
        ...["ours", "against", "workload", "aim", "ratio", "met"],
        ...(hasBare ? ["bare"] : []),
        ...(profiled ? ["at most", "code takes", "may take"] : []),
      ],
      each,
    ),
  ];
}

function describeCode(code: CodeShare | undefined): readonly [string, string, string] {
  if (code === undefined) return ["", "", ""];
  const { atMost, takes, mayTake } = code;
  return [formatNumber(atMost), formatNumber(takes), mayTake < 0 ? "none" : formatNumber(mayTake)];
}

/** How much of its CPU the load generator used at most, and how busy the machine was otherwise. */
function describeLoad(results: readonly WorkloadResult[]): string {
  const rows = results.flatMap(({ workload, results }) => {
    const shares = results.flatMap(({ window }) => window === undefined ? [] : [window.shares]);
    if (shares.length === 0) return [];
    const most = (values: number[]) => formatShare(Math.max(...values));
    return [[
      workload.name,
      most(shares.map(({ load }) => load)),
      most(shares.map(({ other }) => other)),
    ]];
  });
  const text =
    "The largest share of one CPU that the load generator used with any peer, and that " +
    "everything else on the machine used, the kernel's network included.";
  return `${text}\n\n${table(["", "load generator", "everything else"], rows)}`;
}

function titleOf(name: string): string {
  return peers.find((peer) => peer.name === name)?.title ?? name;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = header.map((_, column) => column === 0 ? "---" : "--:");
  return [header, rule, ...rows].map(line).join("\n");
}
