/** Taking messages from an inbox by iteration, and as a stream. */

import type { Message } from "../types.ts";
import type { Inbox, Returning } from "./inbox.ts";

/** Says, once no more messages come, what an iteration throws; `undefined` where it just ends. */
export type EndOfMessages = () => Error | undefined;

type Step = IteratorResult<Message, undefined>;

/** Iterates over what arrives. Leaving early, as `break` does, takes nothing further. */
export class MessageIterator implements AsyncIterator<Message, undefined> {
  readonly #inbox: Inbox;
  readonly #end: EndOfMessages;

  /** Creates an iterator, which takes nothing yet. */
  constructor(inbox: Inbox, end: EndOfMessages) {
    this.#inbox = inbox;
    this.#end = end;
  }

  /** The next message, once it is there. */
  next(): Promise<Step> {
    return nextStep(this.#inbox, this.#end, "surely");
  }

  /** Called where the loop is left. */
  return(): Promise<Step> {
    this.#inbox.leave();
    return Promise.resolve({ value: undefined, done: true });
  }
}

/** The messages as a stream that is read only as it is read; `cancel` is called where that is. */
export function createReadable(
  inbox: Inbox,
  end: EndOfMessages,
  cancel: () => Promise<void>,
): ReadableStream<Message> {
  return new ReadableStream({
    pull: async (controller) => {
      // Who reads a stream does not say when he stops.
      const { value, done } = await nextStep(inbox, end, "perhaps");
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel,
  }, { highWaterMark: 0 });
}

function nextStep(inbox: Inbox, end: EndOfMessages, returning: Returning): Promise<Step> {
  const value = inbox.take(returning);
  if (value !== undefined) return Promise.resolve({ value, done: false });
  return new Promise((resolve, reject) => {
    inbox.wait((value) => {
      if (value !== null) {
        inbox.expect(returning);
        resolve({ value, done: false });
        return;
      }
      const error = end();
      if (error === undefined) resolve({ value: undefined, done: true });
      else reject(error);
    });
  });
}
