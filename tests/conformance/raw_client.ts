/** A client that does what a test tells it to, right or wrong: requests by hand, and frames. */

import { connect, type Socket } from "node:net";
import { encodeFrame, type Frame, FrameReader, type FrameSpec } from "../suite/frames.ts";

export {
  BINARY,
  CLOSE,
  CONTINUATION,
  encodeFrame,
  type Frame,
  FrameReader,
  type FrameSpec,
  join,
  PING,
  PONG,
  TEXT,
} from "../suite/frames.ts";

/** The key of the example in RFC 6455 section 1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The default of `Destination.patience`: more than a busy machine makes anybody wait. */
export const PATIENCE = 15_000;

/** Where a client connects to. */
export interface Destination {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Milliseconds that the server may take for anything. */
  readonly patience?: number;
}

/** A response as it was read. */
export interface RawResponse {
  readonly status: number;
  /** By their names in lower case; several of a name are joined as by `Headers`. */
  readonly headers: Headers;
  readonly body: string;
}

/** What differs from the request of an ordinary client. */
export interface RequestParts {
  readonly method?: string;
  readonly version?: string;
  /** Fields to add or to replace; `null` for one to leave out, and a list for one that is there again. */
  readonly fields?: Readonly<Record<string, string | null | readonly string[]>>;
  readonly body?: string;
}

/** The request of an ordinary client, with changes. */
export function requestText(target: string, parts: RequestParts = {}): string {
  const { method = "GET", version = "HTTP/1.1", fields = {}, body = "" } = parts;
  const all: Record<string, string | null | readonly string[]> = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value ?? []).map((value) => `${name}: ${value}\r\n`)
  );
  return `${method} ${target} ${version}\r\n${lines.join("")}\r\n${body}`;
}

/** One connection, of bytes first and of frames once it is upgraded. */
export class RawClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #patience: number;
  readonly #reader = new FrameReader();
  readonly #frames: Frame[] = [];
  #unread: Uint8Array[] = [];
  #upgraded = false;
  #ended = false;
  #wake = () => {};

  private constructor({ port, patience = PATIENCE }: Destination) {
    this.#patience = patience;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.#take(new Uint8Array(chunk));
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on("end", end).on("close", end).on("error", end);
  }

  /** Sends a request and reads the whole response. */
  static async exchange(server: Destination, request: string): Promise<RawResponse> {
    await using client = new RawClient(server);
    client.sendBytes(new TextEncoder().encode(request));
    return await client.#response();
  }

  /** Opens a WebSocket. */
  static async open(
    server: Destination,
    target: string,
    parts?: RequestParts,
  ): Promise<{ client: RawClient; response: RawResponse }> {
    const client = new RawClient(server);
    try {
      client.sendBytes(new TextEncoder().encode(requestText(target, parts)));
      const response = await client.#response();
      if (response.status === 101) return { client, response };
      throw new Error(`The handshake was refused: ${response.status} ${response.body}`);
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Whether the server has ended its direction. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Sends bytes as they are. */
  sendBytes(...pieces: Uint8Array[]): void {
    for (const piece of pieces) this.#socket.write(piece);
  }

  /** Sends a frame. */
  send(opcode: number, payload: string | Uint8Array = "", spec: Partial<FrameSpec> = {}): void {
    this.sendBytes(frameOf(opcode, payload, spec));
  }

  /** Sends a Close frame, with a code unless it is to be empty. */
  sendClose(code?: number, reason: string = ""): void {
    this.sendBytes(closeFrame(code, reason));
  }

  /** The next frame; `undefined` once the server has ended its direction. */
  async next(): Promise<Frame | undefined> {
    await this.#until(() => this.#frames.length > 0);
    return this.#frames.shift();
  }

  /** The next frame that is no ping and no pong. */
  async nextData(): Promise<Frame | undefined> {
    for (;;) {
      const frame = await this.next();
      if (frame === undefined || frame.opcode < 0x9) return frame;
    }
  }

  /** The next text message, which must be in one frame. */
  async nextText(): Promise<string> {
    const frame = await this.nextData();
    if (frame?.opcode !== 0x1 || !frame.fin) throw new Error(`No text came: ${describe(frame)}`);
    return new TextDecoder().decode(frame.payload);
  }

  /** The code of the Close frame that comes next, 1005 for an empty one, `"dropped"` without one. */
  async nextClose(): Promise<number | "dropped"> {
    const frame = await this.nextData();
    if (frame === undefined) return "dropped";
    if (frame.opcode !== 0x8) throw new Error(`No Close came: ${describe(frame)}`);
    return codeOf(frame);
  }

  /** Waits until the server has ended its direction; frames before that are dropped. */
  async untilEnd(): Promise<void> {
    while (await this.next() !== undefined);
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume();
  }

  /** Does not end its direction when the server ends its own. */
  holdOpen(): void {
    this.#socket.allowHalfOpen = true;
  }

  /** Vanishes, without a goodbye. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.destroy();
    await closed;
  }

  #take(chunk: Uint8Array): void {
    if (this.#upgraded) this.#frames.push(...this.#reader.push(chunk));
    else this.#unread.push(chunk);
  }

  async #until(done: () => boolean): Promise<void> {
    const deadline = Date.now() + this.#patience;
    while (!done() && !this.#ended) {
      if (Date.now() > deadline) throw new Error("The server does not answer");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now() + 1);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async #response(): Promise<RawResponse> {
    // The "latin1" of TextDecoder is windows-1252, which does not keep all bytes.
    const text = () => this.#unread.map((chunk) => String.fromCharCode(...chunk)).join("");
    await this.#until(() => text().includes("\r\n\r\n"));
    const head = /^HTTP\/1\.[01] (\d{3}).*\r\n((?:.+\r\n)*)\r\n/.exec(text());
    if (head === null) throw new Error(`No response came: ${JSON.stringify(text())}`);
    const status = Number(head[1]);
    const headers = new Headers(
      head[2]!.trimEnd().split("\r\n").map((line) => line.split(/:\s*(.*)/, 2) as [string, string]),
    );
    if (status === 101) {
      this.#upgraded = true;
      const rest = Uint8Array.from(text().slice(head[0].length), (c) => c.charCodeAt(0));
      this.#unread = [];
      this.#take(rest);
      return { status, headers, body: "" };
    }
    const body = () => text().slice(head[0].length);
    const chunked = headers.get("transfer-encoding") === "chunked";
    const length = Number(headers.get("content-length") ?? Infinity);
    const isWhole = () => chunked ? body().endsWith("0\r\n\r\n") : body().length >= length;
    await this.#until(isWhole);
    if (!isWhole() && (chunked || length !== Infinity)) throw new Error("The response is cut off");
    const bytes = Uint8Array.from(chunked ? joinChunks(body()) : body(), (c) => c.charCodeAt(0));
    return { status, headers, body: new TextDecoder().decode(bytes) };
  }
}

/** A frame as a client sends it. */
export function frameOf(
  opcode: number,
  payload: string | Uint8Array = "",
  spec: Partial<FrameSpec> = {},
): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return encodeFrame({ opcode, payload: bytes, ...spec }, "client");
}

/** A Close frame as a client sends it. */
export function closeFrame(code?: number, reason: string = ""): Uint8Array {
  if (code === undefined) return frameOf(0x8);
  return frameOf(0x8, Uint8Array.of(code >> 8, code & 0xff, ...new TextEncoder().encode(reason)));
}

/** The code of a Close frame; 1005 for an empty one. */
export function codeOf({ payload }: Frame): number {
  return payload.length === 0 ? 1005 : (payload[0]! << 8) | payload[1]!;
}

function describe(frame: Frame | undefined): string {
  if (frame === undefined) return "the server ended";
  return `opcode ${frame.opcode}, ${new TextDecoder().decode(frame.payload.subarray(0, 200))}`;
}

function joinChunks(text: string): string {
  let joined = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, end), 16);
    if (size === 0) return joined;
    joined += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
