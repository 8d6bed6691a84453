/** A time limit and an application's signal as one. */

import { Timeout } from "../connection/alarms.ts";
import type { Clock } from "../types.ts";

/** How long something may take. */
export interface DeadlineInit {
  /** Milliseconds; 0 for no limit. */
  readonly timeout: number;
  /** The source of time. */
  readonly clock: Clock;
  /** Ends it earlier. */
  readonly signal: AbortSignal | undefined;
}

/** Aborts its {@linkcode signal} when the time is over or the application's signal is aborted. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #init: DeadlineInit;
  readonly #timeout: Timeout | undefined;

  /** Starts the time. */
  constructor(init: DeadlineInit) {
    this.#init = init;
    const { timeout, clock, signal } = init;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener("abort", this.#onAbort);
    if (timeout > 0) this.#timeout = new Timeout(clock, () => this.#expire(), timeout);
  }

  /** The reason is the application's, or a `DOMException` named `TimeoutError`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Forgets the time and the application's signal: nothing is aborted any more. */
  [Symbol.dispose](): void {
    this.#timeout?.clear();
    this.#init.signal?.removeEventListener("abort", this.#onAbort);
  }

  #expire(): void {
    const message = `The time limit of ${this.#init.timeout} ms is over`;
    this.#controller.abort(new DOMException(message, "TimeoutError"));
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#init.signal!.reason);
}
