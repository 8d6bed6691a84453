/**
 * Holds this library's endpoints and the runtimes' own against the suite, and writes the document that
 * compares them: `deno run -A tests/suite/hosts.ts`.
 */

import { type Child, LOAD_CPU, Processes, SERVER_CPU } from "../../bench/process/processes.ts";
import { Runtimes } from "../../bench/process/runtimes.ts";
import { projectRoot } from "../tools/files.ts";
import type { SuiteCase } from "./case.ts";
import { CASES, THEMES } from "./cases/mod.ts";
import { type Connect, runAgainstClient } from "./client_runner.ts";
import {
  countBehaviours,
  type Deviation,
  findDeviations,
  formatMarkdown,
  type Run,
} from "./report.ts";
import type { RunOptions } from "./runner.ts";
import { runAgainstServer } from "./server_runner.ts";
import { BEHAVIOURS } from "./verdict.ts";
import type { Role } from "./frames.ts";

/** An endpoint that is compared. */
interface Host {
  readonly name: string;
  readonly role: Role;
  readonly runtime: "deno" | "bun";
  /** The script in `native/`, and its arguments. */
  readonly script: string;
  readonly args: readonly string[];
}

function server(name: string, runtime: Host["runtime"], script: string): Host {
  return { name, role: "server", runtime, script, args: [] };
}

function client(name: string, runtime: Host["runtime"], kind: "gale" | "own"): Host {
  return { name, role: "client", runtime, script: "client.ts", args: [kind] };
}

const HOSTS: readonly Host[] = [
  server("Gale on Deno TCP", "deno", "gale.ts"),
  server("Gale on Bun TCP", "bun", "gale.ts"),
  server("`Deno.serve`, `Deno.upgradeWebSocket`", "deno", "deno.ts"),
  server("`Bun.serve`", "bun", "bun.ts"),
  client("Gale on Deno", "deno", "gale"),
  client("Gale on Bun", "bun", "gale"),
  client("Deno's `WebSocket`", "deno", "own"),
  client("Bun's `WebSocket`", "bun", "own"),
];

/** Where the document goes. */
const DOCUMENT = `${projectRoot}/docs/conformance_hosts.md`;

const OPTIONS: RunOptions = { silence: 3_000, failFast: 1_000, concurrency: 20 };

/** Connects by a process that reads URLs, and writes each when it is done with it. */
function connectBy(child: Child): Connect {
  const waiting = new Map<string, () => void>();
  const read = async () => {
    while (waiting.size > 0) {
      const { url } = await child.answer<{ readonly url: string }>();
      waiting.get(url)?.();
      waiting.delete(url);
    }
  };
  return async (url) => {
    const done = Promise.withResolvers<void>();
    waiting.set(url, done.resolve);
    if (waiting.size === 1) read().catch(done.reject);
    await child.tell(url);
    await done.promise;
  };
}

async function measure(host: Host, runtimes: Runtimes, processes: Processes): Promise<Run> {
  const { role, runtime, script, args } = host;
  const command = await runtimes.command(runtime, `../tests/suite/native/${script}`, args);
  const child = processes.start(command, role === "server" ? SERVER_CPU : LOAD_CPU);
  const ready = await child.answer<{ readonly port?: number }>();
  const outcomes = role === "server"
    ? await runAgainstServer(new URL(`ws://127.0.0.1:${ready.port}/`), CASES, OPTIONS)
    : await runAgainstClient(connectBy(child), CASES, OPTIONS);
  await processes.end(child);
  return { role, themes: THEMES, outcomes };
}

function summarize(results: ReadonlyMap<Host, Run>, role: Role): string {
  const rows = [...results].filter(([host]) => host.role === role).map(([host, { outcomes }]) => {
    const counts = countBehaviours(CASES, outcomes);
    return [
      host.name,
      String(outcomes.size),
      ...BEHAVIOURS.map((behaviour) => String(counts[behaviour])),
    ];
  });
  return formatMarkdown([[role, "cases", ...BEHAVIOURS], ...rows]);
}

/** Strict cases of each theme, behind the number of cases that were not declined. */
function compareThemes(results: ReadonlyMap<Host, Run>, role: Role): string {
  const compared = [...results].filter(([host]) => host.role === role);
  const rows = THEMES.map(({ id, name, cases }) => [
    `${id} ${name}`,
    ...compared.map(([, { outcomes }]) => shareOfStrict(cases, outcomes)),
  ]);
  return formatMarkdown([["theme", ...compared.map(([host]) => host.name)], ...rows]);
}

function shareOfStrict(cases: readonly SuiteCase[], outcomes: Run["outcomes"]): string {
  const { strict, declined, ...others } = countBehaviours(cases, outcomes);
  const played = strict + others["non-strict"] + others.wrong + others.hung;
  if (played === 0) return declined > 0 ? "declined" : "–";
  return `${strict} of ${played}`;
}

/** One deviation of each kind in each group of cases, with the number of those like it. */
function listDeviations(run: Run): string {
  const kinds = Map.groupBy(findDeviations(run), ({ testCase, outcome }) => {
    const group = testCase.id.slice(0, testCase.id.lastIndexOf("."));
    return `${group} ${outcome.behaviour}`;
  });
  return [...kinds.values()].map(describeKind).join("\n");
}

function describeKind(deviations: readonly Deviation[]): string {
  const [{ testCase, outcome }] = deviations as [Deviation, ...Deviation[]];
  const { id, title, section } = testCase;
  const others = deviations.length === 1 ? "" : ` (and ${deviations.length - 1} more of the group)`;
  return [
    `- ${id}, ${outcome.behaviour}: "${title}" (${section})${others}.`,
    `  Expected: ${outcome.expected}. Observed: ${outcome.observed}.`,
  ].join("\n");
}

function format(
  results: ReadonlyMap<Host, Run>,
  versions: Readonly<Record<Host["runtime"], string>>,
): string {
  const deviating = [...results].filter(([, run]) => findDeviations(run).length > 0);
  return `# Conformance, host by host

\`tests/suite\` has ${CASES.length} cases of RFC 6455 and RFC 7692. In each the suite is one side of a bare TCP
connection, with a frame codec and a DEFLATE of its own, and the endpoint under test is the other: a
server that echoes, or a client that does. \`task test\` runs all of them against this library under
Deno and under Bun, and passes only if every one is met to the letter. They can be run against any
server that echoes:

\`\`\`sh
deno task conformance ws://localhost:8000/echo
deno task conformance wss://localhost:8443/echo --ca authority.pem
\`\`\`

This page is what \`deno run -A tests/suite/hosts.ts\` writes: measured with Deno ${versions.deno} and Bun
${versions.bun}, every endpoint in a process of its own.

- **strict**: as the RFCs have it in every word, and each SHOULD taken up.
- **declined**: the endpoint did not agree to the extension, or to the parameters, that the case is
  about. Nothing is wrong with that.
- **non-strict**: allowed, but not the best: a connection failed without a Close that says why, with
  another code, or only once the rest of a bad message was read.
- **wrong**: a rule was broken.
- **hung**: what had to happen did not, within ${OPTIONS.silence / 1000} seconds.

Figures of the runtimes' own endpoints differ by a case or two from run to run: where one closes its
socket while more is on its way to it, a reset may take the Close along.

## Servers

${summarize(results, "server")}

Strict cases of those that were not declined:

${compareThemes(results, "server")}

## Clients

${summarize(results, "client")}

${compareThemes(results, "client")}

## What deviates

Of each group of cases the first that deviates, by how it does.

${
    deviating
      .map(([host, run]) => `### ${host.name}, as a ${host.role}\n\n${listDeviations(run)}`)
      .join("\n\n")
  }
`;
}

async function main(): Promise<void> {
  const runtimes = await Runtimes.find();
  await using processes = await Processes.create();
  const results = new Map<Host, Run>();
  for (const host of HOSTS) {
    console.error(`${host.name} …`);
    results.set(host, await measure(host, runtimes, processes));
  }
  await Deno.writeTextFile(DOCUMENT, format(results, await runtimes.versions()));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", DOCUMENT] }).output();
}

if (import.meta.main) await main();
