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
      onFinished: () => void calls.push("finished"),
      isClosing: () => true,
      endOfMessages: () => error,
    },
  );
  return { inbox, calls };
}
