/** The platform's {@linkcode Clock}. */

import type { Clock } from "../types.ts";

/** The clock of every connection that is given no other. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (id) => clearTimeout(id as number),
};
