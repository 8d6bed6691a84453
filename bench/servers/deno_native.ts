/** An echo over `Deno.serve` and `Deno.upgradeWebSocket`. */
import { announce, HOSTNAME } from "./serving.ts";

Deno.serve({ hostname: HOSTNAME, port: 0, onListen: ({ port }) => announce(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event) => socket.send(event.data);
  return response;
});
