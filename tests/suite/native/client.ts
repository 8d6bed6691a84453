/**
 * A client that echoes, for a process of its own: connects to each URL that it reads, and writes the
 * URL once that connection has ended. The argument says which client: `gale`, or the runtime's `own`.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { connectEcho } from "../gale.ts";

/** Connects by the runtime's own `WebSocket`. */
function connectByRuntime(url: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onerror = () => {};
    socket.onclose = () => resolve();
  });
}

const connect = process.argv[2] === "gale" ? connectEcho : connectByRuntime;

const lines = createInterface({ input: process.stdin });
lines.on("line", async (url: string) => {
  await connect(url).catch(() => {}); // what went wrong is for the suite to see
  console.log(JSON.stringify({ url }));
});
lines.on("close", () => process.exit(0));
console.log(JSON.stringify({ ready: true }));
