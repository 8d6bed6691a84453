/**
 * One connection of the load generator: the handshake by hand, then frames out as replies come in.
 */
import { bun, type BunSocket, type BunSocketHandlers } from "../bun.ts";
import { ReplyCounter } from "./frames.ts";
import type { Frame } from "./frames.ts";

/** What all connections of a load share. */
export interface Load {
  readonly hostname: string;
  readonly port: number;
  /** Whether to shake hands first; not with a server that sends back bytes. */
  readonly handshake: boolean;
  /** Length of one frame sent. */
  readonly frameLength: number;
  /** `depth + 1` frames, so that a write of up to `depth` of them may start anywhere in the first. */
  readonly frames: Uint8Array;
  /** The frame that each reply must be. */
  readonly reply: Frame;
  /** Messages in flight on each connection; 0 for connections that stay idle. */
  readonly depth: number;
  /** Told how many replies a read completed. */
  onReplies(count: number): void;
  /** Told why a connection cannot go on. */
  onFailure(error: unknown): void;
}

const HEAD_END = "\r\n\r\n";

class LoadConnection {
  readonly #load: Load;
  readonly #replies: ReplyCounter;
  #ready: (() => void) | undefined;
  #head: string | undefined;
  /** Bytes of frames that may be sent and are not. */
  #owed = 0;
  /** Where in a frame the next write starts. */
  #offset = 0;

  constructor(load: Load, ready: () => void) {
    this.#load = load;
    this.#ready = ready;
    this.#replies = new ReplyCounter(load.reply);
  }

  start(socket: BunSocket<LoadConnection>): void {
    socket.setNoDelay(true);
    if (!this.#load.handshake) return this.#begin(socket);
    this.#head = "";
    socket.write(new TextEncoder().encode(
      "GET / HTTP/1.1\r\n" +
        `Host: ${this.#load.hostname}:${this.#load.port}\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        HEAD_END.slice(2),
    ));
  }

  receive(socket: BunSocket<LoadConnection>, chunk: Uint8Array): void {
    const bytes = this.#head === undefined ? chunk : this.#receiveHead(socket, chunk);
    if (bytes.length === 0) return;
    const count = this.#replies.receive(bytes);
    if (count === 0) return;
    this.#load.onReplies(count);
    this.#owed += count * this.#load.frameLength;
    this.flush(socket);
  }

  /** Sends what is owed, as far as the kernel takes it. */
  flush(socket: BunSocket<LoadConnection>): void {
    if (this.#owed === 0) return;
    const sent = socket.write(this.#load.frames, this.#offset, this.#owed);
    if (sent <= 0) return;
    this.#owed -= sent;
    this.#offset = (this.#offset + sent) % this.#load.frameLength;
  }

  fail(error: unknown): void {
    this.#load.onFailure(error);
  }

  #receiveHead(socket: BunSocket<LoadConnection>, chunk: Uint8Array): Uint8Array {
    const previous = this.#head!.length;
    const head = this.#head! + String.fromCharCode(...chunk);
    const end = head.indexOf(HEAD_END);
    if (end < 0) {
      this.#head = head;
      return chunk.subarray(chunk.length);
    }
    if (!head.startsWith("HTTP/1.1 101 ")) {
      throw new Error(`The handshake was refused: ${head.slice(0, end)}`);
    }
    this.#head = undefined;
    this.#begin(socket);
    return chunk.subarray(end + HEAD_END.length - previous);
  }

  #begin(socket: BunSocket<LoadConnection>): void {
    this.#ready?.();
    this.#ready = undefined;
    this.#owed = this.#load.depth * this.#load.frameLength;
    this.flush(socket);
  }
}

const handlers: BunSocketHandlers<LoadConnection> = {
  open: (socket) => socket.data.start(socket),
  data(socket, bytes) {
    try {
      socket.data.receive(socket, bytes);
    } catch (error) {
      socket.data.fail(error);
    }
  },
  drain: (socket) => socket.data.flush(socket),
  close: (socket) => socket.data.fail(new Error("The server closed a connection")),
  error: (socket, error) => socket.data.fail(error),
};

/** Opens one connection; resolves once the handshake is done and the first frames are sent. */
export async function openConnection(load: Load): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { hostname, port } = load;
  const data = new LoadConnection(load, resolve);
  await bun.connect({ hostname, port, data, socket: handlers });
  await promise;
}

/** How many connections are being opened at a time: fewer than any server's backlog holds. */
const OPENING = 32;

/** Opens `count` connections. */
export async function openConnections(load: Load, count: number): Promise<void> {
  let left = count;
  const opener = async () => {
    while (left-- > 0) await openConnection(load);
  };
  await Promise.all(Array.from({ length: Math.min(count, OPENING) }, opener));
}
