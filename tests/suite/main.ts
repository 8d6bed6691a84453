/**
 * Holds a server to RFC 6455 and RFC 7692: `deno task conformance URL [options]`.
 *
 * The server has to echo: a text message as text, a binary one as binary. Compression is only tested
 * as far as the server agrees to it. The exit code is 0 where nothing was wrong or hung, 1 where
 * something was, and 2 where nothing could be tested.
 */

import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Theme } from "./case.ts";
import { THEMES } from "./cases/mod.ts";
import {
  findDeviations,
  formatDeviations,
  formatMarkdown,
  formatPlain,
  isConformant,
  type Run,
  tabulate,
  toJson,
} from "./report.ts";
import { RawSocket, type Trust } from "./raw_socket.ts";
import { runAgainstServer, toTarget } from "./server_runner.ts";

const USAGE = `Usage: deno task conformance URL [options]

  URL is where the echo is: ws://HOST[:PORT]/PATH?QUERY, or wss:, http:, https:

  --cases a,b        only the cases whose ids begin so, as in 3 or 7.4
  --concurrency n    connections at a time (20)
  --timeout n        milliseconds of silence after which a case counts as hung (3000)
  --ca file          the authorities that a server of wss: may have its certificate from, in PEM
  --insecure         take any certificate
  --json file        write every outcome to a file
  --markdown         print the table in Markdown, and nothing else
  --help             print this`;

function toPositive(name: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new RangeError(`--${name} must be a positive integer, not ${value}`);
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError(`not a URL: ${text}`);
  return new URL(text);
}

/** Finds out that the server is there, so that a wrong address is not told of once for each case. */
async function reach(url: URL, trust: Trust): Promise<void> {
  const target = toTarget(url, trust);
  try {
    await (await RawSocket.dial(target)).destroy();
  } catch (error) {
    throw new Error(`cannot connect to ${url.href}: ${(error as Error).message}`);
  }
}

/** Those of the cases whose ids begin so, whole numbers at a time. */
function selectCases(prefixes: readonly string[]): Theme[] {
  return THEMES.map((theme) => ({
    ...theme,
    cases: theme.cases.filter(({ id }) =>
      prefixes.some((prefix) => `${id}.`.startsWith(`${prefix}.`))
    ),
  }));
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      cases: { type: "string" },
      concurrency: { type: "string", default: "20" },
      timeout: { type: "string", default: "3000" },
      ca: { type: "string" },
      insecure: { type: "boolean", default: false },
      json: { type: "string" },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || positionals.length !== 1) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const url = parseUrl(positionals[0]!);
  const trust: Trust = {
    insecure: values.insecure,
    ca: values.ca === undefined ? undefined : await readFile(values.ca, "utf8"),
  };
  const themes = values.cases === undefined ? THEMES : selectCases(values.cases.split(","));
  const silence = toPositive("timeout", values.timeout);
  await reach(url, trust);
  const outcomes = await runAgainstServer(url, themes.flatMap(({ cases }) => cases), {
    silence,
    failFast: Math.ceil(silence / 3),
    concurrency: toPositive("concurrency", values.concurrency),
    trust,
  });
  const run: Run = { role: "server", themes, outcomes };
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(toJson(run), null, 2));
  if (values.markdown) {
    console.log(formatMarkdown(tabulate(run)));
  } else {
    const deviations = findDeviations(run);
    if (deviations.length > 0) console.log(`${formatDeviations(deviations, "server")}\n`);
    console.log(formatPlain(tabulate(run)));
  }
  return isConformant(run) ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
}
