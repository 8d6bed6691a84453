/** A copy of the sources in which some files are others. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { runtime } from "../harness.ts";
import { listFiles, readProjectFile } from "../tools/files.ts";
import { Program } from "../tools/program.ts";

/** Leaving its scope removes it. */
export class SourceCopy implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "gale-sources-"));

  /** Copies the sources, but for those that are given by their paths from the project's folder. */
  constructor(given: ReadonlyMap<string, string>) {
    for (const path of new Set([...listFiles("src", ".ts"), ...given.keys()])) {
      const target = join(this.#folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, given.get(path) ?? readProjectFile(path));
    }
  }

  /** Starts a program of this folder with the entry point of the runtime, from the copy. */
  start(program: string): Program {
    const run = runtime === "deno" ? ["run", "-A", "--quiet"] : ["run"];
    const entryPoint = join(this.#folder, `src/adapters/${runtime}.ts`);
    return new Program(process.execPath, [...run, `tests/start/${program}`, entryPoint]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
