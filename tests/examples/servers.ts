/** Servers that the examples connect to. */

import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { WebSocketConnection } from "@gale/websocket";
import { serveTcp, upgradeWebSocket } from "../../examples/host.ts";
import { CLOSE, encodeFrame } from "../suite/frames.ts";

/** What follows the key in what is hashed (RFC 6455 section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What a server does with one request. */
export type Answer = (request: Request) => Response | Promise<Response>;

/** A server that listens; leaving its scope ends it. */
export interface TestServer extends AsyncDisposable {
  /** Where, as `ws://…/`. */
  readonly url: string;
}

/** Serves all requests by one function. */
export function serve(answer: Answer): TestServer {
  const server = serveTcp({ port: 0, hostname: "127.0.0.1", shutdownTimeout: 0 }, answer);
  return {
    url: `ws://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Upgrades, and runs `serve` with the connection. */
export function accept(serve: (connection: WebSocketConnection) => unknown): Answer {
  return (request) => {
    const { response, connection } = upgradeWebSocket(request);
    if (connection !== undefined) void serve(connection);
    return response;
  };
}

/** What comes, to be waited for. */
export class Arrivals<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  /** One has come. */
  add(item: T): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.#items.push(item);
    else resolve(item);
  }

  /** The next one, once it is there. */
  next(): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/**
 * A server that closes each connection with an empty Close frame, which ours sends in answer to one
 * alone.
 */
export async function serveEmptyCloses(onClient: () => void = () => {}): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the client has gone
    let head = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      if (head.endsWith("\r\n\r\n")) return; // the client's Close
      head += text;
      if (!head.endsWith("\r\n\r\n")) return;
      onClient();
      const [, key] = /^Sec-WebSocket-Key: (\S+)/im.exec(head)!;
      const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.end(encodeFrame({ opcode: CLOSE, payload: new Uint8Array(0) }, "server"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
