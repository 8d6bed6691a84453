/** A WebSocket of `Bun.serve` as what {@linkcode HostLink} needs. */

import { copyOf, exceedsUtf8 } from "../bytes.ts";
import { CloseCode } from "../close_code.ts";
import type { WebSocketConnection } from "../connection/connection.ts";
import type { HostLink, HostSocket } from "../connection/host_link.ts";
import { WebSocketProtocolError } from "../errors.ts";
import type { Message } from "../types.ts";
import type { BunServerWebSocket } from "./bun_types.ts";

/**
 * Bytes that may be queued in Bun before it drops what is sent. Messages do not come near this
 * limit: what is sent after a queued one waits here. It bounds what gathers for a peer that sends
 * pings and does not read.
 */
export const BACKPRESSURE_LIMIT = 1_048_576;

/**
 * Bytes above which a message is written rather than gathered: the size of Bun's own buffer for
 * corking.
 */
const LARGE_MESSAGE = 16_384;

/** What `ws.data` is for a socket that {@linkcode upgradeWebSocket} has upgraded. */
export interface BunWebSocketData {
  /** The connection that the socket carries. */
  readonly connection: WebSocketConnection;
}

/** What a {@linkcode BunHostSocket} serves. */
export interface BunHostSocketInit {
  /** The link that it carries. */
  readonly link: HostLink;
  /** The connection over it. */
  readonly connection: WebSocketConnection;
  /** Bytes from which messages are compressed; infinite if compression is not agreed. */
  readonly threshold: number;
}

/**
 * Carries a {@linkcode HostLink}. It is made before the upgrade, in the course of which it is given
 * its socket.
 *
 * Bun gathers what is sent within its callbacks, and writes each message that is sent later by
 * itself. So the later ones are gathered here: in a burst of 64 from a timer, each takes 0.7
 * microseconds, not 1.7. The exception is the first one sent after a message was received, most
 * often its answer: it comes from a microtask of the callback, which Bun still gathers, or has
 * nothing to wait for.
 */
export class BunHostSocket implements HostSocket, BunWebSocketData {
  /** The connection that the socket carries. */
  readonly connection: WebSocketConnection;
  /** Bun calls `drain`. */
  readonly reportsDrain = true;
  readonly #link: HostLink;
  readonly #threshold: number;
  #limit: number | undefined;
  #socket: BunServerWebSocket<BunHostSocket> | undefined;
  /** Whether one of Bun's callbacks runs. */
  #corked = false;
  /** Whether nothing was sent since the last message. */
  #unanswered = false;
  #gathered: (() => boolean)[] = [];
  #gatheredBytes = 0;
  /** Whether Bun has queued something, and will call `drain`. */
  #behind = false;
  /** Sends, in their order, what Bun has dropped, and what came after that. */
  #dropped: (() => void)[] = [];
  #droppedBytes = 0;

  /** Creates a socket that is still to be opened. */
  constructor({ link, connection, threshold }: BunHostSocketInit) {
    this.connection = connection;
    this.#link = link;
    this.#threshold = threshold;
  }

  /** The largest message that the server's handlers take; `undefined` unless they are ours. */
  get limit(): number | undefined {
    return this.#limit;
  }

  // From the link ------------------------------------------------------------------------------

  /** Whether something waits for {@linkcode flush}. */
  get gathers(): boolean {
    return this.#gathered.length > 0;
  }

  /** Bytes that wait here, and that Bun has queued. */
  get bufferedAmount(): number {
    const waiting = this.#gatheredBytes + this.#droppedBytes;
    return this.#behind ? waiting + this.#socket!.getBufferedAmount() : waiting;
  }

  /** Sends text. */
  sendText(text: string, compress: boolean = exceedsUtf8(text, this.#threshold - 1)): boolean {
    if (this.#leavesAtOnce(text.length)) return this.#writeText(text, compress);
    return this.#gather(() => this.#writeText(text, compress), text.length);
  }

  /** Sends bytes. */
  sendBinary(data: Uint8Array, compress: boolean = data.length >= this.#threshold): boolean {
    if (this.#leavesAtOnce(data.length)) return this.#writeBinary(data, compress);
    const copy = copyOf(data);
    return this.#gather(() => this.#writeBinary(copy, compress), copy.length);
  }

  /** Writes what was gathered. */
  flush(): boolean {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (gathered.length === 1) return gathered[0]!();
    this.#socket!.cork(() => gathered.forEach((write) => write()));
    return !this.#behind;
  }

  /** Sends a ping; nothing is gathered then. */
  ping(payload: Uint8Array): void {
    this.#writePing(payload);
  }

  /**
   * Sends a Close frame and ends the connection; Bun does not wait for the peer's. It gives the
   * peer 4 seconds to take what is queued and drops the rest, so the queue must be empty first.
   */
  close(code: number, reason: string): void {
    if (this.gathers) this.flush();
    if (this.#dropped.length === 0 && this.#socket!.getBufferedAmount() === 0) {
      this.#socket!.close(code, reason);
    } else {
      this.#behind = true;
      this.#keep(() => this.close(code, reason), 0);
    }
  }

  /** Drops the TCP connection. */
  terminate(): void {
    this.#socket!.terminate();
  }

  /** Stops reading. */
  pause(): void {
    this.#socket!.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket!.resume();
  }

  // From Bun -----------------------------------------------------------------------------------

  /** The upgrade is done, by handlers that take messages of this size at most. */
  onOpen(socket: BunServerWebSocket<BunHostSocket>, limit: number): void {
    this.#limit = limit;
    this.#socket = socket;
    socket.binaryType = "uint8array";
    this.#link.open(this);
  }

  /** A message arrived. */
  onMessage(message: Message): void {
    this.#corked = true;
    this.#unanswered = true;
    this.#link.receiveMessage(message);
    this.#corked = false;
  }

  /** A ping arrived. */
  onPing(payload: Uint8Array): void {
    this.#link.receivePing(payload);
  }

  /** A pong arrived. */
  onPong(payload: Uint8Array): void {
    this.#link.receivePong(payload);
  }

  /** Some of what was queued has been written; when all is, more is welcome. */
  onDrain(): void {
    if (this.#socket!.getBufferedAmount() > 0) return;
    const dropped = this.#dropped;
    this.#dropped = [];
    this.#droppedBytes = 0;
    this.#behind = false;
    this.#corked = true;
    for (const send of dropped) send();
    if (this.#dropped.length === 0) this.#link.drained();
    this.#corked = false;
  }

  /**
   * The socket is closed: with the peer's code, or with ours if we closed it, or with 1006, which
   * has a reason if it was Bun that closed it because of the peer.
   */
  onClose(code: number, reason: string): void {
    if (code === CloseCode.Abnormal && reason !== "") {
      this.#link.lost(new WebSocketProtocolError(violationCode(reason), reason));
    } else {
      this.#link.closed(code, reason);
    }
    // After that, since the link asks whether anything has been left.
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  /**
   * Whether a message of this length is to be written and not gathered; then nothing waits before
   * it.
   */
  #leavesAtOnce(length: number): boolean {
    if (this.#corked || length > LARGE_MESSAGE) {
      if (this.gathers) this.flush();
    } else if (this.gathers || !this.#unanswered) {
      return false;
    }
    this.#unanswered = false;
    return true;
  }

  #gather(write: () => boolean, bytes: number): boolean {
    this.#gathered.push(write);
    this.#gatheredBytes += bytes;
    return true;
  }

  #writeText(text: string, compress: boolean): boolean {
    if (this.#dropped.length === 0) {
      const result = this.#socket!.sendText(text, compress);
      if (result > 0) return true;
      if (!this.#isDropped(result)) return !this.#behind;
    }
    this.#keep(() => this.#writeText(text, compress), text.length);
    return false;
  }

  #writeBinary(data: Uint8Array, compress: boolean): boolean {
    if (this.#dropped.length === 0) {
      const result = this.#socket!.sendBinary(data, compress);
      if (result > 0) return true;
      if (!this.#isDropped(result)) return !this.#behind;
    }
    const copy = copyOf(data);
    this.#keep(() => this.#writeBinary(copy, compress), copy.length);
    return false;
  }

  #writePing(payload: Uint8Array): void {
    if (this.#dropped.length === 0 && !this.#isDropped(this.#socket!.ping(payload))) return;
    const copy = copyOf(payload);
    this.#keep(() => this.#writePing(copy), copy.length);
  }

  /** Whether Bun did not take a message. The result of sending is 0 for an empty one, too. */
  #isDropped(result: number): boolean {
    if (result > 0) return false;
    const dropped = result === 0 && this.#socket!.getBufferedAmount() > BACKPRESSURE_LIMIT;
    if (result < 0 || dropped) this.#behind = true;
    return dropped;
  }

  #keep(send: () => void, bytes: number): void {
    this.#dropped.push(send);
    this.#droppedBytes += bytes;
  }
}

/** The code that Bun has closed with for a violation, by the reason it gave. */
function violationCode(reason: string): number {
  if (/UTF-8/.test(reason)) return CloseCode.InvalidPayload;
  return /too big/.test(reason) ? CloseCode.MessageTooBig : CloseCode.ProtocolError;
}
