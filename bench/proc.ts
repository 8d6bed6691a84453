/**
 * What Linux tells about a process under `/proc`. Works under Deno and Bun.
 */
import { readFileSync } from "node:fs";

/** Clock ticks per second in `/proc/PID/stat`: `USER_HZ`, which is 100 on every Linux architecture in use. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU, user and system, that the threads of a process have used; in steps of 10 ms. */
export function readCpuSeconds(pid: number): number {
  return parseCpuTicks(readFileSync(`/proc/${pid}/stat`, "utf8")) / TICKS_PER_SECOND;
}

/** The sum of `utime` and `stime` in the text of a `/proc/PID/stat`. */
export function parseCpuTicks(stat: string): number {
  // The second field is the program's name in parentheses, which may itself hold spaces and
  // parentheses: the fields with a fixed place start behind the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Bytes of memory that a process has resident. */
export function readResidentBytes(pid: number): number {
  const match = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (match === null) throw new Error(`Cannot read the memory of process ${pid}`);
  return Number(match[1]) * 1024;
}

/** The number of files that a process may have open. */
export function readOpenFilesLimit(pid: number): number {
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(
    readFileSync(`/proc/${pid}/limits`, "utf8"),
  );
  if (match === null) throw new Error(`Cannot read the limits of process ${pid}`);
  return match[1] === "unlimited" ? Infinity : Number(match[1]);
}
