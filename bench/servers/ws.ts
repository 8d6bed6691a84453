/** An echo or a broadcast over the npm package `ws`, in any runtime. */
import { ws } from "../ws.ts";
import { announce, HOSTNAME, serverOptions } from "./serving.ts";

const { broadcast, compression } = serverOptions;
const perMessageDeflate = compression !== undefined && {
  threshold: 0,
  serverNoContextTakeover: compression === "anew",
  clientNoContextTakeover: compression === "anew",
};

const server = new ws.WebSocketServer({ host: HOSTNAME, port: 0, perMessageDeflate });
server.on("connection", (socket) => {
  socket.on("error", () => {}); // the load generator drops its connections
  socket.on("message", (data, binary) => {
    if (!broadcast) return socket.send(data, { binary });
    for (const member of server.clients) member.send(data, { binary });
  });
});
server.on("listening", () => announce(server.address().port));
