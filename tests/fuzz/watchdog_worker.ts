/** The thread of {@linkcode Watchdog}. */

import process from "node:process";
import type { Watch } from "./watchdog.ts";

/** Milliseconds that a case may take, and the shrinking of one that fails. */
const PATIENCE = 60_000;

addEventListener("message", (event) => {
  const { progress, names } = (event as MessageEvent<Watch>).data;
  let last = "";
  setInterval(() => {
    const now = progress.join();
    if (now === last) {
      const seed = progress[1]! * 2 ** 31 + progress[2]!;
      console.error(`${names[progress[0]!]} hangs with seed ${seed}`);
      process.kill(process.pid, "SIGKILL");
    }
    last = now;
  }, PATIENCE);
});
