/**
 * Looks for mistakes with random inputs:
 * `deno task fuzz [--seconds N] [--seed S] [--only name]`; runs under Bun as well.
 *
 * The cases of a run have the seeds S, S + 1, …, shared out among the fuzzers in turn. A failure says
 * its seed and its input, made as small as possible; the exit code tells whether there was one. A case
 * that hangs is named, and ends the run. `--seconds 0` runs one case of each.
 */

import { parseArgs } from "node:util";
import process from "node:process";
import { describeFailure, type Fuzzer, runCase } from "./fuzzer.ts";
import { fuzzers } from "./fuzzers.ts";
import { Watchdog } from "./watchdog.ts";

/** What a run does. */
interface Run {
  readonly seconds: number;
  readonly seed: number;
  readonly fuzzers: readonly Fuzzer[];
}

/** Failures of one fuzzer after which it is left alone. */
const ENOUGH = 3;

function parseRun(args: string[]): Run {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      only: { type: "string" },
    },
  });
  const seconds = Number(values.seconds);
  const seed = Number(values.seed);
  if (!(seconds >= 0)) throw new RangeError(`--seconds must be a number, not ${values.seconds}`);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`--seed must be an integer`);
  const names = fuzzers.map(({ name }) => name);
  if (values.only !== undefined && !names.includes(values.only)) {
    throw new RangeError(`--only must be one of ${names.join(", ")}`);
  }
  const chosen = fuzzers.filter(({ name }) => values.only === undefined || name === values.only);
  return { seconds, seed, fuzzers: chosen };
}

/** Runs cases until the time is over; returns how many failed. */
async function fuzz({ seconds, seed, fuzzers }: Run): Promise<number> {
  using watchdog = new Watchdog(fuzzers.map(({ name }) => name));
  const end = performance.now() + seconds * 1000;
  const counts = new Map(fuzzers.map((fuzzer) => [fuzzer, { cases: 0, failures: 0, spent: 0 }]));
  console.log(`seed ${seed}, ${seconds} s`);
  do {
    // Whoever has had the least time is next, so that slow ones do not take it all.
    const [fuzzer, count] = [...counts]
      .filter(([, { failures }]) => failures < ENOUGH)
      .sort(([, a], [, b]) => a.spent - b.spent)[0] ?? [];
    if (fuzzer === undefined || count === undefined) break;
    const start = performance.now();
    for (; performance.now() - start < 100 && count.failures < ENOUGH;) {
      watchdog.note(fuzzers.indexOf(fuzzer), seed + count.cases);
      const failure = await runCase(fuzzer, seed + count.cases++);
      if (failure !== undefined) {
        count.failures++;
        console.error(`\n${describeFailure(failure)}\n`);
      }
      if (seconds === 0) break;
    }
    count.spent += Math.max(performance.now() - start, 1);
    if (seconds === 0 && [...counts.values()].every(({ cases }) => cases > 0)) break;
  } while (seconds === 0 || performance.now() < end);
  for (const [{ name }, { cases, failures }] of counts) {
    console.log(`${name.padEnd(16)} ${String(cases).padStart(8)} cases, ${failures} failures`);
  }
  return [...counts.values()].reduce((sum, { failures }) => sum + failures, 0);
}

process.exitCode = await fuzz(parseRun(process.argv.slice(2))) === 0 ? 0 : 1;
