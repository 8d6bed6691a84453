/** Time for the connections of a Worker. */

import { systemClock } from "../connection/clock.ts";
import type { Clock } from "../types.ts";

/**
 * Gives a connection a clock of its own, where the options name none. Connections that go by one clock
 * share timers, and a Worker's timer belongs to the request during which it was set: for another one it
 * would fire at the wrong time to do anything, or never, once the first is over.
 */
export function withOwnClock<Options extends { readonly clock?: Clock }>(
  options: Options,
): Options {
  return options.clock === undefined ? { ...options, clock: { ...systemClock } } : options;
}
