/**
 * The call that every host offers under the name `upgradeWebSocket`.
 */

import type { WebSocketConnection } from "../connection/connection.ts";
import type { HandshakeOptions } from "../handshake/server.ts";
import type { ConnectionOptions } from "../types.ts";

/** How a request is upgraded: what the handshake agrees to, and how the connection behaves. */
export interface UpgradeOptions<Data = unknown> extends ConnectionOptions, HandshakeOptions {
  /**
   * What the application wants to find at {@linkcode WebSocketConnection.data}, as who is signed in.
   * @default undefined
   */
  readonly data?: Data;
}

/**
 * What became of a request for a WebSocket. In both cases `response` is what the application's
 * function is to return.
 */
export type UpgradeResult<Data = unknown> =
  | {
    /**
     * The 101 response; headers may be added to it until it is returned, but not on `Bun.serve`, which
     * takes those of the option `headers` alone.
     */
    readonly response: Response;
    /**
     * The connection: it opens when the response has been returned, on `Bun.serve` at once; what is sent
     * before waits, and nothing is received before.
     */
    readonly connection: WebSocketConnection<Data>;
    /**
     * The request as it stays readable for the whole life of the connection: a host may withdraw its
     * own with the upgrade.
     */
    readonly request: Request;
  }
  | {
    /** The refusal, with a text that says why. */
    readonly response: Response;
    /** There is none, the request was refused. */
    readonly connection: undefined;
    /** The request, as it came. */
    readonly request: Request;
  };

/**
 * Validates a request for a WebSocket and answers it. `Host` is what a host wants to know besides, all of
 * it optional, as the `server` of Bun.
 */
export type Upgrade<Host = unknown> = (
  request: Request,
  options?: UpgradeOptions & Host,
) => UpgradeResult;
