/** A server that does one thing wrong for each path, and notes how the client closes. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import {
  BINARY,
  CLOSE,
  codeOf,
  CONTINUATION,
  encodeFrame,
  FrameReader,
  type FrameSpec,
  join,
  PING,
  TEXT,
} from "./raw_client.ts";

/** What follows the key in what is hashed (RFC 6455 section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Fields of the 101; `null` for one that is left out. */
type Fields = Readonly<Record<string, string | null>>;

/** Handshakes that a client must not take for good ones. */
const HANDSHAKES: Readonly<Record<string, Fields>> = {
  "wrong-accept": { "Sec-WebSocket-Accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
  "no-accept": { "Sec-WebSocket-Accept": null },
  "no-upgrade": { "Upgrade": null },
  "no-connection": { "Connection": null },
  "extension": { "Sec-WebSocket-Extensions": "permessage-deflate" },
  "subprotocol": { "Sec-WebSocket-Protocol": "unasked" },
};

function frame(opcode: number, payload: string | Uint8Array, spec: Partial<FrameSpec> = {}) {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return encodeFrame({ opcode, payload: bytes, ...spec }, "server");
}

function close(code: number, reason: string = ""): Uint8Array {
  const payload = [code >> 8, code & 0xff, ...new TextEncoder().encode(reason)];
  return frame(CLOSE, Uint8Array.from(payload));
}

/** What is sent behind a handshake in order. */
const FRAMES: Readonly<Record<string, Uint8Array>> = {
  "early": join([
    frame(TEXT, "early"),
    frame(TEXT, "Grüße in ", { fin: false }),
    frame(PING, "between"),
    frame(CONTINUATION, "fragments"),
    close(4003, "early"),
  ]),
  "masked": frame(TEXT, "a", { wrongMask: true }),
  "reserved": frame(TEXT, "a", { reserved: 4 }),
  "opcode": frame(0x3, "a"),
  "fragmented-ping": frame(PING, "a", { fin: false }),
  "continuation": frame(CONTINUATION, "a"),
  "utf-8": frame(TEXT, Uint8Array.of(0xff)),
  "too-large": frame(BINARY, new Uint8Array(1001)),
  "close-999": close(999),
  "close-1005": close(1005),
  "close-one-byte": frame(CLOSE, "a"),
  "vanish": new Uint8Array(0),
  "vanish-within": frame(BINARY, new Uint8Array(100)).subarray(0, 50),
};

/** The server. */
export class ScriptedServer implements AsyncDisposable {
  /** The codes of the clients' Close frames, by path. */
  readonly closes: Map<string, number> = new Map();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#serve(socket));
  }

  /** Listens on 127.0.0.1. */
  static async start(): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ScriptedServer(server);
  }

  /** Its port. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    let head = "";
    const reader = new FrameReader();
    let path: string | undefined;
    socket.on("data", (chunk: Uint8Array) => {
      if (path !== undefined) return this.#read(socket, path, reader.push(new Uint8Array(chunk)));
      head += Buffer.from(chunk).toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      path = /^GET \/(\S+)/.exec(head)![1]!;
      answer(socket, path, head);
    });
  }

  #read(socket: Socket, path: string, frames: ReturnType<FrameReader["push"]>): void {
    const close = frames.find(({ opcode }) => opcode === CLOSE);
    if (close === undefined) return;
    this.closes.set(path, codeOf(close));
    socket.end();
  }
}

function answer(socket: Socket, path: string, head: string): void {
  if (path === "silent") return;
  if (path === "end") return void socket.end();
  if (path === "no-http") return void socket.end("SSH-2.0-OpenSSH_9.9\r\n\r\n");
  const key = /^Sec-WebSocket-Key: (\S+)/im.exec(head)![1];
  const fields: Fields = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": createHash("sha1").update(`${key}${GUID}`).digest("base64"),
    ...HANDSHAKES[path],
  };
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const response = `HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`;
  const bytes = join([new TextEncoder().encode(response), FRAMES[path] ?? new Uint8Array(0)]);
  if (path.startsWith("vanish")) socket.end(bytes);
  else socket.write(bytes);
}
