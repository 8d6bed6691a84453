/**
 * The handler: what `tornado.websocket.WebSocketHandler` is, in camelCase.
 */

import { withoutUndefined } from "./arguments.ts";
import { CloseCode, validateClose } from "./close_code.ts";
import {
  consumeMessages,
  discardMessages,
  isClosing,
  type SendOptions,
  type WebSocketConnection,
} from "./connection/connection.ts";
import { tell } from "./connection/observer.ts";
import { toControlPayload, toPayload } from "./connection/sendable.ts";
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
  /** The router's options, for what the handler does not decide itself. */
  readonly options: UpgradeOptions;
  /**
   * Options for this request alone, which take precedence over the handler's decisions; none is
   * `undefined`.
   */
  readonly given: UpgradeOptions;
  /** What the route's groups matched: the arguments of `prepare` and `open`. */
  readonly groups: Groups;
}

/**
 * Upgrades a request for a handler and runs it until its connection has ended. Resolves with the
 * response to return: the upgrade's, the one that `prepare` gives, or a 500 if one of the handler's
 * methods throws before there is a connection.
 */
export let runHandler: (handler: WebSocketHandler, run: HandlerRun) => Promise<Response>;

/** A function that is told of errors. */
type ErrorListener = (error: unknown) => unknown;

/**
 * Closes a connection with 1011 because of what its handler has thrown, and reports the error.
 * There is nothing to report if the handler merely met the end of the connection, for example by
 * sending to a peer that had gone.
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
 * The methods are called in this order. {@linkcode prepare} may refuse; it is also called for
 * handshakes that will be refused later, such as those of other sites' pages.
 * {@linkcode getConnectionOptions}, {@linkcode getCompressionOptions}, {@linkcode checkOrigin} and
 * {@linkcode selectSubprotocol} decide on the handshake. {@linkcode open} is awaited before the
 * first {@linkcode onMessage}, and each `onMessage` before the next; meanwhile, a peer that sends
 * faster is not read. {@linkcode onClose} comes last, exactly once for each `open`, after the
 * messages that had arrived. After the end, an `open` or `onMessage` that takes longer than
 * `closeTimeout` is no longer waited for, and the remaining messages are dropped.
 *
 * If one of them throws or rejects, the error reaches {@linkcode onError} and the connection is
 * closed with 1011; if there is no connection yet, the request is answered with 500. The server
 * lives on.
 *
 * A handler whose {@linkcode data} is a `User` extends `WebSocketHandler<User>`. Nothing checks
 * that the router is really given one.
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
  /** The options of this request until there is a connection; after that, the router's. */
  #options: UpgradeOptions = {};

  /** Made when it is first asked for: an idle connection does without. */
  #responseHeaders: Headers | undefined;

  /**
   * The handler's own headers for the 101 response, such as cookies; to be filled in
   * {@linkcode prepare}.
   */
  get responseHeaders(): Headers {
    return this.#responseHeaders ??= new Headers();
  }

  // To override: before the connection ---------------------------------------------------------

  /**
   * Called first, before the handshake is answered, with the same arguments as {@linkcode open}. If
   * it returns a response, that is sent instead: a 401 for someone who is not signed in, a
   * redirect, a 404. May be async.
   *
   * It can judge by {@linkcode request} and {@linkcode data}. The address of the client is part of
   * the latter only if the application puts it there, since each host tells it in its own way.
   */
  prepare(..._groups: (string | undefined)[]): Response | void | Promise<Response | void> {}

  /**
   * Whether a page of this origin may connect. Called when the request has an `Origin` header, as
   * every browser's has; without this check, any page on the web could open a connection with the
   * cookies of your users (cross-site WebSocket hijacking, RFC 6455 section 10.2). It decides at
   * once: a promise, or anything else that is neither `true` nor `false`, is a `TypeError`.
   *
   * The origin is well-formed, or `"null"`, which stands for a page without one, such as a page in
   * a sandboxed frame. The default asks the router's `checkOrigin`, and where there is none, allows
   * the server's own origin, and what the router's `allowedOrigins` and `publicOrigin` add. To allow all, return `true`; to allow the subdomains
   * of your own domain:
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
    const request = this.#unpackRequest();
    const { checkOrigin } = this.#options;
    if (checkOrigin !== undefined) return checkOrigin(origin, request);
    const { headers, url } = request;
    const host = parseAuthority(headers.get("host") ?? "");
    if (host === undefined) return false;
    const secure = url.startsWith("https:");
    return new OriginPolicy(this.#options).judge(origin, { host, secure }) === undefined;
  }

  /**
   * Chooses one of the subprotocols that the client offers, or none. They are in the client's order
   * of preference; the list is empty if it offers none. The default chooses as the router's
   * `selectSubprotocol` or `subprotocols` say, and none where it has neither.
   */
  selectSubprotocol(offered: readonly string[]): string | undefined {
    const { selectSubprotocol, subprotocols = [] } = this.#options;
    if (selectSubprotocol !== undefined) return selectSubprotocol(offered);
    return subprotocols.find((subprotocol) => offered.includes(subprotocol));
  }

  /**
   * Whether and how messages are compressed if the client can do so (RFC 7692); the default is the
   * router's `compression`, which is off unless given.
   */
  getCompressionOptions(): boolean | CompressionOptions | undefined {
    return this.#options.compression;
  }

  /**
   * Limits and times of this handler's connections, such as a `maxMessageSize` of its own; for
   * options that are not given, the router's apply.
   */
  getConnectionOptions(): ConnectionOptions {
    return {};
  }

  // To override: the connection ----------------------------------------------------------------

  /**
   * There is a connection now. Called with the groups of the route, percent-decoded. May be async:
   * no message is delivered before it has resolved.
   */
  open(..._groups: (string | undefined)[]): unknown {
    return undefined;
  }

  /**
   * A message: text as a string, binary as bytes. The peer decides which one it is, so check
   * `typeof message` before you take text for granted.
   *
   * A promise holds the next message back. So one that waits for what only a later `onMessage` can
   * bring waits forever: take the next message by `await this.connection.receive()`, or let the
   * work run on and catch its errors: `void work().catch((error) => this.onError(error))`.
   *
   * Not called any more once the handler has called {@linkcode close}; `receive` still gives what
   * arrives before the peer's Close.
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
   * The connection has ended, in whatever way. `info` says how, as {@linkcode closeCode} and
   * {@linkcode closeReason} do; its `error` says what was wrong if there was no closing handshake.
   * May be async.
   */
  onClose(_info: CloseInfo): unknown {
    return undefined;
  }

  /**
   * Called with what the other methods throw, except for the `WebSocketClosedError` of a connection
   * that has just ended, which {@linkcode onClose} tells of. The default writes it to the console.
   * May be async.
   */
  onError(error: unknown): unknown {
    return console.error(error);
  }

  // To use -------------------------------------------------------------------------------------

  /**
   * The request that asked for the connection, the same object each time; on `Deno.serve` another
   * one from {@linkcode open} on, since Deno takes its own back. First asked for only after `open`
   * has returned (or reached its first `await`), it is a copy that has the URL, the method and the
   * headers, but neither body nor `signal` of the original.
   *
   * Throws an `Error` in the constructor, where there is none yet.
   */
  get request(): Request {
    const request = this.#unpackRequest();
    this.#requestRead = true;
    return request;
  }

  /**
   * What the application has given as `data`: for this request to `WebSocketRouter.handle`, or else
   * for all requests in the router's options. From {@linkcode prepare} on, it is the same as the
   * connection's `data`; in the constructor, it is `undefined`.
   */
  get data(): Data {
    return (this.#connection ?? this.#options).data as Data;
  }

  /**
   * The connection. Throws an `Error` before {@linkcode open}, where there is none yet, and so do
   * the methods below.
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
   * Sends a message, see `WebSocketConnection.send`; a plain object is sent as JSON. The promise is
   * the flow control, and rejects with a `WebSocketClosedError` on a closed connection.
   *
   * @throws {TypeError} for what cannot be sent. In a handler a wrong argument is thrown at once, so
   * that the router catches it even if nobody awaits the promise.
   */
  writeMessage(message: Sendable, options?: SendOptions): Promise<void> {
    if (typeof message === "string" || message instanceof Uint8Array) {
      return this.connection.send(message, options);
    }
    return this.connection.send(toPayload(message), options);
  }

  /**
   * Sends a ping and resolves with the round trip in milliseconds, see `WebSocketConnection.ping`.
   *
   * @throws {TypeError} for a payload that is neither text nor bytes.
   * @throws {RangeError} for one of more than 125 bytes.
   */
  ping(payload?: string | ArrayBufferView | ArrayBuffer): Promise<number> {
    return this.connection.ping(payload === undefined ? undefined : toControlPayload(payload));
  }

  /**
   * Closes the connection, see `WebSocketConnection.close`. From then on {@linkcode onMessage} is
   * not called any more.
   *
   * @throws {RangeError} for a code that may not be sent or a reason of more than 123 bytes.
   * @throws {TypeError} for a code that is no number or a reason that is no string.
   */
  close(code: number = CloseCode.Normal, reason: string = ""): Promise<CloseInfo> {
    const { connection } = this;
    validateClose(code, reason);
    const closed = connection.close(code, reason);
    // Unless the host has refused, as Workers do for the connection of another request.
    if (isClosing(connection)) discardMessages(connection);
    return closed;
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

  /**
   * The router's options, the handler's own decisions where it makes them, and what takes
   * precedence over both.
   */
  #decide(given: UpgradeOptions): UpgradeOptions {
    const prototype = WebSocketHandler.prototype;
    const headers = new Headers(this.#options.headers);
    for (const [name, value] of this.#responseHeaders ?? []) headers.append(name, value);
    return {
      ...this.#options,
      ...withoutUndefined(this.getConnectionOptions()),
      compression: this.getCompressionOptions() ?? false,
      // If the method is inherited, the policy judges: the text of its refusal names both hosts.
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
 * What is kept of a request for the life of a connection: one string instead of a `Request` and its
 * headers, which would be 2 KiB of an idle connection on Deno and on Bun. Requests of Workers are
 * kept as they are, since they tell more than a copy would.
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
