/** An echo over `Bun.serve`. */
import { bun } from "../bun.ts";
import { announce, HOSTNAME } from "./serving.ts";

const server = bun.serve({
  hostname: HOSTNAME,
  port: 0,
  fetch(request, server) {
    if (server.upgrade(request)) return undefined;
    return new Response("This is a WebSocket", { status: 426 });
  },
  websocket: {
    message(socket, message) {
      socket.send(message);
    },
  },
});
announce(server.port);
