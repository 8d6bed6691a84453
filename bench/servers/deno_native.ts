/** An echo or a broadcast over `Deno.serve` and `Deno.upgradeWebSocket`. */
import { announce, HOSTNAME, serverOptions } from "./serving.ts";

const members = new Set<WebSocket>();

Deno.serve({ hostname: HOSTNAME, port: 0, onListen: ({ port }) => announce(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  if (!serverOptions.broadcast) {
    socket.onmessage = (event) => socket.send(event.data);
    return response;
  }
  socket.onopen = () => members.add(socket);
  socket.onclose = () => members.delete(socket);
  socket.onmessage = (event) => {
    for (const member of members) member.send(event.data);
  };
  return response;
});
