/** An echo over `Bun.listen` by a codec that checks nothing: the limit of a library's. */
import { bun, type BunSocket } from "../bun.ts";
import { BareEcho } from "./bare/echo.ts";
import { announce, HOSTNAME } from "./serving.ts";

interface Connection {
  readonly echo: BareEcho;
  /** What the kernel has not taken yet. */
  backlog: Uint8Array[];
}

function write(socket: BunSocket<Connection>, bytes: Uint8Array, length: number): void {
  const { backlog } = socket.data;
  const sent = backlog.length > 0 ? 0 : socket.write(bytes, 0, length);
  if (sent < 0 || sent === length) return;
  backlog.push(bytes.slice(sent, length));
  socket.pause();
}

function flush(socket: BunSocket<Connection>): void {
  const { codec } = socket.data.echo;
  if (codec.pieces.length > 0) {
    for (const piece of codec.pieces) write(socket, piece, piece.length);
    codec.pieces.length = 0;
  }
  if (codec.length === 0) return;
  write(socket, codec.buffer, codec.length);
  codec.length = 0;
}

const listener = bun.listen<Connection>({
  hostname: HOSTNAME,
  port: 0,
  socket: {
    binaryType: "uint8array",
    open(socket) {
      socket.setNoDelay(true);
      // Bun hands each chunk over in memory of its own.
      socket.data = {
        echo: new BareEcho("JavaScriptCore", () => flush(socket)),
        backlog: [],
      };
    },
    data(socket, bytes) {
      socket.data.echo.receive(bytes as Uint8Array<ArrayBuffer>);
    },
    drain(socket) {
      const waiting = socket.data.backlog;
      if (waiting.length === 0) return;
      socket.data.backlog = [];
      for (const bytes of waiting) write(socket, bytes, bytes.length);
      if (socket.data.backlog.length === 0) socket.resume();
    },
  },
});
announce(listener.port);
