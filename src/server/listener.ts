/** Between a host, which accepts connections, and the server that answers them. */

import type { ByteTransport } from "../connection/transport.ts";
import type { ListenAddress } from "./serve_options.ts";

/** What a host listens with. It listens from the start, and hands nothing over before `start`. */
export interface Listener {
  /** Where it listens. */
  readonly address: ListenAddress;
  /**
   * Hands over what connects from now on, and what has connected and waits. Rejects if the code for
   * that cannot be loaded. Not called after {@linkcode close}, which may come before it is done.
   */
  start(acceptor: Acceptor): void | Promise<void>;
  /** Accepts no more, and drops what waits. */
  close(): void;
  /** Keeps the process alive. */
  ref(): void;
  /** Lets the process end. */
  unref(): void;
}

/** Takes what a listener accepts. Neither method throws. */
export interface Acceptor {
  /** Takes a connection over. */
  accept(transport: ByteTransport): void;
  /** Is told that accepting failed. */
  onError(error: unknown): void;
}
