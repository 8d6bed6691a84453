/**
 * What a server over byte transports does whichever host accepts them: it answers each, keeps account
 * of them, and shuts down in order.
 */

import { requireFunction } from "../arguments.ts";
import { CloseCode } from "../close_code.ts";
import { onceClosed, type WebSocketConnection } from "../connection/connection.ts";
import type { ByteTransport } from "../connection/transport.ts";
import { type ExchangeEnd, HttpExchange, type RequestHandler } from "./http_exchange.ts";
import {
  type ListenAddress,
  type ResolvedServeOptions,
  resolveServeOptions,
  type ServeTcpOptions,
} from "./serve_options.ts";

/** A server that `serveTcp` has started. */
export interface TcpServer extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: ListenAddress;
  /** Resolves once the server is shut down and everything it had open is over. Never rejects. */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, closes the WebSockets with 1001 and lets requests be answered, for at most
   * `shutdownTimeout`; then drops what is left. Resolves as `finished` does.
   */
  shutdown(): Promise<void>;
  /** Keeps the process alive while the server listens, as it does from the start. */
  ref(): void;
  /** Lets the process end although the server listens. */
  unref(): void;
  /** The same as {@linkcode shutdown}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a host listens with. */
export interface Listener {
  /** Where it listens. */
  readonly address: ListenAddress;
  /** Accepts no more. */
  close(): void;
  /** Keeps the process alive. */
  ref(): void;
  /** Lets the process end. */
  unref(): void;
}

/** Who takes what a listener accepts. Neither throws. */
export interface Acceptor {
  /** Takes a connection over. */
  accept(transport: ByteTransport): void;
  /** Is told that accepting failed. */
  onError(error: unknown): void;
}

/** The server behind `serveTcp`. */
export class ByteServer implements TcpServer {
  /** Resolves once all is over. */
  readonly finished: Promise<void>;
  readonly #handler: RequestHandler;
  readonly #options: ResolvedServeOptions;
  readonly #secure: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #listener: Listener;
  readonly #exchanges = new Set<HttpExchange>();
  readonly #connections = new Set<WebSocketConnection>();
  readonly #onAbort = () => void this.shutdown();
  readonly #resolveFinished: () => void;
  #shuttingDown = false;
  #deadline: unknown;

  /** Begins to listen, by the host's `listen`; throws what it throws. */
  constructor(
    handler: RequestHandler,
    options: ServeTcpOptions,
    listen: (acceptor: Acceptor) => Listener,
  ) {
    requireFunction("handler", handler);
    this.#handler = handler;
    this.#options = resolveServeOptions(options);
    this.#secure = options.cert !== undefined;
    this.#signal = options.signal;
    ({ promise: this.finished, resolve: this.#resolveFinished } = Promise.withResolvers<void>());
    options.signal?.throwIfAborted();
    this.#listener = listen({
      accept: (transport) => this.#accept(transport),
      onError: (error) => this.#report(error),
    });
    options.signal?.addEventListener("abort", this.#onAbort);
    try {
      options.onListen?.(this.addr);
    } catch (error) {
      void this.shutdown();
      throw error;
    }
  }

  /** Where the server listens. */
  get addr(): ListenAddress {
    return this.#listener.address;
  }

  /** Ends everything in order. */
  shutdown(): Promise<void> {
    if (this.#shuttingDown) return this.finished;
    this.#shuttingDown = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#listener.close();
    for (const exchange of this.#exchanges) {
      if (exchange.awaitsRequest) exchange.abort(new Error("The server shuts down"));
    }
    for (const connection of this.#connections) this.#dismiss(connection);
    this.#deadline = this.#options.clock.setTimeout(
      () => this.#abortAll(),
      this.#options.shutdownTimeout,
    );
    this.#checkFinished();
    return this.finished;
  }

  /** Keeps the process alive. */
  ref(): void {
    this.#listener.ref();
  }

  /** Lets the process end. */
  unref(): void {
    this.#listener.unref();
  }

  /** Ends everything in order. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #accept(transport: ByteTransport): void {
    const open = this.#exchanges.size + this.#connections.size;
    if (this.#shuttingDown || open >= this.#options.maxConnections) return transport.close();
    const { headLimits, handshakeTimeout, stallTimeout, clock } = this.#options;
    const exchange = new HttpExchange(transport, this.#handler, {
      secure: this.#secure,
      headLimits,
      handshakeTimeout,
      stallTimeout,
      clock,
      onError: (error) => this.#report(error),
      onEnd: (end) => this.#onExchangeEnd(exchange, end),
    });
    this.#exchanges.add(exchange);
    exchange.start();
  }

  #onExchangeEnd(exchange: HttpExchange, { connection }: ExchangeEnd): void {
    this.#exchanges.delete(exchange);
    if (connection !== undefined) this.#track(connection);
    this.#checkFinished();
  }

  #track(connection: WebSocketConnection): void {
    this.#connections.add(connection);
    onceClosed(connection, this.#untrack);
    if (this.#shuttingDown) this.#dismiss(connection);
  }

  /** One closure for all connections of the server. */
  readonly #untrack = (connection: WebSocketConnection): void => {
    this.#connections.delete(connection);
    this.#checkFinished();
  };

  #dismiss(connection: WebSocketConnection): void {
    connection.close(CloseCode.GoingAway, "Server shuts down").catch(() => {});
  }

  #abortAll(): void {
    const error = new Error("The server shut down");
    for (const exchange of this.#exchanges) exchange.abort(error);
    for (const connection of this.#connections) connection.abort(error);
  }

  #checkFinished(): void {
    if (!this.#shuttingDown || this.#exchanges.size > 0 || this.#connections.size > 0) return;
    this.#options.clock.clearTimeout(this.#deadline);
    this.#resolveFinished();
  }

  /** Nothing that the application does with an error may take the server down. */
  #report(error: unknown): void {
    try {
      this.#options.onError(error);
    } catch (failure) {
      console.error(failure);
    }
  }
}
