/** Programs that a test starts, speaks to, and ends by their own handles. */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { runtime } from "../harness.ts";
import { projectRoot } from "./files.ts";

/** Milliseconds that a program may take to say something. */
const ANSWER_TIMEOUT = 30_000;

/** A running program. Leaving its scope kills it, if it is there still. */
export class Program implements AsyncDisposable {
  /**
   * Resolves with the exit code once its output has ended too; with `null` where a signal ended it,
   * or where it could not be started.
   */
  readonly exited: Promise<number | null>;
  /** What it has written so far, to either output. */
  output = "";
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  #wake: () => void = () => {};
  #ended = false;

  constructor(command: string, args: readonly string[]) {
    this.#name = [command, ...args].join(" ");
    this.#child = spawn(command, args, { cwd: projectRoot, stdio: "pipe" });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    this.#child.stdin.on("error", () => {}); // it has ended without reading everything
    const end = Promise.withResolvers<number | null>();
    this.exited = end.promise;
    const onEnd = (code: number | null) => {
      this.#ended = true;
      this.#wake();
      end.resolve(code);
    };
    this.#child.on("close", onEnd);
    this.#child.on("error", (error) => {
      this.output += error.message;
      onEnd(null);
    });
  }

  /** The id of its process. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until the output matches, for so many milliseconds. */
  async outputMatching(
    pattern: RegExp,
    timeout: number = ANSWER_TIMEOUT,
  ): Promise<RegExpExecArray> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.#ended || Date.now() > deadline) {
        throw new Error(`No ${pattern} in the output of "${this.#name}":\n${this.output}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now() + 1);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Writes a line to its input. */
  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its input. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Asks it to end, and resolves as {@linkcode exited} does. */
  stop(signal: "SIGINT" | "SIGTERM" = "SIGTERM"): Promise<number | null> {
    // Deno reports whatever `ChildProcess.kill` has signalled as ended by the signal.
    process.kill(this.#child.pid!, signal);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.exited;
  }
}

/** Starts one of the examples under the runtime that runs the test. */
export function startExample(file: string, ...args: string[]): Program {
  const run = runtime === "deno" ? ["run", "-A", "--quiet"] : ["run"];
  return new Program(process.execPath, [...run, `examples/${file}`, ...args]);
}

/** Python as Debian installs it, which has Debian's packages. */
const PYTHON = "/usr/bin/python3";

/** Starts a script of `tests/interop`. */
export function startPython(script: string, ...args: string[]): Program {
  return new Program(PYTHON, [`tests/interop/${script}`, ...args]);
}

/** Why a Python package cannot be used here, or `undefined`. */
export function missingPython(packageName: string): string | undefined {
  const { error, status } = spawnSync(PYTHON, ["-c", `import ${packageName}`], { stdio: "ignore" });
  if (error !== undefined) return `there is no ${PYTHON}`;
  return status === 0 ? undefined : `${PYTHON} has no package ${packageName}`;
}
