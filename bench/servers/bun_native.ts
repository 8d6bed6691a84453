/** An echo or a broadcast over `Bun.serve`. */
import { bun, type BunServerWebSocket } from "../bun.ts";
import { announce, HOSTNAME, serverOptions } from "./serving.ts";

const { broadcast, compression, publish } = serverOptions;
const compress = compression !== undefined;
const compressor = compression === "anew" ? "shared" : "dedicated";
const members = new Set<BunServerWebSocket>();
const ROOM = "all";

const server = bun.serve({
  hostname: HOSTNAME,
  port: 0,
  fetch(request, server) {
    if (server.upgrade(request)) return undefined;
    return new Response("This is a WebSocket", { status: 426 });
  },
  websocket: {
    perMessageDeflate: compress && { compress: compressor, decompress: compressor },
    open(socket) {
      if (publish) socket.subscribe(ROOM);
      else if (broadcast) members.add(socket);
    },
    message(socket, message) {
      if (publish) server.publish(ROOM, message);
      else if (broadcast) { for (const member of members) member.send(message); }
      else socket.send(message, compress);
    },
    close(socket) {
      members.delete(socket);
    },
  },
});
announce(server.port);
