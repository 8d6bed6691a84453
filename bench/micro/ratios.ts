/**
 * Runs the contests of this folder with the contenders taking turns, and prints medians and ratios:
 *
 * ```sh
 * deno run -A --no-check bench/micro/ratios.ts [--only deflate] [--rounds 40]
 * bun bench/micro/ratios.ts
 * ```
 *
 * What is measured is the CPU time of the process (a shared machine adds to wall time at will), and
 * the ratio is the median of those of single rounds, in which all contenders ran within about
 * 0.1 s.
 */
import { readdirSync } from "node:fs";
import process from "node:process";
import { setImmediate } from "node:timers";
import { parseArgs } from "node:util";
import { summarize } from "../statistics.ts";
import { type Contender, contests } from "./contest.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "40" },
  },
});

/** How long one turn of a contender takes, in µs of CPU. */
const TURN = 10_000;

for (const file of readdirSync(new URL(".", import.meta.url)).sort()) {
  if (file.endsWith("_bench.ts") && file.includes(values.only)) await import(`./${file}`);
}
for (const { name, contenders } of contests) {
  const entries = Object.entries(contenders);
  const repeats: number[] = [];
  for (const [, contender] of entries) repeats.push(await findRepeats(contender));
  const times: number[][] = entries.map(() => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [i, [, contender]] of entries.entries()) {
      times[i]!.push(await measure(contender, repeats[i]!) / repeats[i]!);
    }
  }
  console.log(`\n${name}`);
  entries.forEach(([contender, { note }], i) => {
    const ratio = summarize(times[i]!.map((time, round) => times[0]![round]! / time)).median;
    console.log(
      `  ${contender.padEnd(44)} ${summarize(times[i]!).median.toFixed(3).padStart(10)} µs ` +
        `${ratio.toFixed(2).padStart(6)}x  ${note ?? ""}`,
    );
  });
}

/** How often a contender has to work to fill its turn; warms it up as well. */
async function findRepeats(contender: Contender): Promise<number> {
  let repeats = 1;
  // Three times, since the first time it may not have been compiled yet.
  for (let filled = 0; filled < 3;) {
    const time = await measure(contender, repeats);
    if (time < TURN / 2) repeats = Math.ceil(repeats * Math.min(10, TURN / Math.max(time, 1)));
    else filled++;
  }
  return repeats;
}

/** The CPU that `repeats` times of work take, in µs. */
async function measure({ work }: Contender, repeats: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < repeats; i++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
  // What was put off until later counts as well.
  await new Promise((resolve) => setImmediate(resolve));
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
