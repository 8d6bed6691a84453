/** Listening on Bun. */

import type { Acceptor, Listener } from "../server/listener.ts";
import type { ListenTarget } from "../server/serve_options.ts";
import { BunTransport } from "./bun_transport.ts";
import {
  ALPN_PROTOCOLS,
  type BunListener,
  bunSocketApi,
  type BunSocketOptions,
} from "./bun_types.ts";

/**
 * A listener of Bun's. Clients that connect before {@linkcode start} wait here, unread except for
 * one chunk.
 */
export class BunHostListener implements Listener {
  /** Where it listens. */
  readonly address: Listener["address"];
  readonly #listener: BunListener;
  readonly #waiting: BunTransport[] = [];
  #acceptor: Acceptor | undefined;

  /** Begins to listen; throws Bun's error where it cannot. */
  constructor({ port, hostname, path, certificate, noDelay }: ListenTarget) {
    const init: BunSocketOptions<BunTransport> = {
      allowHalfOpen: true,
      socket: BunTransport.handlers((transport) => {
        if (noDelay && transport.supportsNoDelay) transport.setNoDelay(true);
        if (this.#acceptor === undefined) this.#waiting.push(transport);
        else this.#acceptor.accept(transport);
      }, { secure: certificate !== undefined, unix: path !== undefined }),
    };
    if (path !== undefined) {
      this.#listener = bunSocketApi().listen({ ...init, unix: path });
      this.address = { transport: "unix", hostname: path, port: 0 };
      return;
    }
    const tls = certificate && { tls: { ...certificate, ALPNProtocols: ALPN_PROTOCOLS } };
    this.#listener = bunSocketApi().listen({ ...init, ...tls, port, hostname });
    const listener = this.#listener;
    this.address = { transport: "tcp", hostname: listener.hostname, port: listener.port };
  }

  /** Hands over who waits, and whoever comes. */
  start(acceptor: Acceptor): void {
    this.#acceptor = acceptor;
    for (const transport of this.#waiting.splice(0)) acceptor.accept(transport);
  }

  /** Accepts nothing more, and drops who waits. */
  close(): void {
    this.#listener.stop();
    for (const transport of this.#waiting.splice(0)) transport.close();
  }

  /** Keeps the process alive. */
  ref(): void {
    this.#listener.ref();
  }

  /** Lets the process end. */
  unref(): void {
    this.#listener.unref();
  }
}
