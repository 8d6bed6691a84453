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
  WebSocketConnectionOptions,
} from "../types.ts";
import { Timeout } from "./alarms.ts";
import {
  type Abandoned,
  type Consumer,
  Inbox,
  type InboxSource,
  type ReceiveOptions,
} from "./inbox.ts";
import {
  createReadable,
  forEachMessage,
  type ForEachOptions,
  MessageIterator,
} from "./iteration.ts";
import { Keepalive, type KeepaliveActions } from "./keepalive.ts";
import type { Link, LinkSink } from "./link.ts";
import { resolveConnectionOptions, type ResolvedConnectionOptions } from "./options.ts";
import { observe, type Observer } from "./observer.ts";
import { Outbox, type OutboxOwner, type SendOptions } from "./outbox.ts";
import { Pings } from "./pings.ts";
import { quiet, rejectQuietly } from "./ready.ts";
import { refuseSource, toControlPayload } from "./sendable.ts";
import { TurnEnd } from "./turn_end.ts";
import { createWritable } from "./writable.ts";

export type { ForEachOptions, ReceiveOptions, SendOptions, WebSocketConnectionOptions };

/** Makes a link over a byte stream in hand, which the options describe. */
export type StreamLinker = (stream: ByteStream, options: WebSocketConnectionOptions) => Link;

let createStreamLink: StreamLinker = () => {
  throw new TypeError(
    "Cannot take over a byte stream: import WebSocketConnection from @gale/websocket for that",
  );
};

/**
 * Says what {@linkcode WebSocketConnection} makes links over byte streams with. `stream_link.ts` does,
 * as it is loaded: a static import of it here would load the codec for hosts that frame by themselves.
 */
export function provideStreamLinks(create: StreamLinker): void {
  createStreamLink = create;
}

/** Creates the connection over a link. */
export let connectionOver: <Data>(
  link: Link,
  options: ConnectionOptions & { readonly data?: Data },
) => WebSocketConnection<Data>;

/**
 * Whether a connection is closing or closed, from whichever side: that nothing can be sent any more is
 * no mistake of the application's then.
 */
export let isClosing: (connection: WebSocketConnection) => boolean;

/** Calls back, once, when a connection has ended; a promise less than `closed`. */
export let onceClosed: (
  connection: WebSocketConnection,
  callback: (connection: WebSocketConnection) => void,
) => void;

/**
 * Hands each message to `consumer` in the turn it arrived in, without a promise in between; one that
 * returns a promise is given the next message when that has resolved, and the first message comes when
 * `open` has been called and its promise has. Resolves when the last message has been consumed; rejects
 * with what the consumer or `open` throws, and hands over no more. Where it takes longer than `closeTimeout`
 * for `open`, or for one message, after the connection has ended, resolves with that.
 */
export let consumeMessages: (
  connection: WebSocketConnection,
  consumer: Consumer,
  open?: () => Promise<void> | void,
) => Promise<void | Abandoned>;

/**
 * One WebSocket connection, the same on every host.
 *
 * Messages come by {@linkcode receive}, by iteration, by {@linkcode forEach}, or through
 * {@linkcode readable}; whichever way takes a message first has it. While more than
 * `receiveHighWaterMark` bytes of them wait, the transport is not read.
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
export class WebSocketConnection<Data = unknown>
  implements AsyncIterable<Message>, AsyncDisposable {
  /** What was given as `data` when the connection was made, for the application to know it by. */
  readonly data: Data;
  readonly #link: Link;
  readonly #options: ResolvedConnectionOptions;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #keepalive: Keepalive;
  readonly #onPing: Observer | undefined;
  readonly #onPong: Observer | undefined;
  #pings: Pings | undefined;

  /** Whether closing has begun from this side, and whether our Close frame is sent. */
  #closing = false;
  #closeSent = false;
  /** Whether nothing more will be received, nor can be sent. */
  #over = false;
  #peerClose: { readonly code: number; readonly reason: string } | undefined;
  #failure: unknown;
  #closeTimeout: Timeout | undefined;
  /** Bounds what the peer's Close, and then the end, waits for: the application, or what it has sent. */
  #workTimeout: Timeout | undefined;
  /** Our Close, while it waits behind what was sent. */
  #queuedClose: { readonly code: number; readonly reason: string } | undefined;
  #signal: { readonly source: AbortSignal; readonly onAbort: () => void } | undefined;
  #info: CloseInfo | undefined;
  #closed: PromiseWithResolvers<CloseInfo> | undefined;
  #onClosed: ((connection: WebSocketConnection) => void) | undefined;
  #readable: ReadableStream<string | Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Message> | undefined;

  /**
   * Takes over a byte stream whose opening handshake is done, such as a WebTransport stream, a
   * stream of HTTP/2 (RFC 8441) or a pair of them in memory.
   *
   * @throws {RangeError} if an option is out of its range.
   * @throws {TypeError} if an option is of a wrong type, a side of the stream is locked, or
   * `extensions` are none of ours.
   */
  constructor(stream: ByteStream, options: WebSocketConnectionOptions<Data>) {
    this.data = options.data as Data;
    this.#options = resolveConnectionOptions(options);
    this.#onPing = options.onPing;
    this.#onPong = options.onPong;
    this.#link = isLink(stream) ? stream : createStreamLink(stream, options);
    const parts = new WebSocketConnection.#Parts(this);
    this.#inbox = new Inbox(this.#options, parts);
    this.#outbox = new Outbox(this.#link, this.#options, parts);
    // Where the link has no pings, the host finds out that a peer has gone.
    const pings = this.#link.capabilities.ping;
    const watch = pings ? this.#options : { ...this.#options, pingInterval: 0 };
    this.#keepalive = new Keepalive(watch, parts);
    this.#link.attach(parts, this.#inbox);
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
   * enough of them have left. An array that exceeds that mark with the header of its frame may go out
   * without being copied, so that it must not change before.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection is closing or closed (which
   * is not reported as unhandled where nobody awaits it), and with a `TypeError` for a value that is
   * none of these. A stream that fails after its first piece leaves a message without an end: the
   * connection is then closed with 1011.
   */
  send(data: Sendable, options?: SendOptions): Promise<void> {
    if (this.#closing || this.#over) {
      const error = this.#closedError("send message");
      refuseSource(data, error);
      return rejectQuietly(error);
    }
    try {
      return this.#outbox.send(data, options);
    } catch (error) {
      // A host may refuse, as Workers do where the connection is another request's.
      return Promise.reject(error);
    }
  }

  /** Bytes accepted by {@linkcode send} and not yet taken by the transport. */
  get bufferedAmount(): number {
    return this.#link.bufferedAmount + this.#outbox.queued;
  }

  /**
   * Sends a ping and resolves with the round trip in milliseconds. A payload of at most 125 bytes
   * may be given; pings answered together, as RFC 6455 section 5.5.3 allows, settle together.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection ends first, with a
   * `TypeError` for a payload that is neither text nor bytes, with a `RangeError` for a longer one, and
   * with a `DOMException` named `NotSupportedError` where `capabilities.ping` is `false`.
   */
  ping(payload?: string | ArrayBufferView | ArrayBuffer): Promise<number> {
    if (isClosing(this)) return rejectQuietly(this.#closedError("send ping"));
    try {
      const pings = this.#nextPings();
      const bytes = payload === undefined ? pings.nextPayload() : toControlPayload(payload);
      this.#sendPing(bytes);
      return quiet(pings.wait(bytes, this.#options.clock.now()));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * A sink of messages: {@linkcode send} with its flow control; closing it closes the connection, and
   * aborting it aborts it. It fails as the connection ends, so that a pipe into it ends as well.
   */
  get writable(): WritableStream<Message> {
    return this.#writable ??= createWritable(this, () => this.#closedError("send message"));
  }

  // Receiving ----------------------------------------------------------------------------------

  /**
   * The next message: text as a string, binary as bytes; `null` once the connection is closed and
   * all that arrived before has been taken. Several calls are served in their order.
   *
   * Binary messages of one connection may share an `ArrayBuffer`, as small ones do on V8, and large
   * ones that arrived with one read on Bun. Others of 16 KiB and more may begin behind the start of
   * theirs. So heed `byteOffset` and `byteLength`, and `slice()` before `message.buffer` is used or
   * transferred, or where one of many is kept for long.
   */
  receive(options?: ReceiveOptions): Promise<Message | null> {
    return this.#inbox.receive(options);
  }

  /**
   * Iterates over the messages. Ends when the connection was closed by a closing handshake,
   * whatever its code; throws a {@linkcode WebSocketClosedError} when it ended otherwise. Leaving the
   * loop early leaves the connection open.
   *
   * While the loop works on a message, the peer's Close is left unanswered, for at most half of
   * `closeTimeout`, so that what the loop sends in answer to messages before it still goes out;
   * `Deno.serve` and `Bun.serve` answer it by themselves, at once.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return new MessageIterator(this.#inbox);
  }

  /**
   * Calls a function with each message, in their order; what it returns, a promise perhaps, is awaited
   * before the next one. Resolves behind the last message where the connection was closed by a closing
   * handshake, whatever its code.
   *
   * This is the way with the least between a message and its answer: the function is called as the
   * message arrives, where a loop comes to it by promises.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection ended otherwise, and where `send`
   * in the function meets its end (neither is reported as unhandled where nobody awaits it); with whatever
   * else the function throws, or its promise rejects with; with the reason of the signal; and with a
   * `TypeError` where the messages go to a function already, as those of a handler do. The connection
   * stays open, and what is left can be taken in another way.
   *
   * @example Echo
   * ```ts
   * import type { WebSocketConnection } from "@gale/websocket";
   *
   * async function echo(connection: WebSocketConnection) {
   *   await connection.forEach((message) => connection.send(message));
   * }
   * ```
   */
  forEach(callback: (message: Message) => unknown, options: ForEachOptions = {}): Promise<void> {
    return forEachMessage(this.#inbox, callback, options);
  }

  /**
   * The messages as a stream, read only as it is read. Ends and fails as the iteration does;
   * cancelling it closes the connection.
   */
  get readable(): ReadableStream<Message> {
    return this.#readable ??= createReadable(this.#inbox, async () => void await this.close());
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
   * 1000–1003, 1007–1014 and 3000–4999; RFC 6455 section 7.4) or a reason of more than 123 bytes, and
   * with a `TypeError` for a code that is no number or a reason that is no string.
   */
  close(code: number = CloseCode.Normal, reason: string = ""): Promise<CloseInfo> {
    try {
      validateClose(code, reason);
      this.#startClosing(code, reason);
    } catch (error) {
      return Promise.reject(error);
    }
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
   * before.
   */
  get closeCode(): number | undefined {
    return this.#peerClose?.code ?? this.#info?.code;
  }

  /** The close reason received, or the empty string; `undefined` before. */
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
   * @throws {DOMException} "NotSupportedError" if the host cannot; `capabilities.noDelay` tells before.
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
    const { backlog } = this.#outbox;
    if (backlog === undefined) return this.#sendClose(code, reason);
    this.#closing = true;
    this.#queuedClose = { code, reason };
    this.#limitClosing();
    // As with the Close itself: the peer may wait for us to read before it reads what is before that.
    if (this.#peerClose === undefined) this.#inbox.release();
    else this.#limitAnswer();
    backlog.then(() => this.#sendClose(code, reason)).catch((error) => this.abort(error));
  }

  #sendClose(code: number, reason: string): void {
    if (this.#over || this.#closeSent) return;
    this.#closing = true;
    this.#closeSent = true;
    try {
      this.#link.close(code, reason);
    } catch (error) {
      // Refused, as Workers do where the connection is another request's: it stays as it was.
      this.#closing = false;
      this.#closeSent = false;
      throw error;
    }
    this.#limitClosing();
    if (this.#peerClose === undefined) this.#inbox.release();
    else this.#endMessages();
  }

  /**
   * The peer's Close came; `true` if it is to be answered at once. Not so where the application is at
   * work on what came before, or has had no turn yet to take it, and may be about to answer it (RFC 6455
   * section 5.5.1).
   */
  #receiveClose(code: number, reason: string): boolean {
    this.#peerClose = { code, reason };
    // A consumer that needs no time answers now.
    this.#inbox.pump();
    // What it answered may have been `abort`.
    if (this.#info !== undefined) return false;
    const { returning, isFilled } = this.#inbox;
    const { backlog } = this.#outbox;
    const isAtWork = returning !== "no" || isFilled;
    const isDone = this.#closing ? this.#closeSent : !isAtWork && backlog === undefined;
    if (isDone || this.#link.answersClose) {
      this.#closeSent = true;
      this.#limitClosing();
      this.#endMessages();
      return true;
    }
    this.#limitClosing();
    // Where the application has closed, our Close is on its way already, behind what was sent.
    if (this.#closing) {
      this.#limitAnswer();
    } else {
      if (returning === "surely" || backlog !== undefined) this.#limitAnswer();
      if (!isAtWork) this.#answerClose();
      else if (returning !== "surely") new TurnEnd(() => this.#answerClose()).note(true);
    }
    this.#inbox.end();
    this.#pings?.rejectAll(this.#closedError("receive pong"));
    return false;
  }

  /** Answers the peer's Close behind what was sent, unless that is done, or on its way. */
  #answerClose(): void {
    if (this.#peerClose === undefined) return;
    const { code, reason } = this.#peerClose;
    this.#closeOrDrop(() => this.#startClosing(code, reason));
  }

  /** Closes unasked: where the host refuses, as Workers do where it is another request's, drops it. */
  #closeOrDrop(close: () => void): void {
    try {
      close();
    } catch (error) {
      this.abort(error);
    }
  }

  /** Answers the peer's Close at the latest when it is half of what the peer may wait as we would. */
  #limitAnswer(): void {
    const { clock, closeTimeout } = this.#options;
    const answer = (): void => {
      const { code, reason } = this.#queuedClose ?? this.#peerClose!;
      this.#closeOrDrop(() => this.#sendClose(code, reason));
    };
    this.#workTimeout ??= new Timeout(clock, answer, closeTimeout / 2);
  }

  /** A handler is told of the end, though it may be at work on a message for ever. */
  #limitHandling(): void {
    if (!this.#inbox.isHandling) return;
    const { clock, closeTimeout } = this.#options;
    const { length } = this.#inbox;
    this.#workTimeout = new Timeout(clock, () => {
      if (this.#inbox.length < length) this.#limitHandling();
      else this.#inbox.abandon();
    }, closeTimeout);
  }

  /**
   * Whether both Close frames are exchanged, or the peer's came and ours can still follow. Ours may be cut
   * on its way, which takes nothing from what was received.
   */
  #isComplete(): boolean {
    return this.#peerClose !== undefined && (this.#info === undefined || this.#closeSent);
  }

  /** From now on the end must come within the closing timeout. */
  #limitClosing(): void {
    this.#keepalive.stop();
    if (this.#closeTimeout !== undefined || this.#info !== undefined) return;
    const { clock, closeTimeout } = this.#options;
    this.#closeTimeout = new Timeout(
      clock,
      () => this.#link.abort(new Error("The peer did not end the connection in time")),
      closeTimeout,
    );
  }

  /** Nothing more will come: whoever waits need not any longer. */
  #endMessages(): void {
    this.#over = true;
    this.#inbox.end();
    this.#pings?.rejectAll(this.#closedError("receive pong"));
    this.#outbox.giveUp();
  }

  /** `isCut`: something that was sent, our Close frame at last, has not left. */
  #end(error: unknown, isCut: boolean): void {
    const close = this.#peerClose ?? { code: CloseCode.Abnormal, reason: "" };
    this.#info = this.#peerClose !== undefined && this.#closeSent && !isCut
      ? { ...close, wasClean: true }
      : { ...close, wasClean: false, error: this.#failure ?? error };
    this.#keepalive.stop();
    this.#closeTimeout?.clear();
    this.#workTimeout?.clear();
    this.#signal?.source.removeEventListener("abort", this.#signal.onAbort);
    this.#endMessages();
    this.#outbox.end();
    this.#limitHandling();
    this.#closed?.resolve(this.#info);
    this.#onClosed?.(this);
  }

  #closedError(action: string): WebSocketClosedError {
    const info = this.#info ?? { code: CloseCode.Abnormal, reason: "", ...this.#peerClose };
    const state = this.#info === undefined ? "closing" : "closed";
    return new WebSocketClosedError(`Cannot ${action}: connection is ${state}`, {
      code: info.code,
      reason: info.reason,
      wasClean: this.#info?.wasClean ?? this.#isComplete(),
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

    onLoneMessage(message: Message): void {
      this.onActivity();
      this.#connection.#inbox.deliver(message);
    }

    onReceived(): void {
      this.#connection.#keepalive.noteMessage();
    }

    onPing(payload: Uint8Array): void {
      observe(this.#connection.#onPing, payload);
    }

    onPong(payload: Uint8Array): void {
      this.#connection.#keepalive.noteLife();
      this.#connection.#pings?.settle(payload, this.#connection.#options.clock.now());
      observe(this.#connection.#onPong, payload);
    }

    onActivity(): void {
      this.#connection.#keepalive.noteArrival();
    }

    onTurnEnd(): void {
      this.#connection.#inbox.pump();
    }

    onClose(code: number, reason: string): boolean {
      return this.#connection.#receiveClose(code, reason);
    }

    onFailure(error: WebSocketProtocolError): void {
      this.#connection.#failure = error;
      this.#connection.#limitClosing();
      this.#connection.#endMessages();
    }

    onDrain(): void {
      this.#connection.#outbox.onDrain();
    }

    onEnd(error: unknown, isCut = false): void {
      this.#connection.#end(error, isCut);
    }

    pauseReading(): void {
      this.#connection.#link.pause();
    }

    resumeReading(): void {
      // The silence so far was ours.
      this.#connection.#keepalive.noteLife();
      this.#connection.#link.resume();
    }

    flushAnswers(): void {
      this.#connection.#link.flush();
    }

    onFinished(): void {
      this.#connection.#answerClose();
      if (this.#connection.#info !== undefined) this.#connection.#workTimeout?.clear();
    }

    endOfMessages(): WebSocketClosedError | undefined {
      const connection = this.#connection;
      return connection.#isComplete() ? undefined : connection.#closedError("receive message");
    }

    isClosing(): boolean {
      return isClosing(this.#connection);
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

    countReceived(): number {
      return this.#connection.#inbox.received;
    }

    onUnfinished(): void {
      this.#connection.#sendClose(CloseCode.InternalError, "message not finished");
    }

    closedError(): WebSocketClosedError {
      return this.#connection.#closedError("send message");
    }

    onOverflow(): void {
      this.#connection.#startClosing(CloseCode.TryAgainLater, "too far behind");
    }

    isBlocked(): boolean {
      return this.#connection.#inbox.isPaused;
    }

    isBehind(): boolean {
      return this.#connection.#link.bufferedAmount > 0;
    }

    countSent(): number {
      return this.#connection.#link.progress;
    }

    sendPing(): void {
      const connection = this.#connection;
      const pings = connection.#nextPings();
      const payload = pings.nextPayload();
      connection.#sendPing(payload);
      pings.note(payload);
    }

    onLost(): void {
      this.#connection.#link.abort(new Error("The peer did not answer a ping in time"));
    }

    onIdle(): void {
      const connection = this.#connection;
      connection.#closeOrDrop(() => connection.#startClosing(CloseCode.GoingAway, "idle"));
    }
  };

  static {
    connectionOver = <Data>(link: Link, options: ConnectionOptions) =>
      new WebSocketConnection(
        link as unknown as ByteStream,
        options as WebSocketConnectionOptions<Data>,
      );
    consumeMessages = (connection, consumer, open) => {
      const consumed = connection.#inbox.consume(consumer, { open });
      // It may have ended before.
      if (connection.#info !== undefined) connection.#limitHandling();
      return consumed;
    };
    onceClosed = (connection, callback) => {
      if (connection.#info === undefined) connection.#onClosed = callback;
      else callback(connection);
    };
    isClosing = (connection) =>
      connection.#closing || connection.#over || connection.#peerClose !== undefined;
  }
}

/** Whether it is a link, where a stream may be as well. */
function isLink(source: ByteStream | Link): source is Link {
  return "attach" in source;
}
