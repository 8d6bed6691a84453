/**
 * A timed window: what was counted in it, and the CPU that it took.
 */
import process from "node:process";
import {
  cpuSecondsBetween,
  type CpuTimes,
  readBusySeconds,
  readCpuTimes,
} from "../process/proc.ts";

/** What the load generator prints at the end of a timed window. */
export interface LoadResult {
  /** What was counted within the window: messages, deliveries or connections. */
  readonly count: number;
  /** Bytes received within the window, without the heads of handshakes. */
  readonly bytes: number;
  /** Length of the window. */
  readonly seconds: number;
  /** CPU that the load generator itself used. */
  readonly loadCpuSeconds: number;
  /** CPU that the measured process used. */
  readonly cpuSeconds: number;
  /** CPU that all other processes of the machine used, together with the kernel's own work. */
  readonly otherCpuSeconds: number;
}

/** What to measure, and how long. */
export interface WindowOptions {
  /** The measured process. */
  readonly pid: number;
  /** Seconds before the window. */
  readonly warmup: number;
  /** Seconds of the window. */
  readonly seconds: number;
  /** The counts so far. */
  counters(): { readonly count: number; readonly bytes: number };
}

interface Readings {
  readonly count: number;
  readonly bytes: number;
  readonly time: number;
  readonly busy: number;
  readonly own: number;
  readonly cpu: CpuTimes;
}

/** Waits for the warm-up and the window to pass. */
export async function measureWindow(options: WindowOptions): Promise<LoadResult> {
  await sleep(options.warmup);
  const start = takeReadings(options);
  await sleep(options.seconds);
  const end = takeReadings(options);
  const loadCpuSeconds = end.own - start.own;
  const cpuSeconds = cpuSecondsBetween(start.cpu, end.cpu);
  return {
    count: end.count - start.count,
    bytes: end.bytes - start.bytes,
    seconds: end.time - start.time,
    loadCpuSeconds,
    cpuSeconds,
    otherCpuSeconds: Math.max(0, end.busy - start.busy - loadCpuSeconds - cpuSeconds),
  };
}

/**
 * All counters at one moment: the window is from one reading to the next, however late the timer.
 */
function takeReadings({ pid, counters }: WindowOptions): Readings {
  const { user, system } = process.cpuUsage();
  return {
    ...counters(),
    time: performance.now() / 1e3,
    busy: readBusySeconds(),
    own: (user + system) / 1e6,
    cpu: readCpuTimes(pid),
  };
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
