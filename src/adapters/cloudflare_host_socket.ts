/** The near side of a `WebSocketPair`, as {@linkcode HostLink} wants it. */

import { CloseCode, isReasonTooLong, isReceivableCloseCode } from "../close_code.ts";
import type { HostLink, HostSocket } from "../connection/host_link.ts";
import { WebSocketProtocolError } from "../errors.ts";
import type { WorkersWebSocket } from "./cloudflare_types.ts";

/** `readyState` once both Close frames are exchanged. */
const CLOSED = 3;

/** How the runtime tells of a violation that it has ended the connection for. */
const VIOLATION = /protocolError\.statusCode = (\d+); protocolError\.description = (.*)/;

/**
 * Accepts a socket, opens a link over it, and tells the link what the socket receives.
 *
 * The runtime would answer the peer's Close at once, with whatever code it has. When half-open, it
 * leaves the answer to us, whatever the compatibility date says.
 */
export function attachWorkersSocket(socket: WorkersWebSocket, link: HostLink): void {
  socket.binaryType = "arraybuffer";
  const listeners: readonly (readonly [type: string, listener: (event: Event) => void])[] = [
    ["message", (event) => {
      const { data } = event as MessageEvent<string | ArrayBuffer>;
      link.receiveMessage(typeof data === "string" ? data : new Uint8Array(data));
    }],
    ["close", (event) => {
      detach();
      onClose(event as CloseEvent, socket, link);
    }],
    ["error", (event) => {
      detach();
      link.lost(toError(event as ErrorEvent));
    }],
  ];
  // The runtime never frees a socket that has listeners, nor what these refer to.
  const detach = () => {
    for (const [type, listener] of listeners) socket.removeEventListener(type, listener);
  };
  for (const [type, listener] of listeners) socket.addEventListener(type, listener);
  socket.accept({ allowHalfOpen: true });
  link.open(new WorkersHostSocket(socket, detach));
}

function onClose(
  { code, reason, wasClean }: CloseEvent,
  socket: WorkersWebSocket,
  link: HostLink,
): void {
  if (!wasClean) {
    link.closed(CloseCode.Abnormal, "");
    // Lets go of the peer's side, which the runtime holds as half-open.
    closeQuietly(socket);
  } else if (!isReceivable(code, reason)) {
    link.refuseClose(CloseCode.ProtocolError, `invalid close code ${code}`);
  } else if (isReasonTooLong(reason)) {
    // The runtime has made three bytes of U+FFFD of each that is not UTF-8.
    link.refuseClose(CloseCode.InvalidPayload, "close reason is not UTF-8");
  } else if (socket.readyState === CLOSED) {
    link.closed(code, reason);
  } else {
    link.receiveClose(code, reason);
  }
}

/** The runtime gives 1005 for an empty Close, and for one that claims this code. */
function isReceivable(code: number, reason: string): boolean {
  return code === CloseCode.NoStatusReceived ? reason === "" : isReceivableCloseCode(code);
}

function toError({ message, error }: ErrorEvent): unknown {
  const violation = VIOLATION.exec(message);
  if (violation === null) return error ?? new Error(message);
  return new WebSocketProtocolError(Number(violation[1]), violation[2]!);
}

function closeQuietly(socket: WorkersWebSocket): void {
  try {
    socket.close(CloseCode.InternalError);
  } catch {
    // It was closed already, or belongs to a request that is over.
  }
}

/** The sending side. */
class WorkersHostSocket implements HostSocket {
  readonly reportsDrain = false;
  readonly #socket: WorkersWebSocket;
  readonly #detach: () => void;

  constructor(socket: WorkersWebSocket, detach: () => void) {
    this.#socket = socket;
    this.#detach = detach;
  }

  get bufferedAmount(): number {
    try {
      return this.#socket.bufferedAmount ?? 0;
    } catch {
      // The socket is another request's. Whoever gives the connection up asks for this as well.
      return 0;
    }
  }

  sendText(text: string): boolean {
    // The runtime would send a lone surrogate as it is, which is no UTF-8 (RFC 6455 section 8.1).
    explained(() => this.#socket.send(text.toWellFormed()));
    return true;
  }

  sendBinary(data: Uint8Array): boolean {
    explained(() => this.#socket.send(data));
    return true;
  }

  close(code: number, reason: string): void {
    explained(() => {
      if (code === CloseCode.NoStatusReceived) this.#socket.close();
      else this.#socket.close(code, reason);
    });
  }

  /** A Close frame is all that can be sent; the TCP connection ends with the request. */
  terminate(): void {
    this.#detach();
    closeQuietly(this.#socket);
  }

  /** Never called: the runtime has no pings. */
  ping(): void {}

  /** Never called: the runtime reads on. */
  pause(): void {}

  /** Never called, like `pause`. */
  resume(): void {}
}

/** Does something with a socket, and says what is wrong if it is not this request's. */
function explained(action: () => void): void {
  try {
    action();
  } catch (cause) {
    if (!/different request/.test(String(cause))) throw cause;
    throw new Error(
      "Cannot use the connection: a Worker may do so only while it serves the request that opened it; " +
        "connections that know each other belong in a Durable Object",
      { cause },
    );
  }
}
