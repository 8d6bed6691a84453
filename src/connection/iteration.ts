/** Taking messages from an inbox by iteration, by a function, and as a stream. */

import { requireFunction, requireOptionalSignal } from "../arguments.ts";
import type { Message } from "../types.ts";
import type { Consumer, Inbox, Returning, Waiter } from "./inbox.ts";
import { pendingPromise } from "./ready.ts";

type Step = IteratorResult<Message, undefined>;

/** Iterates over what arrives. Leaving early, as `break` does, takes nothing further. */
export class MessageIterator implements AsyncIterator<Message, undefined> {
  readonly #inbox: Inbox;

  /** Creates an iterator, which takes nothing yet. */
  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  /** The next message, once it is there. */
  next(): Promise<Step> {
    return nextStep(this.#inbox, "surely");
  }

  /** Called where the loop is left. */
  return(): Promise<Step> {
    this.#inbox.leave();
    return Promise.resolve({ value: undefined, done: true });
  }
}

/** How `forEach` goes on. */
export interface ForEachOptions {
  /**
   * Ends it: the promise rejects with the signal's reason, and the messages that the function has not
   * been given are left to others. What it is at work on is not waited for, nor is what it throws told.
   */
  readonly signal?: AbortSignal;
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
  // No function of its own around that promise, whose rejection at the end is not to be reported.
  return inbox.consume(callback, { signal, failsAtEnd: true });
}

/** The messages as a stream that is read only as it is read; `cancel` is called where that is. */
export function createReadable(
  inbox: Inbox,
  cancel: () => Promise<void>,
): ReadableStream<Message> {
  return new ReadableStream({
    pull: async (controller) => {
      // Who reads a stream does not say when he stops.
      const { value, done } = await nextStep(inbox, "perhaps");
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel,
  }, { highWaterMark: 0 });
}

function nextStep(inbox: Inbox, returning: Returning): Promise<Step> {
  const value = inbox.take(returning);
  if (value !== undefined) return Promise.resolve({ value, done: false });
  const { promise, resolve } = pendingPromise<Step>();
  inbox.wait(new PendingStep(resolve, inbox, returning));
  return promise;
}

/** A step of an iteration whose message is still to come. */
class PendingStep implements Waiter {
  readonly #resolve: (step: Step | Promise<never>) => void;
  readonly #inbox: Inbox;
  readonly #returning: Returning;

  constructor(
    resolve: (step: Step | Promise<never>) => void,
    inbox: Inbox,
    returning: Returning,
  ) {
    this.#resolve = resolve;
    this.#inbox = inbox;
    this.#returning = returning;
  }

  give(value: Message | null): void {
    if (value !== null) {
      this.#inbox.expect(this.#returning);
      this.#resolve({ value, done: false });
      return;
    }
    const error = this.#inbox.endOfMessages();
    this.#resolve(error === undefined ? { value: undefined, done: true } : Promise.reject(error));
  }
}
