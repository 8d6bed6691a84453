/**
 * The timeouts of all connections, on a single timer of the host. A timer for each would take
 * 1.2 KiB per connection on Deno and 0.3 KiB on Bun, besides the time to set and clear it.
 */

import type { Clock } from "../types.ts";

/** Rings once when due, unless cleared. Only `Alarms` writes `due` and `place`. */
export interface Alarm {
  /** When it is due, by the clock. */
  due: number;
  /** Its place among the others; -1 while it is not set. */
  place: number;
  /** Called when it is due; by then it is no longer set. */
  ring(): void;
}

const shared = new WeakMap<Clock, Alarms>();

/** Alarms in a binary heap, the next one to ring at its top. */
export class Alarms {
  readonly #clock: Clock;
  readonly #heap: Alarm[] = [];
  #timer: unknown;
  /** When the timer fires; while the alarms ring, `-Infinity`, so that no timer is set. */
  #timerDue = Infinity;

  /** The alarms of all that use the same clock. */
  static on(clock: Clock): Alarms {
    let alarms = shared.get(clock);
    if (alarms === undefined) shared.set(clock, alarms = new Alarms(clock));
    return alarms;
  }

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets an alarm that is not set yet. */
  set(alarm: Alarm, due: number): void {
    alarm.due = due;
    this.#raise(alarm, this.#heap.length);
    if (due < this.#timerDue) this.#setTimer(due);
  }

  /** Forgets an alarm, if it is set. */
  clear(alarm: Alarm): void {
    const { place } = alarm;
    if (place === -1) return;
    alarm.place = -1;
    const last = this.#heap.pop()!;
    if (last !== alarm) {
      if (last.due < alarm.due) this.#raise(last, place);
      else this.#lower(last, place);
    }
    // A timer that fires and finds nothing due is cheaper than a new one for each alarm.
    if (this.#heap.length === 0) this.#clearTimer();
  }

  readonly #ringAll = (): void => {
    this.#timer = undefined;
    this.#timerDue = -Infinity;
    const now = this.#clock.now();
    try {
      for (let next = this.#heap[0]; next !== undefined && next.due <= now; next = this.#heap[0]) {
        this.clear(next);
        next.ring();
      }
    } finally {
      // Whatever one of them throws, the others still ring.
      this.#timerDue = Infinity;
      const next = this.#heap[0];
      if (next !== undefined) this.#setTimer(next.due);
    }
  };

  #setTimer(due: number): void {
    this.#clearTimer();
    this.#timerDue = due;
    this.#timer = this.#clock.setTimeout(this.#ringAll, Math.max(0, due - this.#clock.now()));
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDue = Infinity;
  }

  /** Puts an alarm at a free place, or above. */
  #raise(alarm: Alarm, place: number): void {
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = this.#heap[above]!;
      if (other.due <= alarm.due) break;
      this.#put(other, place);
      place = above;
    }
    this.#put(alarm, place);
  }

  /** Puts an alarm at a free place, or below. */
  #lower(alarm: Alarm, place: number): void {
    const heap = this.#heap;
    for (;;) {
      let below = 2 * place + 1;
      if (below + 1 < heap.length && heap[below + 1]!.due < heap[below]!.due) below++;
      if (below >= heap.length || heap[below]!.due >= alarm.due) break;
      this.#put(heap[below]!, place);
      place = below;
    }
    this.#put(alarm, place);
  }

  #put(alarm: Alarm, place: number): void {
    this.#heap[place] = alarm;
    alarm.place = place;
  }
}

/** A timeout, like one of the clock's `setTimeout`, as an alarm. */
export class Timeout implements Alarm {
  /** See {@linkcode Alarm}. */
  due = 0;
  /** See {@linkcode Alarm}. */
  place = -1;
  readonly #clock: Clock;
  readonly #callback: () => void;

  /** Calls back in `delay` milliseconds, unless cleared before. */
  constructor(clock: Clock, callback: () => void, delay: number) {
    this.#clock = clock;
    this.#callback = callback;
    Alarms.on(clock).set(this, clock.now() + delay);
  }

  /** Forgets it, if it is still to come. */
  clear(): void {
    Alarms.on(this.#clock).clear(this);
  }

  /** See {@linkcode Alarm}. */
  ring(): void {
    this.#callback();
  }
}
