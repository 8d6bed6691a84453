/** A client of the npm package `ws`. */
import { ws } from "../ws.ts";
import { depth, message, openAll, url } from "./calling.ts";

const binary = typeof message !== "string";
const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;

await openAll(() => {
  // Node.js 20 has no Promise.withResolvers.
  return new Promise((resolve, reject) => {
    const socket = new ws.WebSocket(url);
    socket.on("open", () => {
      for (let i = 0; i < depth; i++) socket.send(bytes, { binary });
      resolve();
    });
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    socket.on("error", reject);
  });
});
