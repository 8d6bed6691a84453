/** The WebSocket that `Deno.upgradeWebSocket` gives, as {@linkcode HostLink} wants it. */

import { copyOf } from "../bytes.ts";
import { CloseCode } from "../close_code.ts";
import type { HostLink, HostSocket } from "../connection/host_link.ts";
import type { Capabilities } from "../types.ts";

/** What a WebSocket of `Deno.serve` can do. */
export const DENO_CAPABILITIES: Capabilities = {
  ping: false,
  compression: false,
  inboundBackpressure: false,
  outboundBackpressure: true,
  noDelay: false,
};

/**
 * Opens a link once Deno's socket is open, calling `onOpen`, and tells the link what the socket
 * receives.
 */
export function attachDenoSocket(socket: WebSocket, link: HostLink, onOpen: () => void): void {
  const host = new DenoHostSocket(socket);
  let failure: unknown;
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    onOpen();
    link.open(host);
  };
  socket.onmessage = ({ data }) =>
    link.receiveMessage(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  socket.onerror = (event) => {
    const { error, message } = event as ErrorEvent;
    failure = error ?? new Error(message);
    // Nothing follows if it never opened.
    if (socket.readyState === WebSocket.CONNECTING) link.lost(failure);
  };
  socket.onclose = ({ code, reason, wasClean }) => {
    detach(socket);
    if (failure !== undefined) link.lost(failure);
    else if (!wasClean && host.isClosing) link.lost(new Error(ENDED_WHILE_CLOSING));
    // What Deno calls a clean end without a code may be no Close frame at all. A peer that was sent
    // a code echoes it (RFC 6455 section 5.5.1).
    else if (code === CloseCode.NoStatusReceived && host.isClosing) {
      link.closed(CloseCode.Abnormal, "");
    } else {
      if (host.noteAnswer(code)) link.drained();
      link.closed(code, reason);
    }
  };
}

/**
 * A timer of Deno's may long keep the socket of a vanished peer: it must not keep the connection,
 * too.
 */
function detach(socket: WebSocket): void {
  socket.onopen =
    socket.onmessage =
    socket.onerror =
    socket.onclose =
      null;
}

const ENDED_WHILE_CLOSING =
  "The connection ended before the answer to its Close frame: Deno.serve drops one where a message or " +
  "a pong comes first";

/** `WebSocket.OPEN`, as a constant that need not be looked up with each message. */
const OPEN = 1;

/** The sending side. */
class DenoHostSocket implements HostSocket {
  readonly reportsDrain = false;
  readonly #socket: WebSocket;
  #isClosing = false;
  /** The code of our Close frame, if it went out before the peer's came. */
  #sentCode: number | undefined;
  /**
   * What waited before a Close frame, and what came after it: Deno tells no more of either then.
   */
  #unwritten: number | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Whether a Close frame with a code was sent before one came. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  get bufferedAmount(): number {
    return this.#unwritten ?? this.#socket.bufferedAmount;
  }

  /**
   * The peer's Close came: `true` if its code says that it answers ours, so that all before has
   * left.
   */
  noteAnswer(code: number): boolean {
    if (this.#unwritten === undefined || code !== this.#sentCode) return false;
    this.#unwritten = undefined;
    return true;
  }

  sendText(text: string): boolean {
    this.#noteIfDropped(text.length);
    this.#socket.send(text);
    return true;
  }

  sendBinary(data: Uint8Array): boolean {
    this.#noteIfDropped(data.length);
    // Deno takes no shared memory.
    const bytes = data.buffer instanceof ArrayBuffer
      ? data as Uint8Array<ArrayBuffer>
      : copyOf(data);
    // Deno takes a buffer 3 % faster than a view (of the CPU of an echo of 16 bytes).
    this.#socket.send(bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes);
    return true;
  }

  /**
   * Once the peer's Close has come, Deno silently drops what is sent, and tells of that Close only
   * some turns later: what was sent in between has not left.
   */
  #noteIfDropped(size: number): void {
    if (this.#socket.readyState === OPEN) return;
    this.#unwritten = this.bufferedAmount + Math.max(1, size);
  }

  /** Deno writes in the second turn from here; its timers take a millisecond. */
  soon(callback: () => void): void {
    setImmediate(() => setImmediate(callback));
  }

  close(code: number, reason: string): void {
    const { bufferedAmount } = this;
    const isOpen = this.#socket.readyState === OPEN;
    if (isOpen) this.#sentCode = code;
    if (code === CloseCode.NoStatusReceived) {
      this.#socket.close();
    } else {
      this.#isClosing = isOpen;
      this.#socket.close(code, reason);
    }
    this.#unwritten = bufferedAmount;
  }

  /**
   * Deno has no way to drop a socket. A Close frame is sent where none was; the socket is freed
   * with whatever the peer sends next, or when it ends the transport.
   */
  terminate(): void {
    detach(this.#socket);
    this.#socket.close(CloseCode.GoingAway);
  }

  /** Never called, see {@linkcode DENO_CAPABILITIES}. */
  ping(): void {}

  /** Never called, like `ping`. */
  pause(): void {}

  /** Never called, like `ping`. */
  resume(): void {}
}
