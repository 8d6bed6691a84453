/**
 * What `serveTcp` returns. It listens at once and meanwhile loads the code that answers, so that
 * this code is not loaded unless `serveTcp` is called.
 */

import { requireFunction } from "../arguments.ts";
import type { ByteServer } from "./byte_server.ts";
import type { RequestHandler } from "./http_exchange.ts";
import type { Listener } from "./listener.ts";
import { type ListenAddress, resolveServeOptions, type ServeTcpOptions } from "./serve_options.ts";

/** A server that `serveTcp` has started. */
export interface TcpServer extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: ListenAddress;
  /**
   * Resolves once the server is shut down and everything it had open is over; what an async
   * `onClose` still does may go on. Never rejects.
   */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, closes the WebSockets with 1001 and lets requests be answered, for at most
   * `shutdownTimeout`; then it drops what is left. Resolves as `finished` does.
   */
  shutdown(): Promise<void>;
  /** Keeps the process alive while the server listens, as it does from the start. */
  ref(): void;
  /** Lets the process end although the server listens. */
  unref(): void;
  /** The same as {@linkcode shutdown}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a server needs besides what the application says. */
export interface TcpServerHost {
  /** Begins to listen; throws where it cannot. */
  listen(): Listener;
  /** Loads the code that answers. */
  load?(): Promise<{ readonly ByteServer: typeof ByteServer }>;
}

/** The server behind `serveTcp`. */
export class LazyTcpServer implements TcpServer {
  /** Resolves once all is over. */
  readonly finished: Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #listener: Listener;
  readonly #onAbort = () => void this.shutdown();
  readonly #resolveFinished: () => void;
  /** Answers what is accepted, once it is loaded. */
  #server: ByteServer | undefined;
  #shuttingDown = false;

  /** Begins to listen; throws what the host's `listen` throws. */
  constructor(handler: RequestHandler, options: ServeTcpOptions, host: TcpServerHost) {
    requireFunction("handler", handler);
    const resolved = resolveServeOptions(options);
    const secure = options.cert !== undefined;
    ({ promise: this.finished, resolve: this.#resolveFinished } = Promise.withResolvers<void>());
    this.#signal = options.signal;
    options.signal?.throwIfAborted();
    this.#listener = host.listen();
    options.signal?.addEventListener("abort", this.#onAbort);
    try {
      options.onListen?.(this.addr);
    } catch (error) {
      void this.shutdown();
      throw error;
    }
    const start = async () => {
      const { ByteServer } = await (host.load ?? loadByteServer)();
      if (this.#shuttingDown) return;
      this.#server = new ByteServer(handler, { ...resolved, secure });
      await this.#listener.start(this.#server);
    };
    start().catch((cause) => {
      if (this.#shuttingDown) return;
      void this.shutdown();
      resolved.onError(new Error("Cannot serve: the code that answers does not load", { cause }));
    });
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
    if (this.#server === undefined) this.#resolveFinished();
    else void this.#server.shutdown().then(this.#resolveFinished);
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
}

function loadByteServer(): Promise<{ readonly ByteServer: typeof ByteServer }> {
  return import("./byte_server.ts");
}
