import type { Runtime } from "./peers.ts";

/** The version of Bun that is fetched where none is installed. */
const BUN = "bun@1.4.5";

/** Flags a script is started with, by runtime: Deno hands out its garbage collector only on demand. */
const flags: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  bun: ["run"],
};

/** The executables of the runtimes. */
export class Runtimes {
  readonly #paths: Readonly<Record<Runtime, string>>;

  private constructor(paths: Readonly<Record<Runtime, string>>) {
    this.#paths = paths;
  }

  /**
   * Finds them: Deno is the one that runs this, Bun the one that `npx` has or fetches. The programs
   * are started by their paths from then on, so that the process started is the one measured and
   * not a launcher of `npx`.
   */
  static async find(): Promise<Runtimes> {
    const bun = await output("npx", ["-y", BUN, "-e", "console.log(process.execPath)"]);
    return new Runtimes({ deno: Deno.execPath(), bun });
  }

  /** The command that runs a script of this folder. */
  command(runtime: Runtime, script: string, args: readonly string[]): string[] {
    const path = new URL(script, import.meta.url).pathname;
    return [this.#paths[runtime], ...flags[runtime], path, ...args];
  }

  /** The versions of the runtimes. */
  async versions(): Promise<Record<Runtime, string>> {
    return { deno: Deno.version.deno, bun: await output(this.#paths.bun, ["--version"]) };
  }
}

async function output(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run ${command}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}
