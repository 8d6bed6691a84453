/** When a host process says that it is there, and when it ends. */

import process from "node:process";

/**
 * Prints the port. At SIGTERM it calls `stop`, says when that is done, and leaves the process to end by
 * itself with its input. Without that, it ends with whoever started the process, as the input does.
 */
export function announce(port: number, stop: () => Promise<void>): void {
  console.log(`port ${port}`);
  const onInputEnd = () => process.exit(1);
  process.stdin.on("end", onInputEnd).resume();
  process.once("SIGTERM", async () => {
    await stop();
    process.stdin.off("end", onInputEnd);
    console.log("shut down");
  });
}
