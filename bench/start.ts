/**
 * What it costs to start: runs programs that import an entry point and end, those of several copies
 * of the library taking turns. Run by Bun, which tells the CPU that a process has used:
 *
 *     npx -y bun@1.4.5 bench/start.ts [--runs N] [folder of a copy…]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { bun } from "./bun.ts";
import { summarize } from "./statistics.ts";

/** A program, as a function of the folder that the library is in. */
interface Program {
  readonly name: string;
  readonly runtime: "deno" | "bun";
  readonly source: (library: string) => string;
  /** Whether it is made one file before. */
  readonly bundled?: boolean;
}

const imports = (path: string) => (library: string) => `import ${JSON.stringify(library + path)};`;

/** Keeps of the entry point what the server of a runtime needs. */
const upgrades = (path: string) => (library: string) =>
  `import { upgradeWebSocket } from ${JSON.stringify(library + path)};
globalThis.upgrade = upgradeWebSocket;`;

const answers = (path: string) => (library: string) =>
  `import { serveTcp } from ${JSON.stringify(library + path)};
const server = serveTcp({ port: 0, hostname: "127.0.0.1" }, () => new Response("page"));
await (await fetch("http://127.0.0.1:" + server.addr.port)).text();
await server.shutdown();`;

const programs: readonly Program[] = (["deno", "bun"] as const).flatMap((runtime) => {
  const path = `/src/adapters/${runtime}.ts`;
  return [
    { name: "nothing", runtime, source: () => "" },
    { name: `./${runtime}`, runtime, source: imports(path) },
    { name: `./${runtime}, bundled`, runtime, source: upgrades(path), bundled: true },
    { name: ".", runtime, source: imports("/mod.ts") },
    { name: "serveTcp answers", runtime, source: answers(path) },
  ];
});

/** One program with one copy, and what its runs took. */
interface Contestant {
  readonly title: string;
  readonly command: readonly string[];
  readonly cpu: number[];
  readonly wall: number[];
}

function prepare(program: Program, library: string, { deno, scratch }: {
  readonly deno: string;
  readonly scratch: string;
}): Contestant {
  const name = `${program.runtime}-${program.name}-${library}`.replaceAll(/\W+/g, "-");
  const script = join(scratch, `${name}.ts`);
  const bundle = join(scratch, `${name}.js`);
  writeFileSync(script, program.source(library));
  if (program.bundled) {
    output(process.execPath, [
      "build",
      script,
      `--target=${program.runtime === "bun" ? "bun" : "browser"}`,
      `--outfile=${bundle}`,
    ]);
  }
  const run = program.runtime === "deno"
    ? [deno, "run", "-A", "--quiet"]
    : [process.execPath, "run"];
  return {
    title: `${program.runtime}: ${program.name}, of ${library}`,
    command: [...run, program.bundled ? bundle : script],
    cpu: [],
    wall: [],
  };
}

function output(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, [...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ${command} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Milliseconds. */
function measure(command: readonly string[]): { readonly cpu: number; readonly wall: number } {
  const start = performance.now();
  const { exitCode, resourceUsage } = bun.spawnSync(command, {
    stdout: "ignore",
    stderr: "inherit",
  });
  const wall = performance.now() - start;
  if (exitCode !== 0) throw new Error(`${command.join(" ")} has failed`);
  return { cpu: Number(resourceUsage.cpuTime.total) / 1_000, wall };
}

function show(samples: readonly number[]): string {
  const { median, min } = summarize(samples);
  return `${median.toFixed(1)} (${min.toFixed(1)})`;
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: { runs: { type: "string", default: "40" } },
  allowPositionals: true,
});
const libraries = (positionals.length > 0 ? positionals : [join(import.meta.dirname!, "..")])
  .map((folder) => resolve(folder));
const deno = output("npx", ["-y", "deno@2.9.6", "eval", "console.log(Deno.execPath())"]);
const scratch = mkdtempSync(join(tmpdir(), "gale-start-"));
try {
  for (const program of programs) {
    const own = program.name === "nothing" ? libraries.slice(0, 1) : libraries;
    const contestants = own.map((library) => prepare(program, library, { deno, scratch }));
    // The first runs fill the caches.
    for (let run = -2; run < Number(values.runs); run++) {
      for (const { command, cpu, wall } of contestants) {
        const taken = measure(command);
        if (run < 0) continue;
        cpu.push(taken.cpu);
        wall.push(taken.wall);
      }
    }
    for (const { title, cpu, wall } of contestants) {
      console.log(`${title}\n    ms of CPU ${show(cpu)}, ms in all ${show(wall)}: median (least)`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
