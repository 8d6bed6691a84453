/**
 * The other load generator: an echo server for the measurement of clients, over raw TCP under Bun.
 * It knows what is sent to it, so that it counts the frames and answers with ones made beforehand.
 *
 * Prints `{"port": n}`. For each line of JSON on its input, an {@linkcode EchoServerOrder}, it
 * prints a `LoadResult` when the window is over. It ends with its input.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { bun, type BunSocket } from "../bun.ts";
import type { MessageKind } from "../workloads.ts";
import { FrameReader } from "./frame_reader.ts";
import { encodeFrame, makePayload, SAMPLE_INTERVAL } from "./frames.ts";
import { repeat, SequenceWriter } from "./sequence.ts";
import { measureWindow } from "./window.ts";

/** What the runner writes to it: the client to measure, and how long. */
export interface EchoServerOrder {
  readonly pid: number;
  readonly warmup: number;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    depth: { type: "string", default: "1" },
    size: { type: "string", default: "16" },
    kind: { type: "string", default: "binary" },
  },
});
const kind = values.kind as MessageKind;
const payload = makePayload(kind, Number(values.size));
const reply = encodeFrame(kind, payload, false);
const replies = repeat(reply, Number(values.depth));

/** What RFC 6455 1.3 appends to the key of a handshake. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

let count = 0;
let bytes = 0;

class Served {
  readonly #socket: BunSocket<Served>;
  readonly #writer = new SequenceWriter(replies);
  readonly #reader = new FrameReader({
    firstByte: reply.bytes[0]!,
    masked: true,
    wants: (index) => index % SAMPLE_INTERVAL === 0,
    onPayload(received, index) {
      const equal = received.length === payload.length &&
        received.every((byte, at) => byte === payload[at]);
      if (!equal) throw new Error(`Message ${index} is not the one expected`);
    },
  });
  #head: string | undefined = "";

  constructor(socket: BunSocket<Served>) {
    this.#socket = socket;
    socket.setNoDelay(true);
  }

  receive(chunk: Uint8Array): void {
    if (this.#head !== undefined) return this.#receiveHead(chunk);
    bytes += chunk.length;
    const messages = this.#reader.receive(chunk);
    if (messages === 0) return;
    count += messages;
    this.#writer.owe(messages);
    this.flush();
  }

  flush(): void {
    this.#writer.flush((bytes, offset, length) => this.#socket.write(bytes, offset, length));
  }

  /** Nothing follows a head before it is answered. */
  #receiveHead(chunk: Uint8Array): void {
    this.#head += String.fromCharCode(...chunk);
    if (!this.#head!.includes("\r\n\r\n")) return;
    const key = /^sec-websocket-key: *(\S+)/im.exec(this.#head!)?.[1];
    if (key === undefined) throw new Error("The handshake of a client has no key");
    this.#head = undefined;
    const accept = createHash("sha1").update(key + GUID).digest("base64");
    this.#socket.write(new TextEncoder().encode(
      "HTTP/1.1 101 Switching Protocols\r\n" +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    ));
  }
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

const listener = bun.listen<Served>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = new Served(socket);
    },
    data(socket, chunk) {
      try {
        socket.data.receive(chunk);
      } catch (error) {
        fail(error);
      }
    },
    drain: (socket) => socket.data.flush(),
    error: (_, error) => fail(error),
  },
});
console.log(JSON.stringify({ port: listener.port }));

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line: string) => {
  const order = JSON.parse(line) as EchoServerOrder;
  const result = await measureWindow({ ...order, counters: () => ({ count, bytes }) });
  console.log(JSON.stringify(result));
});
lines.on("close", () => process.exit(0));
