/**
 * The connection: all that a user touches, over whichever link carries it.
 */

import { CloseCode, validateClose } from "../close_code.ts";
import type {
  ByteStream,
  Capabilities,
  CloseInfo,
  ConnectionStats,
  Message,
  RemoteAddress,
  Sendable,
  WebSocketConnectionOptions,
} from "../types.ts";
import { ConnectionCore, type ConnectionObservers } from "./connection_core.ts";
import { refuseSource } from "./fragments.ts";
import type { Abandoned, Consumer, ReceiveOptions } from "./inbox.ts";
import { forEachMessage, type ForEachOptions, MessageIterator } from "./iteration.ts";
import type { Link } from "./link.ts";
import { linkOver, LinkSource } from "./link_source.ts";
import type { ResolvedConnectionOptions } from "./options.ts";
import type { SendOptions } from "./outbox.ts";
import { rejectQuietly } from "./promises.ts";
import { createReadable } from "./readable.ts";
import { toControlPayload } from "./sendable.ts";
import { createWritable } from "./writable.ts";

export type { ForEachOptions, ReceiveOptions, SendOptions, WebSocketConnectionOptions };

/** What a connection is given besides a link and the options that the link has as well. */
export interface ConnectionInit<Data> extends ConnectionObservers {
  /** Drops the connection when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** What the application wants to find at {@linkcode WebSocketConnection.data}. */
  readonly data?: Data;
}

/** What is behind a connection, for the functions below. */
let coreOf: (connection: WebSocketConnection) => ConnectionCore;

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
  readonly #core: ConnectionCore;
  #readable: ReadableStream<string | Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Sendable> | undefined;

  /**
   * Takes over a byte stream whose opening handshake is done, such as a WebTransport stream, a
   * stream of HTTP/2 (RFC 8441) or a pair of them in memory.
   *
   * @throws {RangeError} if an option is out of its range.
   * @throws {TypeError} if an option is of a wrong type, the stream has no two sides, one of them
   * is locked, or `extensions` are none of ours.
   *
   * @example
   * ```ts
   * import { WebSocketConnection } from "@gale/websocket";
   * import { createStreamPair } from "@gale/websocket/testing";
   *
   * const [near, far] = createStreamPair(); // stands for any two byte streams that are connected
   * const client = new WebSocketConnection(near, { role: "client" });
   * const server = new WebSocketConnection(far, { role: "server" });
   * await client.send("hello");
   * console.log(await server.receive()); // "hello"
   * await client.close();
   * ```
   */
  constructor(stream: ByteStream, options: WebSocketConnectionOptions<Data>) {
    this.data = options.data as Data;
    this.#core = new ConnectionCore(linkOver(stream, options), options);
    if (options.signal !== undefined) this.#core.follow(options.signal);
  }

  // What the handshake settled -----------------------------------------------------------------

  /** The URL of the connection, `ws:` or `wss:`; over a byte stream, what its options say. */
  get url(): string {
    return this.#core.link.url;
  }

  /** The subprotocol agreed, or the empty string. */
  get protocol(): string {
    return this.#core.link.protocol;
  }

  /** The extensions agreed, as in the `Sec-WebSocket-Extensions` header, or the empty string. */
  get extensions(): string {
    return this.#core.link.extensions;
  }

  /** The address of the peer, where the host knows it. */
  get remoteAddress(): RemoteAddress | undefined {
    return this.#core.link.remoteAddress;
  }

  /** What the host under this connection can do. */
  get capabilities(): Capabilities {
    return this.#core.link.capabilities;
  }

  // Sending ------------------------------------------------------------------------------------

  /**
   * Sends a message: a string as text; bytes and a `Blob` as binary; a plain object, an array, and
   * whatever has a `toJSON`, as JSON text; a stream or an async iterable as one message in as many
   * fragments as it has pieces, text or binary as the first piece is.
   *
   * Messages keep the order of the calls, so a stream must not await a `send` of its own connection,
   * which comes after it. The promise is the flow control: it is resolved already while no more
   * than `sendHighWaterMark` bytes wait to be written, and otherwise resolves when enough of them
   * have left. That it has resolved does not say that the peer has received the message.
   *
   * An array that, with the header of its frame, exceeds that mark may go out without being copied,
   * and so must not change until the promise has resolved.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection is closing or closed (which
   * is not reported as unhandled where nobody awaits it), with a `TypeError` for a value that is
   * none of these, and with what a stream or `Blob` fails with. A stream that fails after its first
   * piece leaves a message without an end: the connection is then closed with 1011.
   */
  send(data: Sendable, options?: SendOptions): Promise<void> {
    const core = this.#core;
    if (core.ending?.refusesMessages) {
      const error = core.closedError();
      refuseSource(data, error);
      return rejectQuietly(error);
    }
    try {
      return core.outbox.send(data, options);
    } catch (error) {
      // A host may refuse, as Workers do for the connection of another request.
      return Promise.reject(error);
    }
  }

  /** Bytes accepted by {@linkcode send} and not yet taken by the transport. */
  get bufferedAmount(): number {
    return this.#core.link.bufferedAmount + this.#core.outbox.queued;
  }

  /**
   * Sends a ping and resolves with the round trip in milliseconds. A payload of at most 125 bytes
   * may be given; pings answered together, as RFC 6455 section 5.5.3 allows, settle together.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection ends first, with a
   * `TypeError` for a payload that is neither text nor bytes, with a `RangeError` for a longer one,
   * and with a `DOMException` named `NotSupportedError` where `capabilities.ping` is `false`.
   */
  ping(payload?: string | ArrayBufferView | ArrayBuffer): Promise<number> {
    const core = this.#core;
    if (core.isClosing()) return rejectQuietly(core.end.closedError("send ping"));
    try {
      return core.ping(payload === undefined ? undefined : toControlPayload(payload));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * A sink of messages: {@linkcode send} with its flow control; closing it closes the connection,
   * and rejects where that does not end cleanly; aborting it aborts the connection. It fails when
   * the connection ends, so that a pipe into it ends as well.
   */
  get writable(): WritableStream<Sendable> {
    return this.#writable ??= createWritable(this, () => this.#core.closedError());
  }

  // Receiving ----------------------------------------------------------------------------------

  /**
   * The next message: text as a string, binary as bytes; `null` once the connection is closed and
   * all that arrived before has been taken. Several calls are served in their order.
   *
   * Binary messages of one connection may share an `ArrayBuffer`, as small ones do on V8, and on Bun
   * those of more than 1000 bytes that arrived with one read. Others, of 16 KiB and more, may begin
   * after the start of theirs. So heed `byteOffset` and `byteLength`, and `slice()` before
   * `message.buffer` is used or transferred, or where one of many is kept for long.
   */
  receive(options?: ReceiveOptions): Promise<Message | null> {
    return this.#core.inbox.receive(options);
  }

  /**
   * Iterates over the messages. Ends when the connection was closed by a closing handshake,
   * whatever its code; throws a {@linkcode WebSocketClosedError} when it ended otherwise. Leaving
   * the loop early leaves the connection open.
   *
   * While the loop works on a message, the peer's Close is left unanswered, for at most half of
   * `closeTimeout`, so that what the loop sends in answer to messages before it still goes out;
   * `Deno.serve` and `Bun.serve` answer it by themselves, at once.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return new MessageIterator(this.#core.inbox);
  }

  /**
   * Calls a function with each message, in their order; a promise that it returns is awaited before
   * the next one. Resolves after the last message where the connection was closed by a closing
   * handshake, whatever its code.
   *
   * This is the shortest way from a message to its answer: the function is called as the message
   * arrives, while a loop comes to it by promises.
   *
   * Rejects with a {@linkcode WebSocketClosedError} when the connection ended otherwise, and where
   * `send` in the function meets its end (neither is reported as unhandled where nobody awaits it);
   * with whatever else the function throws, or its promise rejects with; with the reason of the
   * signal; and with a `TypeError` where the messages go to a function already, such as those of a
   * handler. The connection stays open, and what is left can be taken in another way.
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
    return forEachMessage(this.#core.inbox, callback, options);
  }

  /**
   * The messages as a stream, which takes one only when it is read. It ends and fails as the
   * iteration does; cancelling it closes the connection.
   */
  get readable(): ReadableStream<Message> {
    return this.#readable ??= createReadable(this.#core.inbox, async () => void await this.close());
  }

  // Ending -------------------------------------------------------------------------------------

  /**
   * Closes the connection: sends a Close frame after all that was sent, waits for the peer's and
   * for the end of the transport, and resolves with how it ended. All of that takes at most
   * `closeTimeout`, counted from this call: what takes longer to be sent is cut, so await its
   * `send` first. Calling it again changes nothing and waits as well.
   *
   * Messages that arrive meanwhile can still be received, as far as the queue takes them.
   *
   * `code` is 1000 unless given; WHATWG's `close()` sends none.
   *
   * Rejects, and does nothing, with a `RangeError` for a code that may not be sent (all but
   * 1000–1003, 1007–1014 and 3000–4999; RFC 6455 section 7.4) or a reason of more than 123 bytes,
   * and with a `TypeError` for a code that is no number or a reason that is no string.
   */
  close(code: number = CloseCode.Normal, reason: string = ""): Promise<CloseInfo> {
    try {
      validateClose(code, reason);
      this.#core.end.close(code, reason);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.closed;
  }

  /**
   * Drops the transport at once, without a closing handshake: the peer sees 1006, and so does
   * {@linkcode closed}, with `reason` as its error. A peer over `Deno.serve` is sent 1001 and one
   * over a Worker's `fetch` 1011, since those hosts drop nothing without a Close.
   */
  abort(reason?: unknown): void {
    this.#core.link.abort(reason ?? new DOMException("The connection was aborted", "AbortError"));
  }

  /** Resolves, never rejects, with how the connection ended, once its transport is released. */
  get closed(): Promise<CloseInfo> {
    return this.#core.closed;
  }

  /**
   * The close code received: 1005 when the peer's Close had none, 1006 when none came; `undefined`
   * before. Over `Bun.serve`, after a `close` of ours, it is our own.
   */
  get closeCode(): number | undefined {
    return this.#core.ending?.outcome?.code;
  }

  /**
   * The close reason received, or the empty string; `undefined` before. Over `Bun.serve`, after a
   * `close` of ours, it is our own.
   */
  get closeReason(): string | undefined {
    return this.#core.ending?.outcome?.reason;
  }

  /**
   * Where the connection stands, by the numbers of WHATWG's `WebSocket`: 1, `WebSocket.OPEN`; 2,
   * `WebSocket.CLOSING`, once either side has closed; 3, `WebSocket.CLOSED`. Never 0.
   */
  get readyState(): 1 | 2 | 3 {
    if (this.#core.info !== undefined) return 3;
    return this.#core.isClosing() ? 2 : 1;
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
   * @throws {DOMException} "NotSupportedError" if the host cannot; `capabilities.noDelay` tells
   * before.
   */
  setNoDelay(noDelay: boolean): void {
    this.#core.link.setNoDelay(noDelay);
  }

  /** Counts messages and bytes so far. */
  stats(): ConnectionStats {
    return {
      messagesSent: this.#core.outbox.sent,
      messagesReceived: this.#core.inbox.received,
      bytesSent: this.#core.link.bytesSent,
      bytesReceived: this.#core.link.bytesReceived,
    };
  }

  static {
    coreOf = (connection) => connection.#core;
  }
}

/** Creates the connection over a link that was made with `resolved`. */
export function connectionOver<Data>(
  link: Link,
  resolved: ResolvedConnectionOptions,
  init: ConnectionInit<Data>,
): WebSocketConnection<Data> {
  // Whoever has made the link has told it the role.
  return new WebSocketConnection(
    new LinkSource(link, resolved),
    init as WebSocketConnectionOptions<Data>,
  );
}

/**
 * Whether a connection is closing or closed, from either side. A send that fails then is not the
 * application's mistake.
 */
export function isClosing(connection: WebSocketConnection): boolean {
  return coreOf(connection).isClosing();
}

/**
 * Calls back when a connection has ended, without the promise of `closed`. A connection has one
 * callback: a second call replaces the first.
 */
export function onceClosed(
  connection: WebSocketConnection,
  callback: (connection: WebSocketConnection) => void,
): void {
  coreOf(connection).onceClosed(callback, connection);
}

/**
 * Hands each message to `consumer` in the turn in which it arrived, without a promise in between. A
 * consumer that returns a promise is given the next message when that has resolved; the first
 * message waits for `open` and its promise. Resolves when the last message has been consumed;
 * rejects with what the consumer or `open` throws, and hands over no more then. Resolves with an
 * {@linkcode Abandoned} where, after the end, `open` or one message takes longer than
 * `closeTimeout`.
 */
export function consumeMessages(
  connection: WebSocketConnection,
  consumer: Consumer,
  open?: () => unknown,
): Promise<void | Abandoned> {
  return coreOf(connection).consume(consumer, open);
}

/**
 * Discards what still arrives and was to go to the consumer of {@linkcode consumeMessages}. What it
 * takes by `receive` is given to it all the same.
 */
export function discardMessages(connection: WebSocketConnection): void {
  coreOf(connection).inbox.discard();
}
