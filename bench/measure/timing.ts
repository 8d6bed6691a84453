import type { Options } from "../options.ts";
import { peersFor } from "../peers.ts";
import type { Timing } from "../results.ts";
import type { Workload } from "../workloads.ts";

/** Seconds to start one server. */
const SERVER_START = 0.15;

/** Seconds to start and end one load generator. */
const LOAD_START = 0.1;

/** Seconds to open one connection. */
const OPENING = 0.0001;

/** Seconds of load before each window. */
const WARMUP = 0.25;

/**
 * Seconds of load before the first turn of a server, in which its engine compiles what runs often.
 */
export const HEATING = 1;

/**
 * Seconds of load before each window of a client. It is a fresh process each time and must compile
 * its code, as a server must only before its first: one message in flight takes ours on Bun 48 µs
 * behind half a second, and 29 behind three.
 */
export const CLIENT_HEATING = 3;

/** Seconds for which a server with idle connections is left alone, and to open the first ones. */
const IDLE_SECONDS = 0.8;

/** The most turns that each peer has in the memory measurement, which hardly varies. */
export const IDLE_ROUNDS = 2;

/**
 * Seconds for which a server is sampled, and seconds that this takes beyond what a window takes.
 */
export const PROFILE_SECONDS = 1;
const PROFILE_OVERHEAD = 1;

/** The longest and the shortest window, in seconds. */
const WINDOW = { min: 0.3, max: 2.5 };

/** Divides the budget among the windows, unless their length is given. */
export function planTiming(options: Options): Timing {
  const { rounds, workloads, peers, profile } = options;
  let fixed = 0;
  let windows = 0;
  for (const workload of workloads) {
    const count = peersFor(workload, peers).length;
    const turns = count * (workload.measures === "idle" ? Math.min(rounds, IDLE_ROUNDS) : rounds);
    fixed += count * SERVER_START + turns * overhead(workload);
    if (profile && isServed(workload)) fixed += count * (PROFILE_SECONDS + PROFILE_OVERHEAD);
    if (isServed(workload)) fixed += count * (LOAD_START + HEATING);
    if (workload.measures !== "idle") windows += turns;
  }
  const left = (options.budget - fixed) / Math.max(1, windows);
  const allowed = Math.min(WINDOW.max, Math.max(WINDOW.min, left));
  return { seconds: options.seconds ?? allowed, warmup: WARMUP, rounds, profile };
}

/** Whether one server has all turns of a peer. */
function isServed({ measures }: Workload): boolean {
  return measures !== "idle" && measures !== "client";
}

/** Seconds of one turn besides its window. */
function overhead(workload: Workload): number {
  const opening = workload.connections * OPENING;
  switch (workload.measures) {
    case "idle":
      return SERVER_START + 2 * LOAD_START + opening + IDLE_SECONDS;
    case "client":
      return SERVER_START + LOAD_START + opening + CLIENT_HEATING;
    default:
      return LOAD_START + opening + WARMUP;
  }
}
