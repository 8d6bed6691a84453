/**
 * The connection: all that a user touches, over whichever link carries it.
 */

import { CloseCode } from "../close_code.ts";
import { WebSocketClosedError, type WebSocketProtocolError } from "../errors.ts";
import { validateClose } from "../protocol/close.ts";
import type {
  ByteStream,
  Capabilities,
  CloseInfo,
  ConnectionOptions,
  ConnectionStats,
  Message,
  RemoteAddress,
  Sendable,
} from "../types.ts";
import { type Consumer, Inbox, type InboxSource } from "./inbox.ts";
import { Keepalive, type KeepaliveActions } from "./keepalive.ts";
import type { Link, LinkSink } from "./link.ts";
import { resolveConnectionOptions, type ResolvedConnectionOptions } from "./options.ts";
import { Outbox, type OutboxOwner, type SendOptions } from "./outbox.ts";
import { Pings } from "./pings.ts";
import { ProtocolLink } from "./protocol_link.ts";
import { quiet } from "./ready.ts";
import { toControlPayload } from "./sendable.ts";
import { StreamTransport } from "./stream_transport.ts";

export type { SendOptions };

/** What a byte stream's handshake, done elsewhere, has settled. */
export interface WebSocketConnectionOptions extends ConnectionOptions {
  /** Which side of the connection this is: a client masks what it sends. */
  readonly role: "server" | "client";
  /**
   * The URL to show.
   * @default ""
   */
  readonly url?: string;
  /**
   * The subprotocol agreed.
   * @default ""
   */
  readonly protocol?: string;
}

/** How `receive` waits. */
export interface ReceiveOptions {
  /** Gives up waiting: the promise rejects with the signal's reason, and no message is lost. */
  readonly signal?: AbortSignal;
}

/** The application's, told of what is answered without it. */
type Observer = (payload: Uint8Array) => void;

/** Creates the connection over a link. */
export let connectionOver: (link: Link, options: ConnectionOptions) => WebSocketConnection;

/**
 * Whether a connection is closing or closed, from whichever side: that nothing can be sent any more is
 * no mistake of the application's then.
 */
export let isClosing: (connection: WebSocketConnection) => boolean;

/** Calls back, once, when a connection has ended; a promise less than `closed`. */
export let onceClosed: (connection: WebSocketConnection, callback: () => void) => void;

/**
 * Hands each message to `consumer` in the turn it arrived in, without a promise in between; one that
 * returns a promise is given the next message when that has resolved. Resolves when the last message
 * has been consumed; rejects with what the consumer throws, and hands over no more.
 */
export let consumeMessages: (
  connection: WebSocketConnection,
  consumer: Consumer,
) => Promise<void>;

/**
 * One WebSocket connection, the same on every host.
 *
 * Messages come by {@linkcode receive}, by iteration, or through {@linkcode readable}; whichever way
 * takes a message first has it. While they are not taken, the transport is not read.
 *
 * @example Echo
 * ```ts
 * import type { WebSocketConnection } from "@gale/websocket";
 *
 * async function echo(connection: WebSocketConnection) {
 *   for await (const message of connection) await connection.send(message);
 * }
 * ```
 */
export class WebSocketConnection implements AsyncIterable<Message>, AsyncDisposable {
  readonly #link: Link;
  readonly #options: ResolvedConnectionOptions;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #keepalive: Keepalive;
  readonly #onPing: Observer | undefined;
  readonly #onPong: Observer | undefined;
  #pings: Pings | undefined;

  /** Whether closing has begun from this side, and whether its Close frame is sent. */
  #closing = false;
  #closeSent = false;
  /** Whether nothing more will be received, nor can be sent. */
  #over = false;
  #peerClose: { readonly code: number; readonly reason: string } | undefined;
  #failure: unknown;
  #closeTimer: unknown;
  #signal: { readonly source: AbortSignal; readonly onAbort: () => void } | undefined;
  #info: CloseInfo | undefined;
  #closed: PromiseWithResolvers<CloseInfo> | undefined;
  #onClosed: (() => void) | undefined;
  #readable: ReadableStream<string | Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Message> | undefined;

  /**
   * Takes over a byte stream whose opening handshake is done, such as a WebTransport stream, a
   * stream of HTTP/2 (RFC 8441) or a pair of them in memory.
   *
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(stream: ByteStream, options: WebSocketConnectionOptions) {
    this.#options = resolveConnectionOptions(options);
    this.#onPing = options.onPing;
    this.#onPong = options.onPong;
    this.#link = isLink(stream) ? stream : openStream(stream, options);
    const parts = new WebSocketConnection.#Parts(this);
    this.#inbox = new Inbox(this.#options, parts);
    this.#outbox = new Outbox(this.#link, this.#options.sendHighWaterMark, parts);
    this.#keepalive = new Keepalive(this.#options, parts);
    this.#link.attach(parts);
    if (options.signal !== undefined) this.#follow(options.signal);
  }

  // What the handshake settled -----------------------------------------------------------------

  /** The URL of the connection, `ws:` or `wss:`. */
  get url(): string {
    return this.#link.url;
  }

  /** The subprotocol agreed, or the empty string. */
  get protocol(): string {
    return this.#link.protocol;
  }

  /** The extensions agreed, as in the `Sec-WebSocket-Extensions` header, or the empty string. */
  get extensions(): string {
    return this.#link.extensions;
  }

  /** The address of the peer, where the host knows it. */
  get remoteAddress(): RemoteAddress | undefined {
    return this.#link.remoteAddress;
  }

  /** What the host under this connection can do. */
  get capabilities(): Capabilities {
    return this.#link.capabilities;
  }

  // Sending ------------------------------------------------------------------------------------

  /**
   * Sends a message: a string as text; bytes and a `Blob` as binary; a plain object or an array as
   * JSON text; a stream or an async iterable as one message in as many fragments as it has pieces,
   * text or binary as the first piece is.
   *
   * Messages keep the order of the calls. The promise is the flow control: it is resolved already
   * while no more than `sendHighWaterMark` bytes wait to be written, and otherwise resolves when
   * enough of them have left. An array larger than that mark is not copied, so that it must not
   * change before.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection is closing or closed (which
   * is not reported as unhandled where nobody awaits it), and with a `TypeError` for a value that is
   * none of these. A stream that fails after its first piece leaves a message without an end: the
   * connection is then closed with 1011.
   */
  send(data: Sendable, options?: SendOptions): Promise<void> {
    if (this.#closing || this.#over) return rejectQuietly(this.#closedError("send message"));
    return this.#outbox.send(data, options);
  }

  /** Bytes accepted by {@linkcode send} and not yet taken by the transport. */
  get bufferedAmount(): number {
    return this.#link.bufferedAmount;
  }

  /**
   * Sends a ping and resolves with the round trip in milliseconds. A payload of at most 125 bytes
   * may be given; pings answered together, as RFC 6455 section 5.5.3 allows, settle together.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection ends first, with a
   * `TypeError` for a payload that is neither text nor bytes, and with a `RangeError` for a longer
   * one.
   */
  ping(payload?: string | ArrayBufferView | ArrayBuffer): Promise<number> {
    if (this.#closing || this.#over) return rejectQuietly(this.#closedError("send ping"));
    try {
      const pings = this.#nextPings();
      const bytes = payload === undefined ? pings.nextPayload() : toControlPayload(payload);
      this.#sendPing(bytes);
      return quiet(pings.wait(bytes, this.#options.clock.now()));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A sink of messages: {@linkcode send} with its flow control; closing it closes the connection. */
  get writable(): WritableStream<Message> {
    return this.#writable ??= new WritableStream({
      write: (message) => this.send(message),
      close: async () => void await this.close(),
      abort: (reason) => this.abort(reason),
    });
  }

  // Receiving ----------------------------------------------------------------------------------

  /**
   * The next message: text as a string, binary as bytes; `null` once the connection is closed and
   * all that arrived before has been taken. Several calls are served in their order.
   */
  receive(options?: ReceiveOptions): Promise<Message | null> {
    return this.#inbox.receive(options?.signal);
  }

  /**
   * Iterates over the messages. Ends when the connection was closed by a closing handshake,
   * whatever its code; throws a {@linkcode WebSocketClosedError} when it ended otherwise. Leaving the
   * loop early leaves the connection open.
   */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return { next: () => this.#next() };
  }

  /**
   * The messages as a stream, read only as it is read. Ends and fails as the iteration does;
   * cancelling it closes the connection.
   */
  get readable(): ReadableStream<Message> {
    return this.#readable ??= new ReadableStream<Message>({
      pull: async (controller) => {
        const { value, done } = await this.#next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void await this.close(),
    }, { highWaterMark: 0 });
  }

  // Ending -------------------------------------------------------------------------------------

  /**
   * Closes the connection: sends a Close frame behind all that was sent, waits for the peer's and
   * for the end of the transport, at most `closeTimeout` for both, and resolves with how it ended.
   * Calling it again changes nothing and waits as well.
   *
   * Messages that arrive meanwhile can still be received, as far as the queue takes them.
   *
   * Rejects, and does nothing, with a `RangeError` for a code that may not be sent (all but
   * 1000–1003, 1007–1014 and 3000–4999; RFC 6455 section 7.4) or a reason of more than 123 bytes.
   */
  close(code: number = CloseCode.Normal, reason: string = ""): Promise<CloseInfo> {
    try {
      validateClose(code, reason);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#startClosing(code, reason);
    return this.closed;
  }

  /**
   * Drops the transport at once, without a closing handshake: the peer sees 1006, and so does
   * {@linkcode closed}, with `reason` as its error.
   */
  abort(reason?: unknown): void {
    this.#link.abort(reason ?? new DOMException("The connection was aborted", "AbortError"));
  }

  /** Resolves, never rejects, with how the connection ended, once its transport is released. */
  get closed(): Promise<CloseInfo> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers();
      if (this.#info !== undefined) this.#closed.resolve(this.#info);
    }
    return this.#closed.promise;
  }

  /**
   * The close code received: 1005 when the peer's Close had none, 1006 when none came; `undefined`
   * while the connection is open.
   */
  get closeCode(): number | undefined {
    return this.#peerClose?.code ?? this.#info?.code;
  }

  /** The close reason received, or the empty string; `undefined` while the connection is open. */
  get closeReason(): string | undefined {
    return this.#peerClose?.reason ?? this.#info?.reason;
  }

  /** Closes the connection with 1000 and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Other --------------------------------------------------------------------------------------

  /**
   * Switches Nagle's algorithm off (`true`, as servers and clients of this module have it from the
   * start) or on.
   *
   * @throws {Error} if the host cannot; `capabilities.noDelay` tells before.
   */
  setNoDelay(noDelay: boolean): void {
    this.#link.setNoDelay(noDelay);
  }

  /** Counts messages and bytes so far. */
  stats(): ConnectionStats {
    return {
      messagesSent: this.#outbox.sent,
      messagesReceived: this.#inbox.received,
      bytesSent: this.#link.bytesSent,
      bytesReceived: this.#link.bytesReceived,
    };
  }

  // Within -------------------------------------------------------------------------------------

  /** The next step of an iteration. */
  #next(): Promise<IteratorResult<Message, undefined>> {
    const value = this.#inbox.take();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    return new Promise((resolve, reject) => {
      this.#inbox.wait((value) => {
        if (value !== null) resolve({ value, done: false });
        else if (this.#peerClose !== undefined) resolve({ value: undefined, done: true });
        else reject(this.#closedError("receive message"));
      });
    });
  }

  #nextPings(): Pings {
    return this.#pings ??= new Pings();
  }

  #sendPing(payload: Uint8Array): void {
    this.#link.ping(payload);
    this.#outbox.noteControlFrame();
  }

  #follow(source: AbortSignal): void {
    const onAbort = (): void => this.#link.abort(source.reason);
    if (source.aborted) return onAbort();
    source.addEventListener("abort", onAbort, { once: true });
    this.#signal = { source, onAbort };
  }

  /** Closes behind all that was sent before. */
  #startClosing(code: number, reason: string): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    this.#limitClosing();
    const { backlog } = this.#outbox;
    if (backlog === undefined) this.#sendClose(code, reason);
    else void backlog.then(() => this.#sendClose(code, reason));
  }

  #sendClose(code: number, reason: string): void {
    if (this.#over || this.#closeSent) return;
    this.#closing = true;
    this.#closeSent = true;
    this.#limitClosing();
    this.#link.close(code, reason);
    this.#inbox.release();
  }

  /** From now on the end must come within the closing timeout. */
  #limitClosing(): void {
    this.#keepalive.stop();
    if (this.#closeTimer !== undefined) return;
    const { clock, closeTimeout } = this.#options;
    this.#closeTimer = clock.setTimeout(
      () => this.#link.abort(new Error("The peer did not end the connection in time")),
      closeTimeout,
    );
  }

  /** Nothing more will come: whoever waits need not any longer. */
  #endMessages(): void {
    this.#over = true;
    this.#inbox.end();
    this.#pings?.rejectAll(this.#closedError("receive pong"));
    this.#outbox.giveUp(this.#closedError("send message"));
  }

  #end(error: unknown): void {
    const close = this.#peerClose;
    this.#info = close !== undefined ? { ...close, wasClean: true } : {
      code: CloseCode.Abnormal,
      reason: "",
      wasClean: false,
      error: this.#failure ?? error,
    };
    this.#keepalive.stop();
    this.#options.clock.clearTimeout(this.#closeTimer);
    this.#signal?.source.removeEventListener("abort", this.#signal.onAbort);
    this.#endMessages();
    this.#outbox.end(this.#closedError("send message"));
    this.#closed?.resolve(this.#info);
    this.#onClosed?.();
  }

  #closedError(action: string): WebSocketClosedError {
    const info = this.#info ?? { code: CloseCode.Abnormal, reason: "", ...this.#peerClose };
    const state = this.#info === undefined ? "closing" : "closed";
    return new WebSocketClosedError(`Cannot ${action}: connection is ${state}`, {
      code: info.code,
      reason: info.reason,
      wasClean: this.#peerClose !== undefined,
      cause: this.#failure ?? this.#info?.error,
    });
  }

  /**
   * What the parts of a connection see of it: one object for all, since ten closures each would be
   * the larger part of what an idle connection holds.
   */
  static readonly #Parts = class implements LinkSink, InboxSource, OutboxOwner, KeepaliveActions {
    readonly #connection: WebSocketConnection;

    constructor(connection: WebSocketConnection) {
      this.#connection = connection;
    }

    onMessage(message: Message): void {
      this.#connection.#keepalive.noteMessage();
      this.#connection.#inbox.push(message);
    }

    onPing(payload: Uint8Array): void {
      observe(this.#connection.#onPing, payload);
    }

    onPong(payload: Uint8Array): void {
      this.#connection.#pings?.settle(payload, this.#connection.#options.clock.now());
      observe(this.#connection.#onPong, payload);
    }

    onActivity(): void {
      this.#connection.#keepalive.noteArrival();
    }

    onTurnEnd(): void {
      this.#connection.#inbox.pump();
    }

    onClose(code: number, reason: string): void {
      this.#connection.#peerClose = { code, reason };
      this.#connection.#limitClosing();
      this.#connection.#endMessages();
    }

    onFailure(error: WebSocketProtocolError): void {
      this.#connection.#failure = error;
      this.#connection.#limitClosing();
      this.#connection.#endMessages();
    }

    onDrain(): void {
      this.#connection.#outbox.onDrain();
    }

    onEnd(error: unknown): void {
      this.#connection.#end(error);
    }

    pauseReading(): void {
      this.#connection.#link.pause();
    }

    resumeReading(): void {
      // The silence so far was ours.
      this.#connection.#keepalive.noteArrival();
      this.#connection.#link.resume();
    }

    flushAnswers(): void {
      this.#connection.#link.flush();
    }

    checkSendable(): void {
      const connection = this.#connection;
      if (connection.#over || connection.#closeSent) throw connection.#closedError("send message");
    }

    onSent(): void {
      this.#connection.#keepalive.noteMessage();
    }

    isAnswering(): boolean {
      return this.#connection.#inbox.isFilled;
    }

    onUnfinished(): void {
      this.#connection.#sendClose(CloseCode.InternalError, "message not finished");
    }

    isBlocked(): boolean {
      return this.#connection.#inbox.isPaused;
    }

    sendPing(): void {
      this.#connection.#sendPing(this.#connection.#nextPings().nextPayload());
    }

    onLost(): void {
      this.#connection.#link.abort(new Error("The peer did not answer a ping in time"));
    }

    onIdle(): void {
      this.#connection.#startClosing(CloseCode.GoingAway, "idle");
    }
  };

  static {
    connectionOver = (link, options) =>
      new WebSocketConnection(link as unknown as ByteStream, options as WebSocketConnectionOptions);
    consumeMessages = (connection, consumer) => connection.#inbox.consume(consumer);
    onceClosed = (connection, callback) => {
      if (connection.#info === undefined) connection.#onClosed = callback;
      else callback();
    };
    isClosing = (connection) => connection.#closing || connection.#over;
  }
}

/** A promise that rejects, and is not reported where nobody looks at it. */
function rejectQuietly<T>(error: unknown): Promise<T> {
  return quiet(Promise.reject(error));
}

/** An observer of the application's must not disturb the protocol: what it throws is reported. */
function observe(
  observer: Observer | undefined,
  payload: Uint8Array,
): void {
  if (observer === undefined) return;
  try {
    observer(payload);
  } catch (error) {
    console.error(error);
  }
}

function isLink(source: ByteStream | Link): source is Link {
  return "attach" in source;
}

function openStream(stream: ByteStream, options: WebSocketConnectionOptions): Link {
  const link = new ProtocolLink({
    role: options.role,
    url: options.url ?? "",
    protocol: options.protocol ?? "",
    extensions: "",
  }, options);
  // Not before the connection has attached itself.
  queueMicrotask(() => link.open(new StreamTransport(stream)));
  return link;
}
