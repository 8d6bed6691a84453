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
/** Looks after which it is over in any case: who sends without end holds nobody else up for long. */
const MOST_LOOKS = 1000;

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

/** Turns whose end is looked for behind all microtasks. */
let waiting: TurnEnd[] = [];

/**
 * Looks, one microtask after the other, until nothing more is being sent. One serves all connections,
 * so that a message to a thousand of them takes two or three microtasks and not as many thousands.
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
  /** Whether an end is looked for, and whether behind all microtasks. */
  #looking = false;
  #waiting = false;

  /** Creates it; `onEnd` is called once for each turn. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Whether the end is looked for behind all microtasks, so that nothing more need be noted. */
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

  /** Called behind all microtasks. */
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

/** Calls back behind all microtasks, those that they bring with them included. */
export function afterMicrotasks(callback: () => void): void {
  new TurnEnd(callback).noteBatch();
}
