/**
 * Where the CPU of a server goes, by samples of `perf`.
 */

/** Shares of the samples, 1 together. */
export interface Profile {
  /** In the kernel: sockets and memory. */
  readonly kernel: number;
  /**
   * In the runtime and its libraries, including what the engine does for promises, arrays and
   * garbage.
   */
  readonly runtime: number;
  /** In what the engine has compiled: the library, the server, and the runtime's own JavaScript. */
  readonly compiled: number;
}

/** Samples in a second. */
const FREQUENCY = 1999;

/**
 * Samples all threads of a process for some seconds.
 *
 * @throws {Error} where there is no `perf`, or it may not sample.
 */
export async function sampleProcess(pid: number, seconds: number): Promise<Profile> {
  const file = await Deno.makeTempFile({ suffix: ".perf" });
  try {
    // The clock and not a counter of cycles, which virtual machines often lack.
    const options = ["-q", "-e", "cpu-clock", "-F", String(FREQUENCY), "-p", String(pid)];
    await runPerf(["record", ...options, "-o", file, "--", "sleep", String(seconds)]);
    const report = await runPerf([
      ...["report", "-i", file, "--stdio", "--no-children", "-g", "none", "--sort", "dso"],
    ]);
    return parseProfile(report);
  } finally {
    await Deno.remove(file);
  }
}

/** Sums up a report by `--sort dso`. */
export function parseProfile(report: string): Profile {
  const sums = { kernel: 0, runtime: 0, compiled: 0 };
  for (const [, percentage, object] of report.matchAll(/^ *([\d.]+)% +(\S.*?) *$/gm)) {
    sums[partOf(object!)] += Number(percentage);
  }
  const all = sums.kernel + sums.runtime + sums.compiled;
  if (all === 0) throw new Error("Cannot profile: there are no samples");
  return {
    kernel: sums.kernel / all,
    runtime: sums.runtime / all,
    compiled: sums.compiled / all,
  };
}

/** Compiled code lies in memory that belongs to no file, for which `perf` has several names. */
function partOf(object: string): keyof Profile {
  if (/^\[JIT\]|^\[unknown\]|anon|^perf-\d+\.map|^memfd:/.test(object)) return "compiled";
  return object.startsWith("[") ? "kernel" : "runtime";
}

async function runPerf(args: string[]): Promise<string> {
  let output;
  try {
    output = await new Deno.Command("perf", { args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("Cannot profile: there is no perf, which Debian has as linux-perf");
  }
  const decoder = new TextDecoder();
  if (!output.success) throw new Error(`Cannot profile: ${decoder.decode(output.stderr)}`);
  return decoder.decode(output.stdout);
}
