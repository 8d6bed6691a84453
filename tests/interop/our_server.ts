/** Our server in the process of the test: what the peers that are clients talk to. */

import type { CloseInfo, WebSocketConnection } from "@gale/websocket";
import type { ServeTcpOptions, TcpServer, UpgradeOptions } from "@gale/websocket/deno";
import { runtime } from "../harness.ts";

type Host = Pick<typeof import("@gale/websocket/deno"), "serveTcp" | "upgradeWebSocket">;

/** The entry point of the runtime that runs the test. */
export const host: Host = runtime === "deno"
  ? await import("@gale/websocket/deno")
  : await import("@gale/websocket/bun");

/** What one connection came to. */
export interface Served {
  /** The path and query that it was asked for at. */
  readonly path: string;
  /** What was agreed. */
  readonly extensions: string;
  /** Messages from the client. */
  readonly messages: number;
  /** How it ended. */
  readonly end: CloseInfo;
  /** Bytes on the wire from the client, for each byte of message. */
  readonly receivedRatio: number;
  /** Bytes on the wire to the client, for each byte of message. */
  readonly sentRatio: number;
}

/** How the server upgrades, for each path or for all. */
export type Upgrading = UpgradeOptions | ((path: string) => UpgradeOptions);

/** Milliseconds that connections may take to end. */
const END_TIMEOUT = 20_000;

/** An echo server, which does what messages that begin with ! say, and tells what came of it. */
export class OurServer implements AsyncDisposable {
  /** What it answers a request that is not for a WebSocket with; `/sandboxed` has no origin. */
  page = "<!doctype html><title>Gale</title>";
  /** The connections that have ended. */
  readonly served: Served[] = [];
  readonly #server: TcpServer;
  #open = 0;
  #wake: () => void = () => {};

  constructor(upgrading: Upgrading, options: ServeTcpOptions = {}) {
    this.#server = host.serveTcp({ port: 0, hostname: "127.0.0.1", ...options }, (request) => {
      const { pathname, search } = new URL(request.url);
      const path = `${pathname}${search}`;
      if (request.headers.get("upgrade") === null) {
        const headers = new Headers({ "content-type": "text/html" });
        if (path === "/sandboxed") headers.set("content-security-policy", "sandbox allow-scripts");
        return new Response(this.page, { headers });
      }
      const how = typeof upgrading === "function" ? upgrading(path) : upgrading;
      const { response, connection } = host.upgradeWebSocket(request, how);
      if (connection !== undefined) void this.#serve(connection, path);
      return response;
    });
  }

  /** Where it listens. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** Its URL, without a path. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Waits until so many connections have come and ended. */
  async ended(count: number): Promise<readonly Served[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`${this.served.length} of ${count} ended, ${this.#open} are open`)),
      END_TIMEOUT,
    );
    try {
      while (this.served.length < count || this.#open > 0) {
        await Promise.race([new Promise<void>((resolve) => this.#wake = resolve), late]);
      }
      return this.served;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(connection: WebSocketConnection, path: string): Promise<void> {
    this.#open++;
    let bytes = 1;
    try {
      for await (const message of connection) {
        bytes += message.length;
        if (message === "!close") await connection.close(4002, "as you wish");
        else if (message === "!fragments") {
          await connection.send(ReadableStream.from(["one ", "two ", "Grüße"]));
        } else if (message === "!ping") {
          await connection.ping(Uint8Array.of(0x00, 0xff));
          await connection.send("ponged");
        } else await connection.send(message);
      }
    } catch {
      // `end` tells it.
    }
    const end = await connection.closed;
    const { messagesReceived, bytesReceived, bytesSent } = connection.stats();
    this.served.push({
      path,
      extensions: connection.extensions,
      messages: messagesReceived,
      end,
      receivedRatio: bytesReceived / bytes,
      sentRatio: bytesSent / bytes,
    });
    this.#open--;
    this.#wake();
  }
}
