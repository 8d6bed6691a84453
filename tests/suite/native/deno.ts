/** An echo over `Deno.serve` and `Deno.upgradeWebSocket`, as the suite's other hosts tell their port. */

import { announce, HOSTNAME } from "../../../bench/servers/serving.ts";

Deno.serve({ hostname: HOSTNAME, port: 0, onListen: ({ port }) => announce(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});
