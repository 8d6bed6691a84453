import { Inbox } from "../../src/connection/inbox.ts";

/** An inbox whose connection ends with `error`, or in order, and what it asks of that. */
export function createInbox(
  error?: Error,
): { readonly inbox: Inbox; readonly calls: string[] } {
  const calls: string[] = [];
  const inbox = new Inbox(
    { receiveHighWaterMark: 1_000, receiveLowWaterMark: 500, idleTimeout: 0 },
    {
      onReceived: () => {},
      pauseReading: () => {},
      resumeReading: () => {},
      flushAnswers: () => {},
      onAllHandled: () => void calls.push("finished"),
      isClosing: () => true,
      iterationError: () => error,
    },
  );
  return { inbox, calls };
}
