/** Finding out when a host that does not tell has written what it was given. */

import type { Clock } from "../types.ts";

/** Milliseconds between two looks, doubled each time. */
const FIRST_LOOK = 1;
const LAST_LOOK = 64;
/** Stands for a look that no timer brings. */
const SOON = "soon";

/** When it may pay to look first. */
export interface DrainHint {
  /** Calls back when what was given has most likely been written; without this a timer does. */
  soon?(callback: () => void): void;
}

/** Looks again and again, at growing intervals, until all but a little is written. */
export class DrainWatch {
  readonly #clock: Clock;
  readonly #isDrained: () => boolean;
  /** The timer of the next look, or {@linkcode SOON}; `undefined` while nothing is watched. */
  #look: unknown;
  #delay = FIRST_LOOK;

  /**
   * Creates a watch that is still to be started. It ends by itself with the look at which
   * `isDrained` returns `true`, and counts as ended before it asks: `isDrained` may start it anew.
   */
  constructor(clock: Clock, isDrained: () => boolean) {
    this.#clock = clock;
    this.#isDrained = isDrained;
  }

  /** Whether it has been started, and has not ended. */
  get isRunning(): boolean {
    return this.#look !== undefined;
  }

  /** Begins to look, at short intervals first, unless it is at it already. */
  start(hint: DrainHint): void {
    if (this.isRunning) return;
    this.#delay = FIRST_LOOK;
    if (hint.soon === undefined) return this.#setTimer();
    this.#look = SOON;
    hint.soon(() => {
      if (this.#look === SOON) this.#lookNow();
    });
  }

  /** Looks no more. */
  stop(): void {
    if (this.#look !== SOON) this.#clock.clearTimeout(this.#look);
    this.#look = undefined;
  }

  #setTimer(): void {
    this.#look = this.#clock.setTimeout(() => {
      this.#delay = Math.min(2 * this.#delay, LAST_LOOK);
      this.#lookNow();
    }, this.#delay);
  }

  #lookNow(): void {
    this.#look = undefined;
    if (!this.#isDrained()) this.#setTimer();
  }
}
