/** The time for connections of `Bun.serve`, where each message is a call of its own. */

import { systemClock } from "../connection/clock.ts";
import type { Clock } from "../types.ts";

/** Milliseconds that a reading may be old. */
const MAX_AGE = 10;

/**
 * A clock that reads the time once in a while: to read it for every message, to note that the peer
 * lives, takes 0.06 of the 0.3 microseconds that an echo does.
 */
export class CoarseClock implements Clock {
  readonly #source: Clock;
  #reading: number | undefined;

  /** Creates a clock that reads another. */
  constructor(source: Clock) {
    this.#source = source;
  }

  /** Milliseconds, up to {@linkcode MAX_AGE} too few. */
  now(): number {
    if (this.#reading === undefined) {
      this.#reading = this.#source.now();
      this.#source.setTimeout(this.#forget, MAX_AGE);
    }
    return this.#reading;
  }

  /** Makes the next reading exact, as where a duration is measured. */
  refresh(): void {
    if (this.#reading !== undefined) this.#reading = this.#source.now();
  }

  /** Runs `callback` once after `delay` milliseconds. */
  setTimeout(callback: () => void, delay: number): unknown {
    return this.#source.setTimeout(callback, delay);
  }

  /** Forgets a timeout. */
  clearTimeout(id: unknown): void {
    this.#source.clearTimeout(id);
  }

  readonly #forget = (): void => {
    this.#reading = undefined;
  };
}

/** The clock of every connection of `Bun.serve` that is given no other. */
export const bunClock: CoarseClock = new CoarseClock(systemClock);
