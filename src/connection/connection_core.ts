/**
 * A connection without its public face: the parts that it is made of, and what each of them is told
 * of the others.
 */

import { CloseCode } from "../close_code.ts";
import type { WebSocketClosedError, WebSocketProtocolError } from "../errors.ts";
import type { CloseInfo, ConnectionOptions, Message } from "../types.ts";
import { Ending } from "./ending.ts";
import { type Abandoned, type Consumer, Inbox, type InboxSource } from "./inbox.ts";
import { Keepalive, type KeepaliveActions } from "./keepalive.ts";
import type { Link, LinkSink } from "./link.ts";
import type { ConfiguredLink } from "./link_source.ts";
import { observe, type Observer } from "./observer.ts";
import type { ResolvedConnectionOptions } from "./options.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { Pings } from "./pings.ts";
import { quiet } from "./promises.ts";

/** Who is told of pings and pongs. */
export type ConnectionObservers = Pick<ConnectionOptions, "onPing" | "onPong">;

/**
 * The parts of one connection. One object is all that they see of each other, since closures for
 * each of them would be the larger part of what an idle connection holds.
 */
export class ConnectionCore implements LinkSink, InboxSource, OutboxOwner, KeepaliveActions {
  /** What carries the connection. */
  readonly link: Link;
  /** What is received. */
  readonly inbox: Inbox;
  /** What is sent. */
  readonly outbox: Outbox;
  readonly #options: ResolvedConnectionOptions;
  readonly #keepalive: Keepalive;
  readonly #onPing: Observer | undefined;
  readonly #onPong: Observer | undefined;
  #pings: Pings | undefined;
  /** Its end, made when that begins. */
  #ending: Ending | undefined;
  #signal: { readonly source: AbortSignal; readonly onAbort: () => void } | undefined;
  #closed: PromiseWithResolvers<CloseInfo> | undefined;
  #onClosed: ((subject: unknown) => void) | undefined;
  #subject: unknown;

  /** Joins the parts over a link. */
  constructor({ link, resolved }: ConfiguredLink, { onPing, onPong }: ConnectionObservers) {
    this.link = link;
    this.#options = resolved;
    this.#onPing = onPing;
    this.#onPong = onPong;
    this.inbox = new Inbox(resolved, this);
    this.outbox = new Outbox(link, resolved, this);
    // Where the link has no pings, the host finds out that a peer has gone.
    const watch = link.capabilities.ping ? resolved : { ...resolved, pingInterval: 0 };
    this.#keepalive = new Keepalive(watch, this);
    link.attach(this, this.inbox);
  }

  // For the connection ---------------------------------------------------------------------------

  /** Its end, if that has begun. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Its end, which begins now if it has not. */
  get end(): Ending {
    return this.#ending ??= new Ending({
      link: this.link,
      inbox: this.inbox,
      outbox: this.outbox,
      onClosing: () => this.#keepalive.stop(),
      onNoPongs: () => this.#pings?.rejectAll(this.end.closedError("receive pong")),
    }, this.#options);
  }

  /** How the connection has ended, once it has. */
  get info(): CloseInfo | undefined {
    return this.#ending?.info;
  }

  /** Resolves with {@linkcode info}. */
  get closed(): Promise<CloseInfo> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers();
      if (this.info !== undefined) this.#closed.resolve(this.info);
    }
    return this.#closed.promise;
  }

  /** See the function `onceClosed`. One callback serves many connections, and is told which. */
  onceClosed<Subject>(callback: (subject: Subject) => void, subject: Subject): void {
    if (this.info !== undefined) return callback(subject);
    this.#onClosed = callback as (subject: unknown) => void;
    this.#subject = subject;
  }

  /** Drops the connection when a signal is aborted, or now if it is. */
  follow(source: AbortSignal): void {
    const onAbort = (): void => this.link.abort(source.reason);
    if (source.aborted) return onAbort();
    source.addEventListener("abort", onAbort, { once: true });
    this.#signal = { source, onAbort };
  }

  /**
   * Sends a ping, with a payload of its own where none is given. Resolves with the round trip in
   * milliseconds; throws what the link does.
   */
  ping(payload: Uint8Array | undefined): Promise<number> {
    const pings = this.#nextPings();
    const bytes = payload ?? pings.nextPayload();
    this.#sendPing(bytes);
    return quiet(pings.wait(bytes, this.#options.clock.now()));
  }

  /** See the function `consumeMessages`. */
  consume(consumer: Consumer, open?: () => unknown): Promise<void | Abandoned> {
    const consumed = this.inbox.consume(consumer, { open });
    // It may have ended before.
    this.#ending?.limitHandling();
    return consumed;
  }

  // For several parts ----------------------------------------------------------------------------

  /** Whether either side has closed, or the connection is lost. */
  isClosing(): boolean {
    return this.#ending?.isClosing === true;
  }

  // For the link ---------------------------------------------------------------------------------

  /** A message came by itself. */
  onLoneMessage(message: Message): void {
    this.onActivity();
    this.inbox.deliver(message);
  }

  /** The handshake is answered. */
  onOpen(): void {
    if (!this.isClosing()) this.#keepalive.start();
  }

  /** A ping arrived. */
  onPing(payload: Uint8Array): void {
    observe(this.#onPing, payload);
  }

  /** A pong arrived. */
  onPong(payload: Uint8Array): void {
    this.#keepalive.noteLife();
    this.#pings?.settle(payload, this.#options.clock.now());
    observe(this.#onPong, payload);
  }

  /** The peer is alive. */
  onActivity(): void {
    this.#keepalive.noteArrival();
  }

  /** All of a read has been handed over. */
  onTurnEnd(): void {
    this.inbox.pump();
  }

  /** The peer's Close came; `true` if it is to be answered at once. */
  onClose(code: number, reason: string): boolean {
    return this.end.receiveClose(code, reason);
  }

  /** The peer broke a rule. */
  onFailure(error: WebSocketProtocolError): void {
    this.end.fail(error);
  }

  /** Nothing can be sent any more. */
  onWriteFailed(error: unknown): void {
    this.end.loseSending(error);
  }

  /** There is room again for what is sent. */
  onDrain(): void {
    this.outbox.onDrain();
  }

  /** The link is over. */
  onEnd(error: unknown, isCut = false): void {
    this.#signal?.source.removeEventListener("abort", this.#signal.onAbort);
    const info = this.end.finish(error, isCut);
    this.#closed?.resolve(info);
    this.#onClosed?.(this.#subject);
  }

  // For the inbox --------------------------------------------------------------------------------

  /** A message was received. */
  onReceived(): void {
    this.#keepalive.noteMessage();
  }

  /** Enough messages wait. */
  pauseReading(): void {
    this.link.pause();
  }

  /** There is room for messages again. */
  resumeReading(): void {
    // The silence until now was ours.
    this.#keepalive.noteLife();
    this.link.resume();
  }

  /** The application has answered. */
  flushAnswers(): void {
    this.link.flush();
  }

  /** The application is done with all that was received. */
  onAllHandled(): void {
    this.end.onAllHandled();
  }

  /** What an iteration throws after the last message. */
  iterationError(): WebSocketClosedError | undefined {
    return this.end.iterationError();
  }

  // For the outbox -------------------------------------------------------------------------------

  /** Throws where nothing can be sent. */
  checkSendable(): void {
    this.#ending?.checkSendable();
  }

  /** A message was sent. */
  onSent(): void {
    this.#keepalive.noteMessage();
  }

  /** Whether received messages wait to be answered. */
  isAnswering(): boolean {
    return this.inbox.isFilled;
  }

  /** Messages received so far. */
  countReceived(): number {
    return this.inbox.received;
  }

  /** A message that was begun has no end. */
  onUnfinished(): void {
    this.end.cutShort(CloseCode.InternalError, "message not finished");
  }

  /** The error of a send that comes too late. */
  closedError(): WebSocketClosedError {
    return this.end.closedError("send message");
  }

  /** The peer takes too little. */
  onOverflow(): void {
    const cause = new Error("The peer is too far behind: more than maxBufferedAmount waits for it");
    this.end.closeUnasked(CloseCode.TryAgainLater, "too far behind", cause);
  }

  // For the keepalive ----------------------------------------------------------------------------

  /** Whether we do not read. */
  isBlocked(): boolean {
    return this.inbox.isPaused;
  }

  /** Whether the peer has something to take. */
  isBehind(): boolean {
    return this.link.bufferedAmount > 0;
  }

  /** Grows as the peer takes it. */
  progress(): number {
    return this.link.progress;
  }

  /** Pings the peer. */
  sendPing(): void {
    const pings = this.#nextPings();
    const payload = pings.nextPayload();
    this.#sendPing(payload);
    pings.note(payload);
  }

  /** The peer does not answer. */
  onLost(): void {
    this.link.abort(new Error("The peer did not answer a ping in time"));
  }

  /** Nobody uses the connection. */
  onIdle(): void {
    const cause = new Error("No message came or went for idleTimeout");
    this.end.closeUnasked(CloseCode.GoingAway, "idle", cause);
  }

  // Within ---------------------------------------------------------------------------------------

  #nextPings(): Pings {
    return this.#pings ??= new Pings();
  }

  #sendPing(payload: Uint8Array): void {
    this.link.ping(payload);
    this.outbox.noteControlFrame();
  }
}
