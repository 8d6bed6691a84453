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
  PATIENCE,
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
  "reset-within": join([
    frame(TEXT, "first"),
    frame(BINARY, new Uint8Array(100)).subarray(0, 50),
  ]),
  "closes-and-never-ends": close(4001),
};

/** What is done once a client's Close has come, where it is not the end of the transport. */
const ON_CLOSE: Readonly<Record<string, (socket: Socket, code: number) => void>> = {
  "mute": () => {},
  "never-ends": (socket, code) => void socket.write(close(code)),
  "closes-and-never-ends": () => {},
};

/** The server. */
export class ScriptedServer implements AsyncDisposable {
  /** The codes of the clients' Close frames, by path. */
  readonly closes: Map<string, number> = new Map();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #wake: () => void = () => {};

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

  /** Waits until clients have nothing open any more; what was not read is read for that. */
  async released(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error("A client holds its socket")), PATIENCE);
    for (const socket of this.#sockets) socket.resume();
    try {
      while (this.#sockets.size > 0) {
        await Promise.race([new Promise<void>((resolve) => this.#wake = resolve), late]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).on("close", () => {
      this.#sockets.delete(socket);
      this.#wake();
    });
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
    if (path === "reset-within" && frames.some(({ opcode }) => opcode === PING)) {
      socket.resetAndDestroy();
    }
    const close = frames.find(({ opcode }) => opcode === CLOSE);
    if (close === undefined) return;
    const code = codeOf(close);
    this.closes.set(path, code);
    const onClose = ON_CLOSE[path] ?? (() => socket.end());
    onClose(socket, code);
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
  if (path === "unread") socket.pause();
}
