import type { Runtime } from "../peers.ts";

/** The version of Bun that is fetched where none is installed. */
const BUN = "bun@1.4.5";

/** V8 hands out its garbage collector only on demand. */
const EXPOSE_GC = "--expose-gc";

/** The executables of the runtimes. */
export class Runtimes implements AsyncDisposable {
  readonly #paths: Readonly<Record<Runtime, string>>;
  /** What a script is started with. */
  readonly #flags: Readonly<Record<Runtime, readonly string[]>>;
  /** Where the scripts that Node.js runs are put. */
  readonly #scratch: string;

  private constructor(
    paths: Readonly<Record<Runtime, string>>,
    v8Flags: readonly string[],
    scratch: string,
  ) {
    this.#paths = paths;
    this.#flags = {
      deno: ["run", "-A", "--quiet", `--v8-flags=${v8Flags}`],
      bun: ["run"],
      node: v8Flags,
    };
    this.#scratch = scratch;
  }

  /**
   * Finds them: Deno is the one that runs this, Node.js the one that is installed, Bun the one that
   * `npx` has or fetches. The programs are started by their paths from then on, so that the process
   * started is the one measured and not a launcher of `npx`.
   *
   * @param v8Flags Further flags of V8, separated by commas.
   */
  static async find(v8Flags?: string): Promise<Runtimes> {
    const bun = await output("npx", ["-y", BUN, "-e", "console.log(process.execPath)"]);
    const node = await output("node", ["-p", "process.execPath"]);
    const flags = [EXPOSE_GC, ...(v8Flags?.split(",") ?? [])];
    return new Runtimes({ deno: Deno.execPath(), bun, node }, flags, await Deno.makeTempDir());
  }

  /** The command that runs a script, which is named by its path from `bench/`. */
  async command(runtime: Runtime, script: string, args: readonly string[]): Promise<string[]> {
    const source = new URL(`../${script}`, import.meta.url).pathname;
    const path = runtime === "node" ? await this.#bundle(source, script) : source;
    return [this.#paths[runtime], ...this.#flags[runtime], path, ...args];
  }

  /** The versions of the runtimes. */
  async versions(): Promise<Record<Runtime, string>> {
    return {
      deno: Deno.version.deno,
      bun: await output(this.#paths.bun, ["--version"]),
      node: (await output(this.#paths.node, ["--version"])).slice(1),
    };
  }

  /** Removes what was made for Node.js. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#scratch, { recursive: true });
  }

  /**
   * Makes one file of JavaScript from a script and what it imports, including packages: Node.js 20
   * reads no TypeScript.
   */
  async #bundle(source: string, script: string): Promise<string> {
    const bundle = `${this.#scratch}/${script.replaceAll("/", "_").replace(/ts$/, "mjs")}`;
    await output(this.#paths.bun, ["build", source, "--target=node", `--outfile=${bundle}`]);
    return bundle;
  }
}

async function output(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run ${command}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}
