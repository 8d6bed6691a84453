/** Names the case that hangs, from a thread of its own, since whoever hangs cannot say so. */

/** What is shared with the thread: which fuzzer runs, and the seed of its case in two halves. */
export type Progress = Int32Array<SharedArrayBuffer>;

/** What the thread is told. */
export interface Watch {
  readonly progress: Progress;
  /** The names of the fuzzers. */
  readonly names: readonly string[];
}

/** Watches the fuzzers of a run. */
export class Watchdog implements Disposable {
  readonly #progress: Progress = new Int32Array(new SharedArrayBuffer(12));
  readonly #worker: Worker;

  constructor(names: readonly string[]) {
    this.#worker = new Worker(new URL("./watchdog_worker.ts", import.meta.url), { type: "module" });
    const watch: Watch = { progress: this.#progress, names };
    this.#worker.postMessage(watch);
  }

  /** A case begins. */
  note(fuzzer: number, seed: number): void {
    this.#progress[0] = fuzzer;
    this.#progress[1] = Math.floor(seed / 2 ** 31);
    this.#progress[2] = seed % 2 ** 31;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
