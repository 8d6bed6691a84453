/**
 * The handler: what `tornado.websocket.WebSocketHandler` is, in camelCase.
 */

import { withoutUndefined } from "./arguments.ts";
import { CloseCode } from "./close_code.ts";
import {
  consumeMessages,
  isClosing,
  type SendOptions,
  type WebSocketConnection,
} from "./connection/connection.ts";
import { tell } from "./connection/observer.ts";
import { WebSocketClosedError } from "./errors.ts";
import { parseAuthority } from "./handshake/authority.ts";
import { OriginPolicy } from "./handshake/origin_policy.ts";
import type { Groups } from "./route_pattern.ts";
import type { Upgrade, UpgradeOptions } from "./server/upgrade.ts";
import type {
  CloseInfo,
  CompressionOptions,
  ConnectionOptions,
  Message,
  Sendable,
} from "./types.ts";

/** What {@linkcode runHandler} is given besides the handler. */
export interface HandlerRun {
  /** The request that asked for a WebSocket. */
  readonly request: Request;
  /** The host's `upgradeWebSocket`. */
  readonly upgrade: Upgrade;
  /** Options of the router's, for what the handler does not decide itself. */
  readonly options: UpgradeOptions;
  /** Options for this request alone, which go before the handler's decisions; none is `undefined`. */
  readonly given: UpgradeOptions;
  /** What the route's groups matched: the arguments of `prepare` and `open`. */
  readonly groups: Groups;
}

/**
 * Upgrades a request for a handler and runs it until its connection has ended. Resolves with the
 * response to return: the upgrade's, `prepare`'s where that gives one, or a 500 where something of
 * the handler's throws before there is a connection.
 */
export let runHandler: (handler: WebSocketHandler, run: HandlerRun) => Promise<Response>;

/** What is told of errors. */
type ErrorListener = (error: unknown) => unknown;

/**
 * Closes a connection with 1011 because of what its handler has thrown, and reports that. Where the
 * handler only met the end of the connection, as by sending to a peer that has gone, there is nothing
 * to report.
 */
export function failConnection(
  connection: WebSocketConnection,
  error: unknown,
  onError: ErrorListener,
): void {
  if (error instanceof WebSocketClosedError && isClosing(connection)) return;
  connection.close(CloseCode.InternalError).catch(() => connection.abort(error));
  void tell(onError, error);
}

/**
 * One WebSocket on the server, as a class to extend: override what you need. A new instance serves
 * each connection.
 *
 * In order: {@linkcode prepare} may refuse, and is called for handshakes that will be refused too, those
 * of other sites' pages among them; {@linkcode getConnectionOptions}, {@linkcode getCompressionOptions},
 * {@linkcode checkOrigin} and {@linkcode selectSubprotocol} decide on the handshake; {@linkcode open} is
 * awaited before the first {@linkcode onMessage}, and each `onMessage` before the next, while a peer that
 * sends faster is not read;
 * {@linkcode onClose} comes last, exactly once after `open` was called, and behind the messages that had
 * arrived; but where `open`, or `onMessage` with one of them, takes longer than `closeTimeout` after the
 * end, it is waited for no longer, and the others are dropped.
 *
 * Where one of them throws, or rejects, the error reaches {@linkcode onError} and the connection is
 * closed with 1011, or the request answered with 500 where there is none yet; the server lives on.
 *
 * A handler whose {@linkcode data} is a `User` extends `WebSocketHandler<User>`; that it is given one, no
 * type tells.
 *
 * @example
 * ```ts
 * import { type Message, WebSocketHandler } from "@gale/websocket";
 *
 * class Echo extends WebSocketHandler {
 *   override onMessage(message: Message) {
 *     return this.writeMessage(message);
 *   }
 * }
 * ```
 */
export abstract class WebSocketHandler<Data = unknown> {
  /** Packed once the connection is open, unless the application has looked at it. */
  #request: Request | string | undefined;
  #requestRead = false;
  #connection: WebSocketConnection<Data> | undefined;
  /** Of this request until there is a connection, and then the router's. */
  #options: UpgradeOptions = {};

  /** Made where one is asked for: an idle connection does without. */
  #responseHeaders: Headers | undefined;

  /**
   * Headers of one's own on the 101 response, as cookies; to be filled in {@linkcode prepare}.
   */
  get responseHeaders(): Headers {
    return this.#responseHeaders ??= new Headers();
  }

  // To override: before the connection ---------------------------------------------------------

  /**
   * Called first, before the handshake is answered, with what {@linkcode open} will be called with. A
   * response given here is sent instead: 401 for who is not signed in, a redirect, 404. May be async.
   *
   * There are {@linkcode request} and {@linkcode data} to judge by; the address of the client is among
   * the latter where the application puts it there, since each host tells it in another way.
   */
  prepare(..._groups: (string | undefined)[]): Response | void | Promise<Response | void> {}

  /**
   * Whether a page of this origin may connect. Called when the request has an `Origin` header, as
   * every browser's has; without this check any page on the web could open a connection with the
   * cookies of your users (cross-site WebSocket hijacking, RFC 6455 section 10.2). It decides at once: a
   * promise, or anything else that is neither `true` nor `false`, is a `TypeError`.
   *
   * The origin is well-formed, or `"null"`, which is that of a page without one, as in a sandboxed
   * frame. The default allows the server's own origin, and what the router's `allowedOrigins` and
   * `publicOrigin` add. To allow all, return `true`; to allow the subdomains of one's own domain:
   *
   * ```ts
   * import { WebSocketHandler } from "@gale/websocket";
   *
   * class Feed extends WebSocketHandler {
   *   override checkOrigin(origin: string) {
   *     return URL.parse(origin)?.hostname.endsWith(".example.com") ?? false;
   *   }
   *   override onMessage() {}
   * }
   * ```
   */
  checkOrigin(origin: string): boolean {
    const { headers, url } = this.#unpackRequest();
    const host = parseAuthority(headers.get("host") ?? "");
    if (host === undefined) return false;
    const secure = url.startsWith("https:");
    return new OriginPolicy(this.#options).judge(origin, { host, secure }) === undefined;
  }

  /**
   * Chooses one of the subprotocols that the client offers, in its order of preference, or none; the
   * list is empty where it offers none. The default chooses none, unless the router names
   * `subprotocols`.
   */
  selectSubprotocol(_offered: readonly string[]): string | undefined {
    return undefined;
  }

  /**
   * Whether and how messages are compressed where the client can (RFC 7692); the default is the
   * router's `compression`, which is off unless given.
   */
  getCompressionOptions(): boolean | CompressionOptions | undefined {
    return this.#options.compression;
  }

  /**
   * Limits and times of this handler's connections, as a `maxMessageSize` of its own; what is not given
   * is the router's.
   */
  getConnectionOptions(): ConnectionOptions {
    return {};
  }

  // To override: the connection ----------------------------------------------------------------

  /**
   * The connection is there. Called with the groups of the route, percent-decoded. May be async: no
   * message is delivered before it has resolved.
   */
  open(..._groups: (string | undefined)[]): unknown {
    return undefined;
  }

  /**
   * A message: text as a string, binary as bytes. Which one it is, the peer decides, so ask for
   * `typeof message` before text is taken for granted.
   *
   * A promise holds the next message back. So one that waits for what only a later `onMessage` can bring
   * waits for ever: take the next message by `await this.connection.receive()`, or leave the work running,
   * with its errors caught, as by `void work().catch((error) => this.onError(error))`.
   */
  abstract onMessage(message: Message): unknown;

  /** A ping arrived, and was answered. May be async; nothing waits for it. */
  onPing(_payload: Uint8Array): unknown {
    return undefined;
  }

  /** A pong arrived. May be async; nothing waits for it. */
  onPong(_payload: Uint8Array): unknown {
    return undefined;
  }

  /**
   * The connection has ended, however it did: `info` says how, as {@linkcode closeCode} and
   * {@linkcode closeReason} do, and its `error` what was wrong where it was not by a closing handshake.
   * May be async.
   */
  onClose(_info: CloseInfo): unknown {
    return undefined;
  }

  /**
   * Told of what the other methods throw, but for the `WebSocketClosedError` of a connection that has
   * just ended: {@linkcode onClose} tells of that. The default writes it to the console. May be async.
   */
  onError(error: unknown): unknown {
    return console.error(error);
  }

  // To use -------------------------------------------------------------------------------------

  /**
   * The request that asked for the connection, the same object each time; on `Deno.serve` another one
   * from {@linkcode open} on, since Deno takes its own back. First asked for only after `open` has returned
   * (or reached its first `await`), it is a copy that has the URL, the method and the headers, but neither
   * body nor `signal` of the original.
   *
   * Throws an `Error` in the constructor, where there is none yet.
   */
  get request(): Request {
    const request = this.#unpackRequest();
    this.#requestRead = true;
    return request;
  }

  /**
   * What the application has given as `data`, for this request with `WebSocketRouter.handle`, or else for
   * all with the router's options: from {@linkcode prepare} on, the same as the connection's `data`.
   * `undefined` in the constructor.
   */
  get data(): Data {
    return (this.#connection ?? this.#options).data as Data;
  }

  /**
   * The connection. Throws an `Error` before {@linkcode open}, where there is none yet, and so do the
   * methods below.
   */
  get connection(): WebSocketConnection<Data> {
    if (this.#connection === undefined) {
      throw new Error("Cannot get connection: handler has not been opened");
    }
    return this.#connection;
  }

  /** The subprotocol agreed, or `undefined`. */
  get selectedSubprotocol(): string | undefined {
    return this.#connection?.protocol || undefined;
  }

  /** The close code received, see `WebSocketConnection.closeCode`. */
  get closeCode(): number | undefined {
    return this.#connection?.closeCode;
  }

  /** The close reason received, see `WebSocketConnection.closeReason`. */
  get closeReason(): string | undefined {
    return this.#connection?.closeReason;
  }

  /**
   * Sends a message, see `WebSocketConnection.send`; a plain object goes as JSON. The promise is the
   * flow control, and rejects with a `WebSocketClosedError` on a closed connection.
   */
  writeMessage(message: Sendable, options?: SendOptions): Promise<void> {
    return this.connection.send(message, options);
  }

  /** Sends a ping and resolves with the round trip in milliseconds. */
  ping(payload?: string | ArrayBufferView | ArrayBuffer): Promise<number> {
    return this.connection.ping(payload);
  }

  /** Closes the connection, see `WebSocketConnection.close`. */
  close(code?: number, reason?: string): Promise<CloseInfo> {
    return this.connection.close(code, reason);
  }

  /** Switches Nagle's algorithm off or on, see `WebSocketConnection.setNoDelay`. */
  setNoDelay(noDelay: boolean): void {
    this.connection.setNoDelay(noDelay);
  }

  // Within -------------------------------------------------------------------------------------

  #unpackRequest(): Request {
    if (this.#request === undefined) throw new Error("Cannot get request: handler is not running");
    if (typeof this.#request === "string") this.#request = unpackRequest(this.#request);
    return this.#request;
  }

  /** Never rejects. */
  async #run({ request, upgrade, options, given, groups }: HandlerRun): Promise<Response> {
    this.#request = request;
    this.#options = { ...options, ...given };
    try {
      const prepared = await this.prepare(...groups);
      if (prepared !== undefined) return prepared;
      const { response, connection, request: kept } = upgrade(request, this.#decide(given));
      if (connection === undefined) return response;
      this.#request = kept;
      this.#connection = connection as WebSocketConnection<Data>;
      this.#options = options;
      void this.#serve(connection, groups);
      return response;
    } catch (error) {
      this.#report(error);
      return new Response("Internal Server Error\n", { status: 500 });
    }
  }

  /** The router's options, the handler's own decisions where it makes them, and what goes before both. */
  #decide(given: UpgradeOptions): UpgradeOptions {
    const prototype = WebSocketHandler.prototype;
    const headers = new Headers(this.#options.headers);
    for (const [name, value] of this.#responseHeaders ?? []) headers.append(name, value);
    return {
      ...this.#options,
      ...withoutUndefined(this.getConnectionOptions()),
      compression: this.getCompressionOptions() ?? false,
      // An inherited method leaves the refusal's text, which names both hosts, to the policy.
      ...(this.checkOrigin !== prototype.checkOrigin &&
        { checkOrigin: (origin: string) => this.checkOrigin(origin) }),
      ...(this.selectSubprotocol !== prototype.selectSubprotocol &&
        { selectSubprotocol: (offered: readonly string[]) => this.selectSubprotocol(offered) }),
      ...(this.onPing !== prototype.onPing && {
        onPing: (payload: Uint8Array) => void this.#observe(() => this.onPing(payload)),
      }),
      ...(this.onPong !== prototype.onPong && {
        onPong: (payload: Uint8Array) => void this.#observe(() => this.onPong(payload)),
      }),
      ...given,
      headers,
    };
  }

  /** Never rejects. */
  async #serve(connection: WebSocketConnection, groups: Groups): Promise<void> {
    try {
      const open = () => this.#open(groups);
      const abandoned = await consumeMessages(
        connection,
        (message) => this.onMessage(message),
        open,
      );
      void abandoned?.failure.then((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
    const info = await connection.closed;
    try {
      await this.onClose(info);
    } catch (error) {
      this.#report(error);
    }
  }

  #open(groups: Groups): unknown {
    const opening = this.open(...groups);
    if (!this.#requestRead) this.#request = packRequest(this.#request as Request);
    return opening;
  }

  async #observe(observe: () => unknown): Promise<void> {
    try {
      await observe();
    } catch (error) {
      this.#fail(error);
    }
  }

  #report(error: unknown): void {
    void tell((reported) => this.onError(reported), error);
  }

  #fail(error: unknown): void {
    failConnection(this.connection, error, (reported) => this.onError(reported));
  }

  static {
    runHandler = (handler, run) => handler.#run(run);
  }
}

/**
 * What is kept of a request for the life of a connection: one string in place of a `Request` and its
 * headers, which are 2 KiB of an idle connection on Deno and on Bun. Workers' requests, which tell more
 * than a copy would, are kept.
 */
function packRequest(request: Request): Request | string {
  if ("cf" in request) return request;
  const packed: unknown[] = [request.url, request.method];
  // A sixth of the time that an iteration takes on Deno.
  request.headers.forEach((value, name) => packed.push([name, value]));
  return JSON.stringify(packed);
}

function unpackRequest(packed: string): Request {
  const [url, method, ...headers] = JSON.parse(packed) as [string, string, ...[string, string][]];
  return new Request(url, { method, headers });
}
