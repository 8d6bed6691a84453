/** Accepting on a listener of Deno's. */

import type { Acceptor } from "../server/listener.ts";
import { DenoTransport } from "./deno_transport.ts";

/** A listener that streams of bytes come from. */
export type DenoListener = Deno.Listener<Deno.TcpConn | Deno.TlsConn | Deno.UnixConn>;

/** Milliseconds before accepting is tried again, doubled with each failure in a row. */
const FIRST_BACKOFF = 5;
const LAST_BACKOFF = 1_000;

/** Accepts until it is stopped. */
export class AcceptLoop {
  readonly #listener: DenoListener;
  readonly #acceptor: Acceptor;
  readonly #noDelay: boolean;
  #stopped = false;
  #refed = true;
  /** The pause before accepting is tried again, and what ends it early. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;

  /** Creates the loop; {@linkcode run} begins it. */
  constructor(listener: DenoListener, acceptor: Acceptor, noDelay: boolean) {
    this.#listener = listener;
    this.#acceptor = acceptor;
    this.#noDelay = noDelay;
  }

  /** Resolves, never rejects, once it was stopped. */
  async run(): Promise<void> {
    let backoff = FIRST_BACKOFF;
    while (!this.#stopped) {
      try {
        this.#accept(await this.#listener.accept());
        backoff = FIRST_BACKOFF;
      } catch (error) {
        if (this.#stopped) return;
        // Usually it is out of file descriptors: others have to be closed first.
        this.#acceptor.onError(error);
        // It may have shut down.
        if (this.#stopped) return;
        await this.#pause(backoff);
        backoff = Math.min(2 * backoff, LAST_BACKOFF);
      }
    }
  }

  /** Ends it; the caller closes the listener that it accepts from. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Keeps the process alive during a pause as well. */
  ref(): void {
    this.#refed = true;
    if (this.#timer !== undefined) Deno.refTimer(this.#timer);
  }

  /** Lets the process end during a pause as well; while it accepts that is up to the listener. */
  unref(): void {
    this.#refed = false;
    if (this.#timer !== undefined) Deno.unrefTimer(this.#timer);
  }

  #accept(connection: Deno.TcpConn | Deno.TlsConn | Deno.UnixConn): void {
    const transport = new DenoTransport(connection);
    try {
      if (this.#noDelay && transport.supportsNoDelay) transport.setNoDelay(true);
    } catch {
      // The peer has gone already, which the transport will tell.
    }
    this.#acceptor.accept(transport);
  }

  async #pause(delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, delay);
    if (!this.#refed) Deno.unrefTimer(timer);
    this.#timer = timer;
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#timer = this.#wake = undefined;
  }
}
