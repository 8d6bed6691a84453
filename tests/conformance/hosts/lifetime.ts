/** When a host process says that it is there, and when it ends. */

import process from "node:process";

/** Prints the port, and ends at SIGTERM once `stop` is done, or with whoever started the process. */
export function announce(port: number, stop: () => Promise<void>): void {
  console.log(`port ${port}`);
  process.on("SIGTERM", () => void stop().then(() => process.exit(0)));
  process.stdin.on("end", () => process.exit(1)).resume();
}
