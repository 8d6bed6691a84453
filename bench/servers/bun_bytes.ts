/** Sends back the bytes it gets, over `Bun.listen`: the limit of whatever is built on it. */
import { bun, type BunSocket } from "../bun.ts";
import { announce, HOSTNAME } from "./serving.ts";

interface Backlog {
  bytes: Uint8Array | undefined;
}

function write(socket: BunSocket<Backlog>, bytes: Uint8Array, owned: boolean): void {
  const sent = socket.write(bytes);
  if (sent < 0 || sent === bytes.length) {
    socket.data.bytes = undefined;
    return;
  }
  // What a callback is handed belongs to the socket and is overwritten by the next read.
  socket.data.bytes = owned ? bytes.subarray(sent) : bytes.slice(sent);
}

const listener = bun.listen<Backlog>({
  hostname: HOSTNAME,
  port: 0,
  socket: {
    open(socket) {
      socket.data = { bytes: undefined };
      socket.setNoDelay(true);
    },
    data(socket, bytes) {
      write(socket, bytes, false);
      if (socket.data.bytes !== undefined) socket.pause();
    },
    drain(socket) {
      if (socket.data.bytes === undefined) return;
      write(socket, socket.data.bytes, true);
      if (socket.data.bytes === undefined) socket.resume();
    },
  },
});
announce(listener.port);
