/**
 * Finding the end of a turn, so that all that is sent in it leaves in one write.
 *
 * An application that answers message after message does so over many microtasks, with no place to
 * say that it has done; where it asks for the next message and there is none, the connection flushes
 * without waiting for the end found here. What is left are two cases:
 *
 * - something is sent while received messages wait to be answered: more is likely to follow at once,
 *   and the end is looked for only behind all microtasks, so that 64 answers are one write;
 * - something is sent unasked, or the last answer: a few microtasks without another are the end.
 */

import { sharesTurns } from "./clock.ts";

/** Microtasks without another send before a turn counts as over. */
const PATIENCE = 2;

const resolved: Promise<void> = Promise.resolve();

/** Runs a callback behind all microtasks. */
type Schedule = (callback: () => void) => void;

/**
 * `setImmediate`, where the host has it, takes 1 µs, which all connections that wait share; a timer,
 * which every host has, 1 to 2 ms. Looked for when it is first needed: merely to ask Deno for it takes
 * 6 ms, as that loads its timers of Node.js.
 */
let schedule: Schedule | undefined;

function findSchedule(): Schedule {
  return (globalThis as { setImmediate?: Schedule }).setImmediate ??
    ((callback) => setTimeout(callback, 0));
}

let waiting: (() => void)[] = [];

function afterMicrotasks(callback: () => void): void {
  schedule ??= findSchedule();
  if (!sharesTurns) return schedule(callback);
  if (waiting.push(callback) === 1) schedule(endWaiting);
}

function endWaiting(): void {
  const due = waiting;
  waiting = [];
  let done = 0;
  try {
    while (done < due.length) due[done++]!();
  } finally {
    // Whatever one of them throws, no connection waits in vain because of another one.
    for (const callback of due.slice(done)) afterMicrotasks(callback);
  }
}

/** Calls back at the end of a turn in which something was noted. */
export class TurnEnd {
  readonly #onEnd: () => void;
  /** Which of the two looks is scheduled. */
  #looking = false;
  #waiting = false;
  #noted = 0;
  #seen = 0;
  #patience = 0;

  /** Creates it; `onEnd` is called once for each turn. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Whether the end is looked for behind all microtasks, so that nothing more need be noted. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Something was sent; `batch`: received messages wait to be answered. */
  note(batch: boolean): void {
    this.#noted++;
    if (batch) {
      if (this.#waiting) return;
      this.#waiting = true;
      afterMicrotasks(this.#endWait);
    } else if (!this.#looking) {
      this.#looking = true;
      this.#seen = this.#noted;
      this.#patience = 0;
      void resolved.then(this.#look);
    }
  }

  readonly #endWait = (): void => {
    this.#waiting = false;
    this.#onEnd();
  };

  readonly #look = (): void => {
    if (this.#seen !== this.#noted) {
      this.#seen = this.#noted;
      this.#patience = 0;
    } else if (++this.#patience >= PATIENCE) {
      this.#looking = false;
      this.#onEnd();
      return;
    }
    void resolved.then(this.#look);
  };
}
