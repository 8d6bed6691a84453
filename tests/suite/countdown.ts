/** Time limits that hold a peer to account for its silence, and not for a standstill of our own. */

/** How many timeouts a limit is made of, and the least milliseconds of each. */
const MOST_STEPS = 10;
const LEAST_STEP = 10;

/**
 * A time limit made of timeouts one after the other. A process that is stopped for longer than the
 * limit comes too late to one of them only, and hears in the others what had been said meanwhile.
 */
export class Countdown {
  readonly #steps: number;
  readonly #step: number;
  readonly #onEnd: () => void;
  #left = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `onEnd` once so many milliseconds are over, unless stopped. */
  constructor(milliseconds: number, onEnd: () => void) {
    this.#steps = Math.max(1, Math.min(MOST_STEPS, Math.floor(milliseconds / LEAST_STEP)));
    this.#step = milliseconds / this.#steps;
    this.#onEnd = onEnd;
    this.restart();
  }

  /** All of the time is left again. */
  restart(): void {
    this.stop();
    this.#left = this.#steps;
    this.#next();
  }

  /** Nothing is called any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #next(): void {
    this.#timer = setTimeout(() => {
      if (--this.#left > 0) this.#next();
      else this.#onEnd();
    }, this.#step);
  }
}
