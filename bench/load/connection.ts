/**
 * One connection of the load generator: the handshake by hand, then frames out as replies come in.
 */
import { bun, type BunSocket, type BunSocketHandlers } from "../bun.ts";
import { type FrameSequence, SequenceWriter } from "./sequence.ts";

/** Counts the replies on one connection, and throws where one is wrong. */
export interface Replies {
  /** Takes bytes and returns how many replies they completed. */
  receive(chunk: Uint8Array): number;
}

/** What all connections of a load share. */
export interface Load {
  readonly hostname: string;
  readonly port: number;
  /** Whether to shake hands first; not with a server that sends back bytes. */
  readonly handshake: boolean;
  /** The value of `Sec-WebSocket-Extensions` offered; none where it is empty. */
  readonly extensions: string;
  /** What is sent. */
  readonly frames: FrameSequence;
  /** Makes what counts the replies of a connection. */
  readonly countReplies: () => Replies;
  /** Messages in flight on each connection from the beginning on. */
  readonly depth: number;
  /** Told how many replies a read completed; returns how many frames to send for them. */
  onReplies(count: number): number;
  /** Told how many bytes a read had. */
  onBytes(count: number): void;
  /** Told that the server closed the connection. */
  onClose(): void;
  /** Told why a connection cannot go on. */
  onFailure(error: unknown): void;
}

const HEAD_END = "\r\n\r\n";

/** One connection. */
export class LoadConnection {
  readonly #load: Load;
  readonly #replies: Replies;
  readonly #writer: SequenceWriter;
  #ready: (() => void) | undefined;
  #head: string | undefined;
  #socket: BunSocket<LoadConnection> | undefined;

  /** @param ready Called once the handshake is done and the first frames are sent. */
  constructor(load: Load, ready: () => void) {
    this.#load = load;
    this.#ready = ready;
    this.#replies = load.countReplies();
    this.#writer = new SequenceWriter(load.frames);
  }

  /** Begins the handshake on a socket that has connected. */
  start(socket: BunSocket<LoadConnection>): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    const { hostname, port, extensions, handshake } = this.#load;
    if (!handshake) return this.#begin();
    this.#head = "";
    socket.write(new TextEncoder().encode(
      "GET / HTTP/1.1\r\n" +
        `Host: ${hostname}:${port}\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        (extensions === "" ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`) +
        "\r\n",
    ));
  }

  /** Takes what was read. */
  receive(chunk: Uint8Array): void {
    const bytes = this.#head === undefined ? chunk : this.#receiveHead(chunk);
    if (bytes.length === 0) return;
    this.#load.onBytes(bytes.length);
    const count = this.#replies.receive(bytes);
    if (count > 0) this.send(this.#load.onReplies(count));
  }

  /** Sends so many frames. */
  send(count: number): void {
    this.#writer.owe(count);
    this.flush();
  }

  /** Sends what is owed, as far as the kernel takes it. */
  flush(): void {
    this.#writer.flush(this.#write);
  }

  /** The server closed the connection. */
  closed(): void {
    if (this.#ready === undefined) this.#load.onClose();
    else this.fail(new Error("The server closed a connection before the handshake was done"));
  }

  /** The connection cannot go on. */
  fail(error: unknown): void {
    this.#load.onFailure(error);
  }

  readonly #write = (bytes: Uint8Array, offset: number, length: number) =>
    this.#socket!.write(bytes, offset, length);

  #receiveHead(chunk: Uint8Array): Uint8Array {
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
    const agreed = /^sec-websocket-extensions: *(.*)$/im.exec(head)?.[1] ?? "";
    checkAgreement(this.#load.extensions, agreed);
    this.#head = undefined;
    this.#begin();
    return chunk.subarray(end + HEAD_END.length - previous);
  }

  #begin(): void {
    this.#ready?.();
    this.#ready = undefined;
    this.send(this.#load.depth);
  }
}

/** Throws where the server does not agree to the compression offered, with the contexts offered. */
export function checkAgreement(offered: string, agreed: string): void {
  const kept = (extensions: string) => !extensions.includes("server_no_context_takeover");
  const fits = offered === ""
    ? agreed === ""
    : agreed.startsWith("permessage-deflate") && kept(offered) === kept(agreed);
  if (!fits) throw new Error(`The server agreed to "${agreed}" in answer to "${offered}"`);
}

const handlers: BunSocketHandlers<LoadConnection> = {
  open: (socket) => socket.data.start(socket),
  data(socket, bytes) {
    try {
      socket.data.receive(bytes);
    } catch (error) {
      socket.data.fail(error);
    }
  },
  drain: (socket) => socket.data.flush(),
  close: (socket) => socket.data.closed(),
  error: (socket, error) => socket.data.fail(error),
};

/** Opens one connection; resolves once the handshake is done and the first frames are sent. */
export async function openConnection(load: Load): Promise<LoadConnection> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { hostname, port } = load;
  const data = new LoadConnection(load, resolve);
  await bun.connect({ hostname, port, data, socket: handlers });
  await promise;
  return data;
}

/** How many connections are being opened at a time: fewer than any server's backlog holds. */
const OPENING = 32;

/** Opens `count` connections. */
export async function openConnections(load: Load, count: number): Promise<LoadConnection[]> {
  const opened: LoadConnection[] = [];
  let left = count;
  const opener = async () => {
    while (left-- > 0) opened.push(await openConnection(load));
  };
  await Promise.all(Array.from({ length: Math.min(count, OPENING) }, opener));
  return opened;
}
