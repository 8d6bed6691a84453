/** The platform's {@linkcode Clock}. */

import type { Clock } from "../types.ts";

/** The clock of every connection that is given no other. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (id) => clearTimeout(id as number),
};

/**
 * Whether connections may share a timer, or the end of a turn. Not so on Workers, where these belong to
 * the request that is being served: for the connection of another one they would come at a time when
 * nothing can be done for it, or never, once the first request is over.
 */
export const sharesTurns: boolean = !("WebSocketPair" in globalThis);

/** The clock of a connection; those that have the same one share timers. */
export function defaultClock(): Clock {
  return sharesTurns ? systemClock : { ...systemClock };
}
