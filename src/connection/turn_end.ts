/**
 * Finding the end of a turn, so that all that is sent in it leaves in one write.
 *
 * An application that answers message after message does so over many microtasks, with no place to
 * say that it is done. Where it asks for the next message and there is none, the connection flushes
 * without waiting for the end found here. Two cases are left:
 *
 * - something is sent while received messages wait to be answered: more is likely to follow at
 *   once, and the end is looked for only after all microtasks, so that 64 answers are one write;
 * - something is sent unasked, or as the last answer: a few microtasks without another send are the
 *   end.
 */

import { sharesTurns } from "./clock.ts";

/** Microtasks without another send before a turn counts as over. */
const PATIENCE = 2;
/**
 * Looks after which a turn is over in any case, so that sending without end holds nobody else up
 * for long.
 */
const MOST_LOOKS = 1000;

const resolved: Promise<void> = Promise.resolve();

/** Runs a callback after all microtasks. */
type Schedule = (callback: () => void) => void;

/**
 * `setImmediate`, where the host has it, takes 1 µs, shared by all connections that wait; a timer,
 * which every host has, takes 1 to 2 ms. It is looked for when first needed: merely asking Deno for
 * it takes 6 ms, since that loads its timers of Node.js.
 */
let schedule: Schedule | undefined;

function findSchedule(): Schedule {
  return (globalThis as { setImmediate?: Schedule }).setImmediate ??
    ((callback) => setTimeout(callback, 0));
}

/** Turns whose end is looked for after all microtasks. */
let waiting: TurnEnd[] = [];

/**
 * Looks, one microtask after the other, until nothing more is being sent. One serves all
 * connections, so that a message to a thousand of them takes two or three microtasks rather than as
 * many thousands.
 */
class QuietLook {
  #turns: TurnEnd[] = [];
  #noted = 0;
  #seen = 0;
  #patience = 0;
  #looks = 0;

  /** Something was sent. */
  note(): void {
    this.#noted++;
  }

  /** Ends a turn once it is quiet. */
  add(turn: TurnEnd): void {
    if (this.#turns.push(turn) > 1) return;
    this.#seen = this.#noted;
    this.#patience = this.#looks = 0;
    void resolved.then(this.#look);
  }

  readonly #look = (): void => {
    const isQuiet = this.#seen === this.#noted;
    this.#seen = this.#noted;
    this.#patience = isQuiet ? this.#patience + 1 : 0;
    if (this.#patience < PATIENCE && ++this.#looks < MOST_LOOKS) {
      void resolved.then(this.#look);
      return;
    }
    const due = this.#turns;
    this.#turns = [];
    endAll(due, (turn) => turn.endLook(), (turn) => this.add(turn));
  };
}

/** Ends turns; whatever one of them throws, no connection waits in vain because of another one. */
function endAll(
  due: readonly TurnEnd[],
  end: (turn: TurnEnd) => void,
  addAgain: (turn: TurnEnd) => void,
): void {
  let done = 0;
  try {
    while (done < due.length) end(due[done++]!);
  } finally {
    while (done < due.length) addAgain(due[done++]!);
  }
}

function endAfterMicrotasks(turn: TurnEnd): void {
  schedule ??= findSchedule();
  if (!sharesTurns) return schedule(() => turn.endWait());
  if (waiting.push(turn) === 1) schedule(endWaiting);
}

function endWaiting(): void {
  const due = waiting;
  waiting = [];
  endAll(due, (turn) => turn.endWait(), endAfterMicrotasks);
}

const commonLook = new QuietLook();

/** Calls back at the end of a turn in which something was noted. */
export class TurnEnd {
  readonly #onEnd: () => void;
  readonly #look: QuietLook = sharesTurns ? commonLook : new QuietLook();
  /** Whether an end is looked for, and whether after all microtasks. */
  #looking = false;
  #waiting = false;

  /** Creates it; `onEnd` is called once for each turn. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Whether the end is looked for after all microtasks, so that nothing more need be noted. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Something was sent, unasked or as the last answer. */
  note(): void {
    this.#look.note();
    if (this.#looking) return;
    this.#looking = true;
    this.#look.add(this);
  }

  /** Something was sent while received messages wait to be answered. */
  noteBatch(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    endAfterMicrotasks(this);
  }

  /** Called after all microtasks. */
  endWait(): void {
    this.#waiting = false;
    this.#onEnd();
  }

  /** Called when nothing more is being sent. */
  endLook(): void {
    this.#looking = false;
    this.#onEnd();
  }
}

/** Calls back after all microtasks, including those that they queue. */
export function afterMicrotasks(callback: () => void): void {
  new TurnEnd(callback).noteBatch();
}
