/**
 * The call that every host offers under the name `upgradeWebSocket`.
 */

import type { WebSocketConnection } from "../connection/connection.ts";
import type { HandshakeOptions } from "../handshake/server.ts";
import type { ConnectionOptions } from "../types.ts";

/** How a request is upgraded: what the handshake agrees to, and how the connection behaves. */
export interface UpgradeOptions<Data = unknown> extends ConnectionOptions, HandshakeOptions {
  /**
   * What the application wants to find at {@linkcode WebSocketConnection.data}, such as who is
   * signed in.
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
     * The 101 response; headers may be added to it until it is returned, but not on `Bun.serve`,
     * which takes only those of the option `headers`.
     */
    readonly response: Response;
    /**
     * The connection. It opens when the response has been returned, or at once on `Bun.serve`. What
     * is sent before that waits, and nothing is received before that.
     */
    readonly connection: WebSocketConnection<Data>;
    /**
     * The request, readable for the whole life of the connection: a host may withdraw its own with
     * the upgrade.
     */
    readonly request: Request;
  }
  | {
    /** The refusal, with a text that says why. */
    readonly response: Response;
    /** There is none: the request was refused. */
    readonly connection: undefined;
    /** The request, as it came. */
    readonly request: Request;
  };

/**
 * Validates a request for a WebSocket and answers it. `Host` is what a host wants to know besides,
 * such as the `server` of Bun; all of it is optional.
 */
export type Upgrade<Host = unknown> = (
  request: Request,
  options?: UpgradeOptions & Host,
) => UpgradeResult;
