/**
 * The receiving half of a connection: messages that wait for the application, and the application
 * that waits for messages.
 */

import { requireOptionalSignal } from "../arguments.ts";
import { WebSocketClosedError } from "../errors.ts";
import type { Message } from "../types.ts";
import { MessageQueue } from "./message_queue.ts";
import type { ResolvedConnectionOptions } from "./options.ts";
import { pendingPromise, quiet, READY } from "./promises.ts";

/** Where messages come from. */
export interface InboxSource {
  /** A message arrived; told only where there is an {@linkcode InboxOptions.idleTimeout}. */
  onReceived(): void;
  /** Stops reading: more waits for the application than may. */
  pauseReading(): void;
  /** Reads on. */
  resumeReading(): void;
  /** The application has answered what it was given: writes its answers. */
  flushAnswers(): void;
  /** Nothing more will come, and the application is done with what it was given. */
  onAllHandled(): void;
  /** What an iteration throws once no more messages come; `undefined` where it just ends. */
  iterationError(): Error | undefined;
  /** Whether the connection is closing or closed. */
  isClosing(): boolean;
}

/** When reading stops, and when it goes on; and whether the arrival of messages is told. */
export type InboxOptions = Pick<
  ResolvedConnectionOptions,
  "receiveHighWaterMark" | "receiveLowWaterMark" | "idleTimeout"
>;

/** How `receive` waits. */
export interface ReceiveOptions {
  /** Gives up waiting: the promise rejects with the signal's reason, and no message is lost. */
  readonly signal?: AbortSignal | undefined;
}

/** Takes each message in turn; a promise holds the next one back. */
export type Consumer = (message: Message) => unknown;

/**
 * Waits for one message. An object rather than a closure, since thousands of idle connections have
 * one each.
 */
export interface Waiter {
  /** Takes the message, or `null` where none will come. */
  give(message: Message | null): void;
}

/**
 * Whether the application, once given a message, will come back for the next one: perhaps where it
 * called `receive`, surely where it is an iteration or a consumer.
 */
export type Returning = "no" | "perhaps" | "surely";

/** A consumer that has not finished in time. */
export interface Abandoned {
  /** Resolves with what it throws, if it still does. */
  readonly failure: Promise<unknown>;
}

/** A consumer at work. */
interface Consumption {
  consumer: Consumer;
  readonly failsAtEnd: boolean;
  readonly opens: boolean;
  /** What `consume` has returned. */
  readonly done: Promise<void | Abandoned>;
  /** Ends it, where it failed by a promise that rejects: one function less for each connection. */
  settle: (result: void | Abandoned | Promise<never>) => void;
  /** Takes what it fails with once it is no longer waited for. */
  failLate?: (error: unknown) => void;
  /** Whether it has a message in hand. */
  busy: boolean;
}

/** How a consumer begins and ends. */
export interface ConsumeOptions {
  /** Called before the first message, which waits for its promise. */
  readonly open?: (() => unknown) | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Whether it rejects after the last message where an iteration would throw. */
  readonly failsAtEnd?: boolean;
}

const NO_OPTIONS: ReceiveOptions = {};

/** Holds messages until they are taken, and stops reading while too much waits. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #source: InboxSource;
  /** Made with the first message that is not awaited. */
  #queue: MessageQueue | undefined;
  #waiter: Waiter | undefined;
  /** Those after the first one, which are rare. */
  #waiters: Waiter[] | undefined;
  #consumption: Consumption | undefined;
  #paused = false;
  /** Whether reading must not stop any more. */
  #released = false;
  /** Whether a message has been dropped: then all that follow are too, so that there is no gap. */
  #dropping = false;
  #ended = false;
  #received = 0;
  /** Whether the taker of the last message will ask for another; of a consumer, `busy` says so. */
  #returning: Returning = "no";

  /** Creates an empty inbox. */
  constructor(options: InboxOptions, source: InboxSource) {
    this.#options = options;
    this.#source = source;
  }

  /** Messages received so far. */
  get received(): number {
    return this.#received;
  }

  /** Messages that wait to be taken. */
  get length(): number {
    return this.#queue?.length ?? 0;
  }

  /** Whether messages wait to be taken. */
  get isFilled(): boolean {
    return this.#queue !== undefined && this.#queue.length > 0;
  }

  /** Whether the application has a message in hand that it may answer before it takes the next. */
  get returning(): Returning {
    return this.#consumption?.busy === true ? "surely" : this.#returning;
  }

  /** Whether a consumer that has an `open` is at work on that, or on a message. */
  get isHandling(): boolean {
    return this.#consumption?.opens === true && this.#consumption.busy;
  }

  /** Whether reading has been stopped. */
  get isPaused(): boolean {
    return this.#paused;
  }

  /**
   * A message arrived. It goes straight to a consumer that is free: 64 of 16 bytes with one read
   * take 36 ns each so on Bun, 53 on Deno, and 38 and 61 where they wait for the end of the read.
   */
  push(message: Message): void {
    this.#count();
    if (this.#dropping) return;
    const consumption = this.#consumption, waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = this.#waiters?.shift();
      this.#returning = "perhaps";
      waiter.give(message);
    } else if (consumption === undefined || consumption.busy || this.isFilled) {
      this.#enqueue(message);
    } else {
      consumption.busy = true;
      if (this.#consume(consumption, message)) consumption.busy = false;
    }
  }

  /** A message arrived, and none with it. */
  deliver(message: Message): void {
    this.push(message);
    this.pump();
  }

  /** The oldest message, or `undefined`; `returning` says whether the taker comes back. */
  take(returning: Returning = "perhaps"): Message | undefined {
    const queue = this.#queue;
    const message = queue?.shift();
    if (message === undefined) return undefined;
    this.#returning = returning;
    if (this.#paused && queue!.bytes <= this.#options.receiveLowWaterMark) this.#resume();
    return message;
  }

  /** Says whether a waiter that was just given a message comes back. */
  expect(returning: Returning): void {
    this.#returning = returning;
  }

  /** Whoever was given the last message is done with it. */
  leave(): void {
    this.#returning = "no";
    // A consumer with a message in hand is not done, though it may ask for the next one meanwhile.
    if (this.#ended && this.#consumption?.busy !== true) this.#source.onAllHandled();
  }

  /** The next message once it is there, `null` if none will come. */
  receive(options: ReceiveOptions = NO_OPTIONS): Promise<Message | null> {
    const { signal } = options;
    if (signal !== undefined) {
      try {
        requireOptionalSignal("signal", signal);
      } catch (error) {
        return Promise.reject(error);
      }
      if (signal.aborted) return Promise.reject(signal.reason);
    }
    const message = this.take();
    if (message !== undefined) return Promise.resolve(message);
    const { promise, resolve } = pendingPromise<Message | null>();
    this.wait(
      signal === undefined
        ? new PendingReceive(resolve)
        : new AbortableReceive(resolve, this, signal),
    );
    return promise;
  }

  /** Gives the next message to `waiter` once it is there, `null` if none will come. */
  wait(waiter: Waiter): void {
    // Whoever waits for the next message has answered the last one, unless that was a consumer's.
    this.leave();
    if (this.#ended) return waiter.give(null);
    this.#source.flushAnswers();
    // That write may have ended the connection, or have made room for what was held.
    const message = this.take();
    if (message !== undefined) return waiter.give(message);
    if (this.#ended) return waiter.give(null);
    if (this.#waiter === undefined) this.#waiter = waiter;
    else (this.#waiters ??= []).push(waiter);
  }

  /**
   * Hands every message to a consumer, one at a time, the first one after `open`. Resolves after
   * the last one, or with what {@linkcode abandon} leaves; rejects with what the consumer or `open`
   * throws, with the signal's reason, and with a `TypeError` where there is a consumer already. A
   * rejection with a `WebSocketClosedError` is not reported as unhandled, like that of a `send`
   * that meets the end of the connection.
   */
  consume(
    consumer: Consumer,
    { open, signal, failsAtEnd = false }: ConsumeOptions = {},
  ): Promise<void | Abandoned> {
    if (this.#consumption !== undefined) {
      return Promise.reject(
        new TypeError("Cannot hand over messages: they go to a function already"),
      );
    }
    const { promise: done, resolve } = pendingPromise<void | Abandoned>();
    const consumption: Consumption = {
      consumer,
      failsAtEnd,
      opens: open !== undefined,
      done,
      settle: resolve,
      busy: open !== undefined,
    };
    this.#consumption = consumption;
    if (signal !== undefined) {
      const stop = (): void => this.#endConsumption(consumption, signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      consumption.settle = (result) => {
        signal.removeEventListener("abort", stop);
        resolve(result);
      };
    }
    if (open === undefined) this.pump();
    else this.#openThenPump(open, consumption);
    return done;
  }

  /** Lets the consumer, if there is one and it is free, take what has arrived. */
  pump(): void {
    const consumption = this.#consumption;
    if (consumption === undefined || consumption.busy) return;
    // Set before the first one is taken, which may make room and bring more.
    consumption.busy = true;
    for (let message = this.take(); message !== undefined; message = this.take()) {
      if (!this.#consume(consumption, message)) return;
    }
    consumption.busy = false;
    this.#source.flushAnswers();
    this.leave();
    // That write may have been the end, and have led here.
    if (!this.#ended || this.#consumption !== consumption) return;
    this.#consumption = undefined;
    const error = consumption.failsAtEnd ? this.iterationError() : undefined;
    if (error === undefined) consumption.settle();
    else this.#fail(consumption, error);
  }

  /**
   * From now on reading never stops, so that the peer's Close is read: above the mark, what nobody
   * takes is dropped, with all that follows.
   */
  release(): void {
    this.#released = true;
    if (this.#paused) this.#resume();
  }

  /** The consumer is given nothing more: messages are taken, and discarded. */
  discard(): void {
    if (this.#consumption !== undefined) this.#consumption.consumer = ignore;
  }

  /** No longer waits for the consumer, which is given nothing more. */
  abandon(): void {
    const consumption = this.#consumption;
    if (consumption === undefined) return;
    this.#consumption = undefined;
    const { promise: failure, resolve } = Promise.withResolvers<unknown>();
    consumption.failLate = resolve;
    consumption.settle({ failure });
  }

  /** What an iteration throws once no more messages come; `undefined` where it just ends. */
  iterationError(): Error | undefined {
    return this.#source.iterationError();
  }

  /** Nothing more will come. What waits can still be taken. */
  end(): void {
    this.#ended = true;
    for (let waiter = this.#waiter; waiter !== undefined; waiter = this.#waiter) {
      this.#waiter = this.#waiters?.shift();
      waiter.give(null);
    }
    this.pump();
  }

  #enqueue(message: Message): void {
    const limit = this.#options.receiveHighWaterMark;
    const queue = this.#queue ??= new MessageQueue();
    this.#dropping = this.#released && queue.bytes > limit;
    if (this.#dropping) return;
    queue.push(message);
    if (queue.bytes > limit && !this.#paused && !this.#released) {
      this.#paused = true;
      this.#source.pauseReading();
    }
  }

  #count(): void {
    this.#received++;
    if (this.#options.idleTimeout > 0) this.#source.onReceived();
  }

  /**
   * Gives a message to a consumer marked as busy; `false` if it takes its time, or gets no more.
   */
  #consume(consumption: Consumption, message: Message): boolean {
    let result;
    try {
      result = consumption.consumer(message);
    } catch (error) {
      this.#endConsumption(consumption, error);
      return false;
    }
    // A consumer that only sends returns READY: there is nothing to wait for.
    if (result === undefined || result === READY || !mayBePending(result)) {
      return this.#consumption === consumption;
    }
    void this.#pumpAfter(result, consumption);
    return false;
  }

  #openThenPump(open: () => unknown, consumption: Consumption): void {
    let opening;
    try {
      opening = open();
    } catch (error) {
      this.#endConsumption(consumption, error);
      return;
    }
    if (opening !== undefined) return void this.#pumpAfter(opening, consumption);
    consumption.busy = false;
    this.pump();
  }

  async #pumpAfter(result: unknown, consumption: Consumption): Promise<void> {
    try {
      await result;
    } catch (error) {
      this.#endConsumption(consumption, error);
      return;
    }
    consumption.busy = false;
    this.pump();
  }

  #endConsumption(consumption: Consumption, error: unknown): void {
    // Its work on a message may fail after it was stopped.
    if (this.#consumption !== consumption) return consumption.failLate?.(error);
    this.#consumption = undefined;
    this.#fail(consumption, error);
    this.leave();
  }

  #fail(consumption: Consumption, error: unknown): void {
    // While this connection is open, the error is another's, and the application has to see it.
    if (error instanceof WebSocketClosedError && this.#source.isClosing()) quiet(consumption.done);
    consumption.settle(Promise.reject(error));
  }

  #resume(): void {
    this.#paused = false;
    this.#source.resumeReading();
  }

  /** Takes back a waiter that waits no longer. */
  withdraw(waiter: Waiter): void {
    if (this.#waiter === waiter) this.#waiter = this.#waiters?.shift();
    else this.#waiters = this.#waiters?.filter((other) => other !== waiter);
  }
}

function ignore(): void {}

/** Whether a value is a promise, or may be something like one. */
function mayBePending(value: unknown): boolean {
  return typeof value === "object" && value !== null || typeof value === "function";
}

/** A call of `receive` that waits. */
class PendingReceive implements Waiter {
  readonly #resolve: (message: Message | null | Promise<never>) => void;

  constructor(resolve: (message: Message | null | Promise<never>) => void) {
    this.#resolve = resolve;
  }

  give(message: Message | null | Promise<never>): void {
    this.#resolve(message);
  }
}

/** One that a signal can end. */
class AbortableReceive extends PendingReceive implements EventListenerObject {
  readonly #inbox: Inbox;
  readonly #signal: AbortSignal;

  constructor(
    resolve: (message: Message | null | Promise<never>) => void,
    inbox: Inbox,
    signal: AbortSignal,
  ) {
    super(resolve);
    this.#inbox = inbox;
    this.#signal = signal;
    signal.addEventListener("abort", this, { once: true });
  }

  override give(message: Message | null | Promise<never>): void {
    this.#signal.removeEventListener("abort", this);
    super.give(message);
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#inbox.withdraw(this);
    super.give(Promise.reject(this.#signal.reason));
  }
}
