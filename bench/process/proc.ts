/**
 * What Linux tells about a process under `/proc`. Works under Deno and Bun.
 */
import { readdirSync, readFileSync } from "node:fs";

/**
 * Clock ticks per second in `/proc`: `USER_HZ`, which is 100 on every Linux architecture in use.
 */
const TICKS_PER_SECOND = 100;

/** CPU seconds of a process by thread. */
export type CpuTimes = ReadonlyMap<string, number>;

/**
 * The CPU, user and system, that the threads of a process have used: to the nanosecond where the
 * kernel keeps `schedstat`, otherwise that of all threads together in steps of 10 ms.
 */
export function readCpuTimes(pid: number): CpuTimes {
  const times = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readIfThere(`/proc/${pid}/task/${thread}/schedstat`);
    if (stat !== undefined) times.set(thread, parseNanoseconds(stat) / 1e9);
  }
  if (times.size > 0) return times;
  return new Map([[
    "all",
    parseCpuTicks(readFileSync(`/proc/${pid}/stat`, "utf8")) / TICKS_PER_SECOND,
  ]]);
}

/**
 * The CPU seconds used from one reading to another. Threads that ended in between do not count:
 * they were idle ones, given up by a pool.
 */
export function cpuSecondsBetween(start: CpuTimes, end: CpuTimes): number {
  let seconds = 0;
  for (const [thread, time] of end) seconds += time - (start.get(thread) ?? 0);
  return seconds;
}

/** The time on a CPU in the text of a `schedstat`, in nanoseconds. */
export function parseNanoseconds(schedstat: string): number {
  return Number(schedstat.split(" ", 1)[0]);
}

/** The sum of `utime` and `stime` in the text of a `/proc/PID/stat`. */
export function parseCpuTicks(stat: string): number {
  // The second field is the program's name in parentheses, which may itself hold spaces and
  // parentheses: the fields with a fixed place start after the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Seconds that the machine's CPUs, all together, have worked. */
export function readBusySeconds(): number {
  return parseBusyTicks(readFileSync("/proc/stat", "utf8")) / TICKS_PER_SECOND;
}

/** The ticks in the text of `/proc/stat` in which a CPU was neither idle nor waiting for a disk. */
export function parseBusyTicks(stat: string): number {
  const [user, nice, system, , , irq, softirq] = stat.split("\n", 1)[0]!.split(/\s+/).slice(1)
    .map(Number);
  return user! + nice! + system! + irq! + softirq!;
}

/** Bytes of memory that a process has resident. */
export function readResidentBytes(pid: number): number {
  const match = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (match === null) throw new Error(`Cannot read the memory of process ${pid}`);
  return Number(match[1]) * 1024;
}

/** The number of files that a process may have open at most, once it has raised its limit. */
export function readOpenFilesLimit(pid: number | "self"): number {
  return parseOpenFilesLimit(readFileSync(`/proc/${pid}/limits`, "utf8"));
}

/**
 * The hard limit of open files in the text of a `/proc/PID/limits`; each runtime raises its own to
 * that.
 */
export function parseOpenFilesLimit(limits: string): number {
  const match = /^Max open files\s+\S+\s+(\d+|unlimited)/m.exec(limits);
  if (match === null) throw new Error("Cannot read the limit of open files");
  return match[1] === "unlimited" ? Infinity : Number(match[1]);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // a thread that has just ended, or a kernel without the file
  }
}
