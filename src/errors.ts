/** What {@linkcode WebSocketClosedError} carries besides its message. */
export interface WebSocketClosedErrorInit {
  /** The close code received, 1005 when the peer's Close had none, 1006 when none came. */
  readonly code: number;
  /** The reason received, or the empty string. */
  readonly reason: string;
  /** Whether the closing handshake was completed. */
  readonly wasClean: boolean;
  /** What ended the connection, if it was an error. */
  readonly cause?: unknown;
}

/** An operation failed because the connection is closing or closed. */
export class WebSocketClosedError extends Error {
  /** Always `"WebSocketClosedError"`. */
  override readonly name = "WebSocketClosedError";
  /** The close code received, 1005 when the peer's Close had none, 1006 when none came. */
  readonly code: number;
  /** The reason received, or the empty string. */
  readonly reason: string;
  /** Whether the closing handshake was completed. */
  readonly wasClean: boolean;

  /** Creates the error. */
  constructor(message: string, init: WebSocketClosedErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.reason = init.reason;
    this.wasClean = init.wasClean;
  }
}

/**
 * The peer broke a rule of RFC 6455 or RFC 7692, or exceeded a limit. Nothing rejects with it: it
 * is the `error` of a `CloseInfo`, and the `cause` of a {@linkcode WebSocketClosedError}.
 */
export class WebSocketProtocolError extends Error {
  /** Always `"WebSocketProtocolError"`. */
  override readonly name = "WebSocketProtocolError";
  /** The code of the Close frame that the violation is answered with. */
  readonly closeCode: number;

  /** Creates the error. */
  constructor(closeCode: number, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}

/** What {@linkcode WebSocketHandshakeError} carries besides its message. */
export interface WebSocketHandshakeErrorInit {
  /** The server's answer, if it is not a 101: status, headers, and a body of limited size. */
  readonly response?: Response | undefined;
  /** The error that made the handshake fail, if it was another one. */
  readonly cause?: unknown;
}

/**
 * The opening handshake failed. `connectWebSocket` and `acceptWebSocket` reject with it.
 *
 * @example
 * ```ts
 * import { connectWebSocket, WebSocketHandshakeError } from "@gale/websocket";
 *
 * async function connect(url: string) {
 *   try {
 *     return await connectWebSocket(url);
 *   } catch (error) {
 *     if (!(error instanceof WebSocketHandshakeError)) throw error;
 *     console.error(error.message, await error.response?.text());
 *     return undefined;
 *   }
 * }
 * ```
 */
export class WebSocketHandshakeError extends Error {
  /** Always `"WebSocketHandshakeError"`. */
  override readonly name = "WebSocketHandshakeError";
  /** The server's answer, if it is not a 101: status, headers, and a body of limited size. */
  readonly response: Response | undefined;

  /** Creates the error. */
  constructor(message: string, init: WebSocketHandshakeErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.response = init.response;
  }

  /** The status of {@linkcode response}; `undefined` where there is none. */
  get status(): number | undefined {
    return this.response?.status;
  }
}
