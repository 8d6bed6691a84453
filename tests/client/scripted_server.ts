/** A server in memory that a test plays by hand, and the `dial` that leads to it. */

import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { connectionOver } from "../../src/connection/connection.ts";
import type { Dial, DialTarget } from "../../src/connection/dial.ts";
import {
  createTransportPair,
  type MemoryTransport,
} from "../../src/connection/memory_transport.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ProtocolLink } from "../../src/connection/protocol_link.ts";
import { fieldValues, type RequestHead, RequestHeadReader } from "../../src/handshake/http1.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { RecordingSink } from "../connection/recording_sink.ts";

const encoder = new TextEncoder();

/** A 101 in order, with further field lines. */
export function switchingProtocols(
  request: RequestHead,
  fields: readonly string[] = [],
): string {
  const [key = ""] = fieldValues(request.fields, "sec-websocket-key");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${computeAccept(key)}`,
    ...fields,
    "\r\n",
  ].join("\r\n");
}

/** The server's end of one dialled connection. */
export class ScriptedPeer {
  /** What was dialled. */
  readonly target: DialTarget;
  /** Whether the client has released its end. */
  clientClosed = false;
  readonly #transport: MemoryTransport;
  readonly #sink = new RecordingSink();

  constructor(target: DialTarget, transport: MemoryTransport, client: MemoryTransport) {
    this.target = target;
    this.#transport = transport;
    transport.attach(this.#sink);
    const close = client.close.bind(client);
    client.close = () => {
      this.clientClosed = true;
      close();
    };
  }

  /** The request, once it has come. */
  async request(): Promise<RequestHead> {
    await this.#sink.until(() => this.#sink.text().endsWith("\r\n\r\n"));
    const reader = new RequestHeadReader();
    reader.receive(this.#sink.bytes());
    return reader.head!;
  }

  /** A header of the request, once it has come. */
  async header(name: string): Promise<string | undefined> {
    return fieldValues((await this.request()).fields, name)[0];
  }

  /** Writes; each call arrives by itself. */
  write(data: string | Uint8Array): void {
    this.#transport.write(typeof data === "string" ? encoder.encode(data) : data);
  }

  /** Waits for the request, then writes a response and ends our direction where it is asked for. */
  async respond(response: string, options: { readonly end?: boolean } = {}): Promise<void> {
    await this.request();
    this.write(response);
    if (options.end) this.end();
  }

  /** Waits for the request, answers it by a 101, and takes the WebSocket over. */
  async upgrade(fields: readonly string[] = []): Promise<WebSocketConnection> {
    const request = await this.request();
    this.write(switchingProtocols(request, fields));
    const resolved = resolveConnectionOptions({ pingInterval: 0 });
    const init = { role: "server", url: "", protocol: "", extensions: "" } as const;
    const link = new ProtocolLink(init, resolved);
    const connection = connectionOver(link, resolved, {});
    link.open(this.#transport);
    return connection;
  }

  /** Ends the server's direction. */
  end(): void {
    this.#transport.closeWrite();
  }

  /** Cuts the connection. */
  reset(): void {
    this.#transport.reset();
  }
}

/** Takes whatever is dialled. */
export class ScriptedServer {
  /** What was dialled, in order. */
  readonly peers: ScriptedPeer[] = [];
  readonly #chunkSize: number;
  #waiting: (() => void)[] = [];

  /** `chunkSize`: the most bytes that arrive at a time. */
  constructor(chunkSize: number = Infinity) {
    this.#chunkSize = chunkSize;
  }

  /** Connects to this server. */
  readonly dial: Dial = (target, signal) => {
    signal.throwIfAborted();
    const [client, server] = createTransportPair({ chunkSize: this.#chunkSize });
    this.peers.push(new ScriptedPeer(target, server, client));
    for (const resolve of this.#waiting.splice(0)) resolve();
    return Promise.resolve(client);
  };

  /** The connection dialled as the `index`-th, once it is. */
  async peer(index: number): Promise<ScriptedPeer> {
    while (this.peers.length <= index) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.peers[index]!;
  }

  /** Whether the client has released all that it dialled. */
  get released(): boolean {
    return this.peers.every((peer) => peer.clientClosed);
  }
}
