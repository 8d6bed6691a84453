/** The sending half of a connection as a stream. */

import type { Sendable } from "../types.ts";
import { afterMicrotasks } from "./turn_end.ts";

/** What the stream needs of its connection. */
export interface WritableOwner {
  /** Resolves, never rejects, when the connection has ended. */
  readonly closed: Promise<unknown>;
  /** Sends a message; rejects once the connection is closing. */
  send(message: Sendable): Promise<void>;
  /** Closes in order. */
  close(): Promise<{ readonly wasClean: boolean }>;
  /** Drops the connection. */
  abort(reason: unknown): void;
}

/**
 * A sink of messages, which fails with `closedError` when its connection ends, and where the end
 * that closing it leads to is not clean: then it is not known what the peer has of it.
 */
export function createWritable(
  owner: WritableOwner,
  closedError: () => Error,
): WritableStream<Sendable> {
  let closing = false;
  return new WritableStream({
    start: (controller) => {
      // Here rather than in `abort`, which the stream calls only after the write under way.
      const { signal } = controller;
      signal.addEventListener("abort", () => owner.abort(signal.reason), { once: true });
      // Not at once: whoever pipes what is received into it is about to close it.
      const fail = () => {
        if (!closing) controller.error(closedError());
      };
      void owner.closed.then(() => afterMicrotasks(fail));
    },
    write: (message) => owner.send(message),
    close: async () => {
      closing = true;
      const { wasClean } = await owner.close();
      if (!wasClean) throw closedError();
    },
  });
}
