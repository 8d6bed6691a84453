/**
 * Fixtures for testing what is built on Gale, and Gale itself: a client of a server's request
 * function and two connected connections, both in memory, a clock that is advanced by hand, and
 * streams that are cut into pieces.
 *
 * @example
 * ```ts
 * import { createPair } from "@gale/websocket/testing";
 *
 * const { client, server } = createPair();
 * await client.send("hello");
 * console.log(await server.receive()); // "hello"
 * await client.close();
 * ```
 *
 * @module
 */

import { requireInteger } from "./arguments.ts";
import type { ConnectOptions } from "./client.ts";
import { connectionOver, type WebSocketConnection } from "./connection/connection.ts";
import type { DialTarget } from "./connection/dial.ts";
import { createTransportPair } from "./connection/memory_transport.ts";
import { resolveConnectionOptions } from "./connection/options.ts";
import { StreamTransport } from "./connection/stream_transport.ts";
import { ProtocolLink } from "./connection/protocol_link.ts";
import type { PermessageDeflateInit } from "./extensions/permessage_deflate.ts";
import {
  acceptOffer,
  createOffer,
  resolveCompression,
} from "./extensions/permessage_deflate_negotiation.ts";
import { parseExtensions } from "./handshake/header_values.ts";
import type { ServeStreamOptions } from "./server/accept.ts";
import type { RequestHandler } from "./server/http_exchange.ts";
import type { ByteStream, Clock, CompressionOptions, ConnectionOptions } from "./types.ts";

export type {
  ByteStream,
  Clock,
  CloseInfo,
  CompressionOptions,
  ConnectionOptions,
  Message,
} from "./types.ts";
export type { ConnectOptions, RequestHandler, ServeStreamOptions, WebSocketConnection };

/** How {@linkcode connectTo} connects. */
export interface ConnectToOptions<Data = unknown> extends Omit<ConnectOptions<Data>, "dial"> {
  /**
   * The URL to connect to; a path is one of `ws://localhost`.
   * @default "/"
   */
  readonly url?: string | URL | undefined;
  /**
   * How the server sees the request, such as the address that it comes from; `secure` follows from
   * the URL unless it is given.
   */
  readonly server?: Omit<ServeStreamOptions, "signal"> | undefined;
}

/**
 * Opens a connection, in memory, to a server's request function: with the opening handshake, the
 * routes and the refusals that a real client meets. The function is one for `serveTcp` or
 * `serveStream`, with the `upgradeWebSocket` that it uses anyway.
 *
 * Rejects as `connectWebSocket` does: with a `WebSocketHandshakeError` if the function refuses,
 * whose `response` is the function's answer; and with a `TypeError` or `RangeError` if an option of
 * either side is wrong.
 *
 * @example
 * ```ts
 * import { WebSocketRouter } from "@gale/websocket";
 * import { upgradeWebSocket } from "@gale/websocket/tcp";
 * import { connectTo } from "@gale/websocket/testing";
 *
 * const router = new WebSocketRouter([
 *   ["/rooms/:name", (connection, _request, name) => connection.send(`Welcome to ${name}`)],
 * ]);
 * await using client = await connectTo(
 *   async (request) =>
 *     await router.handle(request, upgradeWebSocket) ?? new Response("a page"),
 *   { url: "/rooms/lobby" },
 * );
 * console.log(await client.receive()); // "Welcome to lobby"
 * ```
 */
export async function connectTo<Data = unknown>(
  handler: RequestHandler,
  options: ConnectToOptions<Data> = {},
): Promise<WebSocketConnection<Data>> {
  const { url = "/", server = {}, ...rest } = options;
  const [{ connectBy }, { checkServeStream, serveTransport }] = await Promise.all([
    import("./client.ts"),
    import("./server/accept.ts"),
  ]);
  checkServeStream(handler, server);
  const dial = ({ secure }: DialTarget) => {
    const [near, far] = createStreamPair();
    const open = () => new StreamTransport(far, server.remoteAddress);
    // The client, too, is told of whatever cuts it short.
    serveTransport(open, handler, { ...server, secure: server.secure ?? secure }).catch(() => {});
    return Promise.resolve(near);
  };
  return await connectBy<Data>(dial, new URL(url, "ws://localhost"), rest);
}

/** How a pair of connections is set up. */
export interface PairOptions<ServerData = unknown, ClientData = unknown> {
  /** Options of the client's end. */
  readonly client?:
    | ConnectionOptions & {
      /** What the client's end has as `data`. */
      readonly data?: ClientData;
    }
    | undefined;
  /** Options of the server's end. */
  readonly server?:
    | ConnectionOptions & {
      /** What the server's end has as `data`. */
      readonly data?: ServerData;
    }
    | undefined;
  /**
   * Whether permessage-deflate is agreed.
   * @default false
   */
  readonly compression?: boolean | CompressionOptions | undefined;
  /**
   * The URL that both ends show.
   * @default "ws://localhost/"
   */
  readonly url?: string | undefined;
  /**
   * The subprotocol that both ends show.
   * @default ""
   */
  readonly protocol?: string | undefined;
  /**
   * The most bytes that arrive at a time.
   * @default Infinity
   */
  readonly chunkSize?: number | undefined;
  /**
   * Bytes that may be on the way in each direction before writes wait.
   * @default 65536
   */
  readonly capacity?: number | undefined;
}

/** Two connections that are each other's peer. */
export interface ConnectionPair<ServerData = unknown, ClientData = unknown>
  extends AsyncDisposable {
  /** The client's end. */
  readonly client: WebSocketConnection<ClientData>;
  /** The server's end. */
  readonly server: WebSocketConnection<ServerData>;
}

/**
 * Creates two connected connections in memory, without a handshake and without a socket. Disposing
 * of the pair closes both.
 *
 * @throws {RangeError} if an option is out of its range.
 * @throws {TypeError} if an option is of a wrong type.
 */
export function createPair<ServerData = unknown, ClientData = unknown>(
  options: PairOptions<ServerData, ClientData> = {},
): ConnectionPair<ServerData, ClientData> {
  const resolved = {
    client: resolveConnectionOptions(options.client ?? {}),
    server: resolveConnectionOptions(options.server ?? {}),
  };
  const transports = createTransportPair(options);
  const url = options.url ?? "ws://localhost/";
  const protocol = options.protocol ?? "";
  const compression = agree(options.compression);
  const [client, server] = (["client", "server"] as const).map((role, i) => {
    const link = new ProtocolLink({
      role,
      url,
      protocol,
      extensions: compression?.header ?? "",
      compression: compression?.init,
    }, resolved[role]);
    const connection = connectionOver<unknown>(link, resolved[role], options[role] ?? {});
    link.open(transports[i]!);
    return connection;
  }) as [WebSocketConnection<ClientData>, WebSocketConnection<ServerData>];
  return {
    client,
    server,
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([client.close(), server.close()]);
    },
  };
}

/** Lets both ends of the pair negotiate, so that they agree on what real ends would. */
function agree(
  option: boolean | CompressionOptions | undefined,
): { readonly header: string; readonly init: PermessageDeflateInit } | undefined {
  const resolved = resolveCompression(option);
  if (resolved === undefined) return undefined;
  const accepted = acceptOffer(parseExtensions(createOffer(resolved))!, resolved)!;
  const { level, threshold } = resolved;
  return { header: accepted.header, init: { parameters: accepted.parameters, level, threshold } };
}

/** Creates two byte streams in memory: what is written to one is read from the other. */
export function createStreamPair(): [ByteStream, ByteStream] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ];
}

/**
 * Cuts the bytes that pass into pieces of `size` bytes; the last one of each chunk may be smaller.
 *
 * @throws {RangeError} if `size` is not a positive integer.
 */
export function createChunker(size: number): TransformStream<Uint8Array, Uint8Array> {
  requireInteger("size", size, { from: 1 });
  return new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.length; at += size) {
        controller.enqueue(chunk.subarray(at, at + size));
      }
    },
  });
}

interface Timeout {
  readonly id: number;
  readonly due: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is advanced.
 *
 * @example
 * ```ts
 * import { createPair, ManualClock } from "@gale/websocket/testing";
 *
 * const clock = new ManualClock();
 * const { client, server } = createPair({ server: { clock, idleTimeout: 60_000 } });
 * await client.send("hello");
 * console.log(await server.receive()); // "hello"
 * await clock.advance(60_000);
 * console.log((await client.closed).code); // 1001, and nobody waited a minute
 * ```
 */
export class ManualClock implements Clock {
  #now = 0;
  #nextId = 1;
  #timeouts: Timeout[] = [];

  /** Milliseconds advanced so far. */
  now(): number {
    return this.#now;
  }

  /** Timeouts that are set. */
  get pending(): number {
    return this.#timeouts.length;
  }

  /** Sets a timeout. */
  setTimeout(callback: () => void, delay: number): unknown {
    const id = this.#nextId++;
    this.#timeouts.push({ id, due: this.#now + Math.max(0, delay), callback });
    return id;
  }

  /** Cancels a timeout. */
  clearTimeout(id: unknown): void {
    this.#timeouts = this.#timeouts.filter((timeout) => timeout.id !== id);
  }

  /**
   * Advances by `milliseconds`. The callbacks that fall due on the way run in the order of their
   * times, those set meanwhile included; what waits for the promises that they settle runs on as
   * well.
   */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      const next = this.#timeouts
        .filter((timeout) => timeout.due <= until)
        .reduce<Timeout | undefined>(
          (first, timeout) => first === undefined || timeout.due < first.due ? timeout : first,
          undefined,
        );
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.due);
      this.clearTimeout(next.id);
      next.callback();
      await settle();
    }
    this.#now = until;
    await settle();
  }
}

/** Lets everything run that can run without time passing. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
