/**
 * What a server over byte transports does, whichever host accepts them: it answers each, keeps
 * account of them, and ends them in order.
 */

import { CloseCode } from "../close_code.ts";
import { Timeout } from "../connection/alarms.ts";
import { onceClosed, type WebSocketConnection } from "../connection/connection.ts";
import type { ByteTransport } from "../connection/transport.ts";
import { type ExchangeEnd, HttpExchange, type RequestHandler } from "./http_exchange.ts";
import type { Acceptor } from "./listener.ts";
import type { ResolvedServeOptions } from "./serve_options.ts";

/** What a server needs to know. */
export interface ByteServerOptions extends ResolvedServeOptions {
  /** Whether TLS carries the transports. */
  readonly secure: boolean;
}

/** The part of a server that answers, and that is loaded when there is one. */
export class ByteServer implements Acceptor {
  readonly #handler: RequestHandler;
  readonly #options: ByteServerOptions;
  readonly #exchanges = new Set<HttpExchange>();
  readonly #connections = new Set<WebSocketConnection>();
  #ending: PromiseWithResolvers<void> | undefined;
  #deadline: Timeout | undefined;

  /** Creates a server that waits to be given transports. */
  constructor(handler: RequestHandler, options: ByteServerOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  /**
   * Ends everything in order, as `shutdown` of `TcpServer` does, and closes transports that still
   * come. Called once.
   */
  shutdown(): Promise<void> {
    this.#ending = Promise.withResolvers();
    for (const exchange of this.#exchanges) {
      if (exchange.isUnasked) exchange.abort(new Error("The server shuts down"));
    }
    for (const connection of this.#connections) this.#dismiss(connection);
    const { clock, shutdownTimeout } = this.#options;
    this.#deadline = new Timeout(clock, () => this.#abortAll(), shutdownTimeout);
    this.#checkFinished();
    return this.#ending.promise;
  }

  /** Is told that accepting failed. */
  onError(error: unknown): void {
    this.#options.onError(error);
  }

  /** Answers a client. */
  accept(transport: ByteTransport): void {
    if (this.#ending !== undefined) return transport.close();
    const open = this.#exchanges.size + this.#connections.size;
    const { maxConnections } = this.#options;
    if (open >= maxConnections) {
      return this.#refuse(transport, `There are ${maxConnections} connections already`);
    }
    const exchange = new HttpExchange(transport, this.#handler, {
      ...this.#options,
      onEnd: (end) => this.#onExchangeEnd(exchange, end),
    });
    this.#exchanges.add(exchange);
    exchange.start();
  }

  #refuse(transport: ByteTransport, reason: string): void {
    const { remoteAddress } = transport;
    transport.close();
    this.#options.onRefuse({ status: undefined, reason, remoteAddress });
  }

  #onExchangeEnd(exchange: HttpExchange, { connection }: ExchangeEnd): void {
    this.#exchanges.delete(exchange);
    if (connection !== undefined) this.#track(connection);
    this.#checkFinished();
  }

  #track(connection: WebSocketConnection): void {
    this.#connections.add(connection);
    onceClosed(connection, this.#untrack);
    if (this.#ending !== undefined) this.#dismiss(connection);
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
    if (this.#ending === undefined) return;
    if (this.#exchanges.size > 0 || this.#connections.size > 0) return;
    this.#deadline?.clear();
    this.#ending.resolve();
  }
}
