import type { Options } from "./options.ts";
import type { Timing } from "./throughput.ts";

/** Seconds to start one server. */
const SERVER_START = 0.3;

/** Seconds to start and end one load generator. */
const LOAD_START = 0.15;

/** Seconds of load before each window. */
const WARMUP = 0.35;

/** Seconds of one memory measurement. */
const IDLE_SECONDS = 1.7;

/** How often each peer has its turn in the memory measurement, which hardly varies. */
export const IDLE_ROUNDS = 2;

/** The longest and the shortest window: CPU is counted in steps of 10 ms, 1 % of a second. */
const WINDOW = { min: 0.4, max: 2.5 };

/** Divides the budget among the windows, unless their length is given. */
export function planTiming(options: Options): Timing {
  const { rounds } = options;
  const servers = options.peers.length * options.workloads.length;
  const idle = options.idleConnections > 0 ? options.peers.length * IDLE_ROUNDS * IDLE_SECONDS : 0;
  const left = options.budget - servers * SERVER_START - idle;
  const turn = left / (servers * rounds);
  const allowed = Math.min(WINDOW.max, Math.max(WINDOW.min, turn - LOAD_START - WARMUP));
  return { seconds: options.seconds ?? allowed, warmup: WARMUP, rounds };
}
