/**
 * The sending half of a connection: whatever is sent becomes messages, in the order of the calls,
 * as fast as the peer takes them.
 */

import { copyOf, encodeUtf8 } from "../bytes.ts";
import { WebSocketClosedError } from "../errors.ts";
import { openSource, readFragments, refuseSource } from "./fragments.ts";
import type { Link } from "./link.ts";
import type { ResolvedConnectionOptions } from "./options.ts";
import { quiet, READY, rejectQuietly } from "./promises.ts";
import { type Payload, type PayloadStream, toPayload } from "./sendable.ts";
import { TurnEnd } from "./turn_end.ts";

/** How one message is sent. */
export interface SendOptions {
  /**
   * Whether to compress it, where compression is agreed.
   * @default by its size, see `CompressionOptions.threshold`; a stream always, except where the
   * host frames
   */
  readonly compress?: boolean | undefined;
  /**
   * Whether the message is binary. With `true`, text goes out as its UTF-8, that of a stream as
   * well; with `false`, bytes are refused with a `TypeError`.
   * @default by the type of what is sent
   */
  readonly binary?: boolean | undefined;
}

/** How far the peer may be behind; and whether the sending of messages is told. */
export type OutboxOptions = Pick<
  ResolvedConnectionOptions,
  "sendHighWaterMark" | "maxBufferedAmount" | "idleTimeout"
>;

/** What the outbox must know of its connection. */
export interface OutboxOwner {
  /** Throws where a message can no longer be sent: the end may have come while it waited. */
  checkSendable(): void;
  /** A message was sent; told only where there is an {@linkcode OutboxOptions.idleTimeout}. */
  onSent(): void;
  /** Whether received messages wait to be answered, so that more is likely to be sent at once. */
  isAnswering(): boolean;
  /** Messages received so far. */
  countReceived(): number;
  /** A message was begun and cannot be finished. */
  onUnfinished(): void;
  /** The peer is further behind than it may be. */
  onOverflow(): void;
  /** Whether the connection is closing or closed. */
  isClosing(): boolean;
  /** The error of sends that the end leaves undone; made only where there are any. */
  closedError(): Error;
}

const NO_OPTIONS: SendOptions = {};
const EMPTY = new Uint8Array(0);

/** Sends messages over a link. */
export class Outbox {
  readonly #link: Link;
  readonly #options: OutboxOptions;
  readonly #owner: OutboxOwner;
  /** Made with the first message: most connections of a broadcast never wait for an answer. */
  #turnEnd: TurnEnd | undefined;
  /**
   * The last of the sends that must wait for one whose bytes are still to come, such as a Blob's or
   * a stream's.
   */
  #tail: Promise<void> | undefined;
  /** Rejects the send whose turn it is. */
  #giveUp: ((error: unknown) => void) | undefined;
  /** Ends the source of the stream that is being sent. */
  #cancelSource: ((reason: unknown) => void) | undefined;
  /** Bytes of sends that have not been handed to the link, the one whose turn it is included. */
  #queued = 0;
  /** Settles when `bufferedAmount` has fallen again. */
  #drain: PromiseWithResolvers<void> | undefined;
  #ended = false;
  #sent = 0;
  /**
   * How many messages had arrived at the last send, and how many have been sent since the latest of
   * them.
   */
  #answered = 0;
  #answers = 0;

  /** Creates an outbox. */
  constructor(link: Link, options: OutboxOptions, owner: OutboxOwner) {
    this.#link = link;
    this.#options = options;
    this.#owner = owner;
  }

  /** Messages sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Bytes that have not reached the link: those of a Blob still being read, and of whatever waits
   * behind a Blob or a stream.
   */
  get queued(): number {
    return this.#queued;
  }

  /**
   * `undefined` where all that was sent so far has reached the link; otherwise a promise that never
   * rejects, and resolves when it has and the link has room.
   */
  get backlog(): Promise<void> | undefined {
    return this.#tail;
  }

  /** Sends a message; see `WebSocketConnection.send`. */
  send(data: unknown, options: SendOptions = NO_OPTIONS): Promise<void> {
    if (this.#tail === undefined) {
      if (typeof data === "string" && options.binary !== true) {
        this.#link.sendText(data, options.compress);
        return this.#afterSend();
      }
      if (data instanceof Uint8Array && options.binary !== false) {
        this.#link.sendBinary(data, options.compress);
        return this.#afterSend();
      }
    }
    let payload;
    try {
      payload = toPayload(data);
      // A `toJSON` may have ended the connection.
      this.#owner.checkSendable();
    } catch (error) {
      return error instanceof WebSocketClosedError && this.#owner.isClosing()
        ? rejectQuietly(error)
        : Promise.reject(error);
    }
    if (typeof payload === "string" && options.binary === true) payload = encodeUtf8(payload);
    if (options.binary === false && (payload instanceof Uint8Array || payload instanceof Blob)) {
      return Promise.reject(bytesAsTextError());
    }
    if (payload instanceof Blob) {
      const blob = payload;
      return this.#enqueue(blob.size, async (handOver) => {
        const bytes = new Uint8Array(await blob.arrayBuffer());
        this.#owner.checkSendable();
        handOver();
        await this.#sendPayload(bytes, options);
      });
    }
    if (typeof payload !== "string" && !(payload instanceof Uint8Array)) {
      const stream = payload;
      const send = (handOver: () => void) => this.#sendStream(stream, options, handOver);
      return this.#enqueue(0, send, stream);
    }
    if (this.#tail === undefined) return this.#sendPayload(payload, options);
    // The same as for a send at once: only what is larger than the mark is not copied.
    const whole = typeof payload !== "string" && payload.length <= this.#options.sendHighWaterMark
      ? copyOf(payload)
      : payload;
    const size = typeof whole === "string" ? encodeUtf8(whole).length : whole.length;
    return this.#enqueue(size, (handOver) => {
      handOver();
      return this.#sendPayload(whole, options);
    });
  }

  /** A control frame was handed to the link: it leaves at the end of the turn. */
  noteControlFrame(): void {
    if (this.#link.gathers) this.#nextTurnEnd().note();
  }

  /** The link has written, and `bufferedAmount` is low again. */
  onDrain(): void {
    this.#drain?.resolve();
    this.#drain = undefined;
  }

  /** Gives up the send that waits for its source, which may never go on. */
  giveUp(): void {
    const giveUp = this.#giveUp;
    if (giveUp === undefined) return;
    const cancelSource = this.#cancelSource;
    this.#giveUp = this.#cancelSource = undefined;
    const error = this.#owner.closedError();
    giveUp(error);
    cancelSource?.(error);
  }

  /** The link is over: nothing will be written any more. */
  end(): void {
    this.#ended = true;
    this.giveUp();
    this.#drain?.reject(this.#owner.closedError());
  }

  /** Counts a message that was handed to the link, and tells when the next one is welcome. */
  #afterSend(): Promise<void> {
    this.#sent++;
    if (this.#options.idleTimeout > 0) this.#owner.onSent();
    return this.#flowControl();
  }

  #flowControl(): Promise<void> {
    const link = this.#link;
    if (!link.buffersAtMost(this.#options.sendHighWaterMark)) return this.#waitForDrain();
    if (link.gathers && this.#turnEnd?.isWaiting !== true) this.#endTurn();
    return READY;
  }

  #endTurn(): void {
    if (this.#owner.isAnswering()) this.#nextTurnEnd().noteBatch();
    else if (this.#isLoneAnswer()) this.#link.flush();
    else this.#nextTurnEnd().note();
  }

  /**
   * Whether this is the first message after a received one and, judging by the last time, the only
   * one: then it leaves at once. Looking for the end of its turn takes two microtasks: an echo of
   * 16 B that comes alone, by iteration on Bun and without the socket, took 790 ns that way and
   * takes 560 now.
   */
  #isLoneAnswer(): boolean {
    const received = this.#owner.countReceived();
    if (received === this.#answered) {
      this.#answers++;
      return false;
    }
    const alone = this.#answers === 1;
    this.#answered = received;
    this.#answers = 1;
    return alone;
  }

  #waitForDrain(): Promise<void> {
    const { sendHighWaterMark } = this.#options;
    this.#link.flush();
    if (!this.#ended && this.#link.buffersAtMost(sendHighWaterMark)) return READY;
    if (this.#isTooFarBehind()) this.#owner.onOverflow();
    // Either may have been the end, after which nothing drains.
    if (this.#ended) return rejectQuietly(this.#owner.closedError());
    if (this.#drain === undefined) {
      this.#drain = Promise.withResolvers();
      quiet(this.#drain.promise);
    }
    return this.#drain.promise;
  }

  #nextTurnEnd(): TurnEnd {
    return this.#turnEnd ??= new TurnEnd(() => this.#link.flush());
  }

  #sendPayload(payload: Payload, options: SendOptions): Promise<void> {
    if (typeof payload === "string") this.#link.sendText(payload, options.compress);
    else this.#link.sendBinary(payload, options.compress);
    return this.#afterSend();
  }

  /**
   * Runs `send` after the sends before it; `size` bytes count as queued until it hands them over.
   * Where the connection ends while a Blob or a stream is still to be read, the promise does not
   * wait for that source.
   */
  #enqueue(
    size: number,
    send: (handOver: () => void) => Promise<void>,
    source?: PayloadStream,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = Promise.withResolvers<void>();
    const fail = (error: unknown): void => {
      // As with one that is rejected at once: where the reason is the end, nobody needs to know.
      if (error instanceof WebSocketClosedError && this.#owner.isClosing()) quiet(promise);
      reject(error);
      turn.resolve();
    };
    let left = size;
    // From then on the link says what becomes of it.
    const handOver = (): void => {
      this.#queued -= left;
      left = 0;
      if (this.#giveUp === fail) this.#giveUp = undefined;
    };
    const run = async (): Promise<void> => {
      this.#giveUp = fail;
      try {
        this.#checkSource(source);
        await send(handOver);
        resolve();
        turn.resolve();
      } catch (error) {
        fail(error);
      } finally {
        handOver();
      }
    };
    const before = this.#tail;
    this.#queued += size;
    const tail = turn.promise.then(() => {
      if (this.#tail !== tail) return;
      this.#tail = undefined;
      this.#giveUp = undefined;
    });
    // Before: a source may send as it is first read, and what it sends comes after it.
    this.#tail = tail;
    if (before === undefined) void run();
    else void before.then(run);
    // Not for a send whose turn it is: what the transport takes at once is not behind.
    if (before !== undefined && this.#isTooFarBehind()) {
      this.#link.flush();
      if (this.#isTooFarBehind()) this.#owner.onOverflow();
    }
    return promise;
  }

  #isTooFarBehind(): boolean {
    return this.#link.bufferedAmount + this.#queued > this.#options.maxBufferedAmount;
  }

  /** Throws where it is too late for a send that had to wait, and ends its source. */
  #checkSource(source: PayloadStream | undefined): void {
    try {
      this.#owner.checkSendable();
    } catch (error) {
      refuseSource(source, error);
      throw error;
    }
  }

  async #sendStream(
    stream: PayloadStream,
    options: SendOptions,
    handOver: () => void,
  ): Promise<void> {
    const source = openSource(stream);
    this.#cancelSource = source.cancel;
    let begun = false;
    try {
      const { type: found, pieces } = await readFragments(source);
      if (options.binary === false && found === "binary") {
        const error = bytesAsTextError();
        source.cancel(error);
        throw error;
      }
      const asked = options.binary === undefined ? found : options.binary ? "binary" : "text";
      const type = asked ?? "binary";
      for await (const piece of pieces) {
        this.#owner.checkSendable();
        if (begun) this.#link.sendFragment(piece, false);
        else this.#link.beginMessage(type, piece, options.compress);
        begun = true;
        await this.#flowControl();
      }
      this.#owner.checkSendable();
      if (!begun) this.#link.beginMessage(type, EMPTY, false);
      this.#link.sendFragment(EMPTY, true);
      handOver();
      await this.#afterSend();
    } catch (error) {
      // The peer waits for the rest of a message that will not come.
      if (begun) this.#owner.onUnfinished();
      throw error;
    } finally {
      this.#cancelSource = undefined;
    }
  }
}

function bytesAsTextError(): TypeError {
  return new TypeError("Cannot send message: bytes cannot be sent as text; omit binary: false");
}
