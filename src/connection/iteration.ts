/** Taking messages from an inbox by iteration and by a function. */

import { requireFunction, requireOptionalSignal } from "../arguments.ts";
import type { Message } from "../types.ts";
import type { Consumer, Inbox, Waiter } from "./inbox.ts";
import { pendingPromise } from "./promises.ts";

type Step = IteratorResult<Message, undefined>;

/** Iterates over what arrives. Leaving early, such as by `break`, takes nothing further. */
export class MessageIterator implements AsyncIterableIterator<Message, undefined> {
  readonly #inbox: Inbox;
  /** The step whose message is still to come; the last one, where `next` is called before it has. */
  #pending: PendingStep | undefined;

  /** Creates an iterator, which takes nothing yet. */
  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  /** The next message, once it is there. */
  next(): Promise<Step> {
    const value = this.#inbox.take("surely");
    if (value !== undefined) return Promise.resolve({ value, done: false });
    const { promise, resolve } = pendingPromise<Step>();
    this.#pending = new PendingStep(resolve, this.#inbox);
    this.#inbox.wait(this.#pending);
    return promise;
  }

  /** Itself, so that a loop may continue what `next` began. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Called where the loop is left. A step that waits is done: its message is left to others. */
  return(): Promise<Step> {
    this.#pending?.cancel();
    this.#inbox.leave();
    return Promise.resolve({ value: undefined, done: true });
  }
}

/** How long `forEach` goes on. */
export interface ForEachOptions {
  /**
   * Ends it: the promise rejects with the signal's reason, and the messages that the function has
   * not been given are left to others. Its work on a message is not waited for, and an error in it
   * is not reported.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Calls a function with each message; see `WebSocketConnection.forEach`. */
export function forEachMessage(
  inbox: Inbox,
  callback: Consumer,
  { signal }: ForEachOptions,
): Promise<void> {
  try {
    requireFunction("callback", callback);
    requireOptionalSignal("signal", signal);
    signal?.throwIfAborted();
  } catch (error) {
    return Promise.reject(error);
  }
  // Not an async function, since its own promise would be reported when it rejects at the end.
  return inbox.consume(callback, { signal, failsAtEnd: true }) as Promise<void>;
}

/** A step of an iteration whose message is still to come. */
class PendingStep implements Waiter {
  readonly #resolve: (step: Step | Promise<never>) => void;
  readonly #inbox: Inbox;

  constructor(resolve: (step: Step | Promise<never>) => void, inbox: Inbox) {
    this.#resolve = resolve;
    this.#inbox = inbox;
  }

  give(value: Message | null): void {
    if (value !== null) {
      this.#inbox.expect("surely");
      this.#resolve({ value, done: false });
      return;
    }
    const error = this.#inbox.iterationError();
    this.#resolve(error === undefined ? { value: undefined, done: true } : Promise.reject(error));
  }

  /** Waits no longer; nothing where it was given its message. */
  cancel(): void {
    this.#inbox.withdraw(this);
    this.#resolve({ value: undefined, done: true });
  }
}
