/** The receiving half of a connection as a stream. */

import type { Message } from "../types.ts";
import type { Inbox, Waiter } from "./inbox.ts";
import { pendingPromise } from "./promises.ts";

/**
 * The messages as a stream, which takes one only when it is read. `cancel` is called when the
 * stream is cancelled.
 */
export function createReadable(
  inbox: Inbox,
  cancel: () => Promise<void>,
): ReadableStream<Message> {
  let waiter: Waiter | undefined;
  return new ReadableStream({
    pull: (controller) => {
      const give = (message: Message | null): void => {
        if (message !== null) return controller.enqueue(message);
        const error = inbox.iterationError();
        if (error === undefined) controller.close();
        else controller.error(error);
      };
      const message = inbox.take();
      if (message !== undefined) return give(message);
      const { promise, resolve } = pendingPromise<void>();
      waiter = {
        give: (message) => {
          give(message);
          resolve();
        },
      };
      inbox.wait(waiter);
      return promise;
    },
    cancel: () => {
      // The message that a pending read waits for must not be lost with it.
      if (waiter !== undefined) inbox.withdraw(waiter);
      return cancel();
    },
  }, { highWaterMark: 0 });
}
