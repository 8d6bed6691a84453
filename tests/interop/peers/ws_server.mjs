/**
 * A server of `ws`: echoes, and does what messages that begin with ! say.
 *
 * It prints its port and ends with its standard input.
 */

import process from "node:process";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: { threshold: 0 },
  handleProtocols: (protocols) => protocols.has("v2") ? "v2" : false,
});

server.on("connection", (socket, request) => {
  socket.on("message", (data, isBinary) => {
    const message = isBinary ? data : data.toString();
    if (message === "!close") socket.close(4002, "as you wish");
    else if (message === "!ping") socket.ping(Buffer.of(0x00, 0xff));
    else if (message === "!fragments") {
      socket.send("one ", { fin: false });
      socket.send("two ", { fin: false });
      socket.send("Grüße");
    } else if (message === "!facts") {
      socket.send(JSON.stringify({ path: request.url, header: request.headers["x-colour"] }));
    } else socket.send(message, { binary: isBinary });
  });
  socket.on("pong", (data) => {
    if (data.equals(Buffer.of(0x00, 0xff))) socket.send("ponged");
  });
});
server.on("listening", () => console.log(`port ${server.address().port}`));
process.stdin.on("end", () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
}).resume();
