/**
 * The call that every host offers under the name `upgradeWebSocket`.
 */

import type { WebSocketConnection } from "../connection/connection.ts";
import type { HandshakeOptions } from "../handshake/server.ts";
import type { ConnectionOptions } from "../types.ts";

/** How a request is upgraded: what the handshake agrees to, and how the connection behaves. */
export interface UpgradeOptions extends ConnectionOptions, HandshakeOptions {}

/**
 * What became of a request for a WebSocket. In both cases `response` is what the application's
 * function is to return.
 */
export type UpgradeResult =
  | {
    /** The 101 response; headers may be added to it until it is returned. */
    readonly response: Response;
    /** The connection: it opens when the response has been returned; what is sent before waits. */
    readonly connection: WebSocketConnection;
  }
  | {
    /** The refusal, with a text that says why. */
    readonly response: Response;
    /** There is none, the request was refused. */
    readonly connection: undefined;
  };

/** Validates a request for a WebSocket and answers it. */
export type Upgrade = (request: Request, options?: UpgradeOptions) => UpgradeResult;
