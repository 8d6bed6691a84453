/** The platform's {@linkcode Clock}. */

import type { Clock } from "../types.ts";

/** The clock of every connection that is given no other. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (id) => clearTimeout(id as number),
};

/**
 * Whether connections may share a timer, or the end of a turn. On Workers they may not, since these
 * belong to the request that is being served: for the connection of another request they would come
 * when nothing can be done for it, or, once the first request is over, never.
 */
export const sharesTurns: boolean = !("WebSocketPair" in globalThis);

/** The clock of a connection; those that have the same one share timers. */
export function defaultClock(): Clock {
  return sharesTurns ? systemClock : { ...systemClock };
}
