/**
 * The end of a connection, from the first Close frame, failure or loss on: who has closed, what is
 * still to be answered, and how long either side may take.
 */

import { CloseCode } from "../close_code.ts";
import { WebSocketClosedError, type WebSocketProtocolError } from "../errors.ts";
import { quote } from "../quote.ts";
import type { CloseInfo } from "../types.ts";
import { Timeout } from "./alarms.ts";
import type { Inbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import type { ResolvedConnectionOptions } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import { afterMicrotasks } from "./turn_end.ts";

/** The parts of a connection that its end concerns. */
export interface EndingParts {
  readonly link: Link;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  /** Closing has begun: its own timeout takes the place of the keepalive. */
  onClosing(): void;
  /** No pong will come any more. */
  onNoPongs(): void;
}

/** A code and a reason, sent or received. */
interface Close {
  readonly code: number;
  readonly reason: string;
}

/** Made when the end begins; an open connection has none. */
export class Ending {
  readonly #parts: EndingParts;
  readonly #options: Pick<ResolvedConnectionOptions, "clock" | "closeTimeout">;
  /** Our Close, from when it waits behind what was sent. */
  #queued: Close | undefined;
  /** Whether our Close frame is sent. */
  #closeSent = false;
  #received: Close | undefined;
  /** Whether nothing more will be received or can be sent. */
  #over = false;
  /** Why nothing that is sent leaves any more, though something may still be received. */
  #sendError: unknown;
  /** Why the connection was closed, where nobody asked for that. */
  #cause: Error | undefined;
  #failure: WebSocketProtocolError | undefined;
  #info: CloseInfo | undefined;
  /** Bounds what we wait for: the peer's Close, and the end of the transport. */
  #closeTimeout: Timeout | undefined;
  /**
   * Bounds what holds back our Close, for which the peer waits: the application, or what it has
   * sent.
   */
  #answerTimeout: Timeout | undefined;
  /** Bounds how long a handler may work on one message before it is told of the end. */
  #handlingTimeout: Timeout | undefined;

  /** Creates the end of a connection that is still open. */
  constructor(
    parts: EndingParts,
    options: Pick<ResolvedConnectionOptions, "clock" | "closeTimeout">,
  ) {
    this.#parts = parts;
    this.#options = options;
  }

  /** How the connection ended, once it has. */
  get info(): CloseInfo | undefined {
    return this.#info;
  }

  /**
   * The code and the reason received or, where none were, how the connection ended; `undefined`
   * before.
   */
  get outcome(): Close | undefined {
    return this.#received ?? this.#info;
  }

  /** Whether messages of the application are no longer taken. */
  get refusesMessages(): boolean {
    return this.#hasClosed || this.#over || this.#sendError !== undefined;
  }

  /** Whether either side has closed, or the connection is lost. */
  get isClosing(): boolean {
    return this.refusesMessages || this.#received !== undefined;
  }

  /** Whether we have closed, though our Close may still wait behind what was sent. */
  get #hasClosed(): boolean {
    return this.#closeSent || this.#queued !== undefined;
  }

  // What happens -------------------------------------------------------------------------------

  /** Closes after all that was sent before, unless our Close is sent or on its way. */
  close(code: number, reason: string): void {
    if (this.refusesMessages) return;
    const { inbox, link, outbox } = this.#parts;
    const { backlog } = outbox;
    if (backlog === undefined) return this.#sendClose({ code, reason });
    const close = this.#queued = { code, reason };
    this.#limitClosing();
    // As when the Close is sent: the peer may wait for us to read before it reads what precedes it.
    if (this.#received === undefined) inbox.release();
    else this.#limitAnswer();
    backlog.then(() => this.#sendClose(close)).catch((error) => link.abort(error));
  }

  /**
   * Closes unasked, and tells the application why. Where the host refuses, as Workers do for the
   * connection of another request, drops the connection.
   */
  closeUnasked(code: number, reason: string, cause: Error): void {
    if (this.refusesMessages) return;
    this.#cause = cause;
    this.#orDrop(() => this.close(code, reason));
  }

  /** Closes at once: what waits to be sent no longer can be. */
  cutShort(code: number, reason: string): void {
    this.#sendClose({ code, reason });
  }

  /**
   * The peer's Close came; `true` if it is to be answered at once. It is not where the application
   * is at work on what came before, or has not had a turn to take it yet, and may be about to
   * answer that (RFC 6455 section 5.5.1).
   */
  receiveClose(code: number, reason: string): boolean {
    const { inbox, link, outbox } = this.#parts;
    this.#received = { code, reason };
    // A consumer that needs no time gives its answers now.
    inbox.pump();
    // It may have called `abort`.
    if (this.#info !== undefined) return false;
    const { returning } = inbox;
    const { backlog } = outbox;
    const isAtWork = returning !== "no" || inbox.isFilled;
    const isDone = this.#hasClosed ? this.#closeSent : !isAtWork && backlog === undefined;
    this.#limitClosing();
    // Where nothing can be sent, nobody waits for an answer.
    if (isDone || link.answersClose || this.#sendError !== undefined) {
      this.#closeSent = true;
      this.#stopMessages();
      return true;
    }
    // Where the application has closed, our Close waits already, behind what was sent.
    if (this.#hasClosed) {
      this.#limitAnswer();
    } else {
      if (returning === "surely" || backlog !== undefined) this.#limitAnswer();
      if (!isAtWork) this.#answer();
      else if (returning !== "surely") afterMicrotasks(() => this.#answerUnlessAtWork());
    }
    inbox.end();
    this.#parts.onNoPongs();
    return false;
  }

  /**
   * The application is done with all that was received: nothing holds our answer back any longer.
   */
  onAllHandled(): void {
    this.#handlingTimeout?.clear();
    this.#answer();
  }

  /** The peer broke a rule, and was told so. */
  fail(error: WebSocketProtocolError): void {
    this.#failure = error;
    this.#limitClosing();
    this.#stopMessages();
  }

  /**
   * Nothing can be sent any more. What the peer has sent before, its Close most of all, is received
   * for as long as a closing handshake may take.
   */
  loseSending(error: unknown): void {
    this.#sendError = error;
    this.#limitClosing();
    this.#parts.outbox.end();
  }

  /** The link is over. `isCut`: something that was sent has not left, if only our Close frame. */
  finish(error: unknown, isCut: boolean): CloseInfo {
    const { outbox } = this.#parts;
    const close = this.#received ?? { code: CloseCode.Abnormal, reason: "" };
    if (this.#cause !== undefined) this.#cause.cause ??= error;
    const info: CloseInfo = this.#received !== undefined && this.#closeSent && !isCut
      ? { ...close, wasClean: true }
      : { ...close, wasClean: false, error: this.#failure ?? this.#cause ?? error };
    this.#info = info;
    this.#parts.onClosing();
    this.#closeTimeout?.clear();
    this.#answerTimeout?.clear();
    this.#stopMessages();
    outbox.end();
    this.limitHandling();
    return info;
  }

  /** Sees to it that a handler is told of the end even if it works on a message for ever. */
  limitHandling(): void {
    const { inbox } = this.#parts;
    if (this.#info === undefined || !inbox.isHandling) return;
    const { clock, closeTimeout } = this.#options;
    const { length } = inbox;
    // It may be called while a consumer begins, and once more when that has begun.
    this.#handlingTimeout?.clear();
    this.#handlingTimeout = new Timeout(clock, () => {
      if (inbox.length < length) this.limitHandling();
      else inbox.abandon();
    }, closeTimeout);
  }

  // What is told -------------------------------------------------------------------------------

  /** Throws where no message can be sent, not even one that was accepted before our Close. */
  checkSendable(): void {
    if (this.#over || this.#closeSent || this.#sendError !== undefined) {
      throw this.closedError("send message");
    }
  }

  /** What an iteration throws after the last message; `undefined` where it just ends. */
  iterationError(): WebSocketClosedError | undefined {
    return this.#isComplete() ? undefined : this.closedError("receive message");
  }

  /** The error of an operation that comes too late. */
  closedError(action: string): WebSocketClosedError {
    const info = this.#info ?? { code: CloseCode.Abnormal, reason: "", ...this.#received };
    const state = this.#info === undefined ? "closing" : "closed";
    const cause = this.#failure ?? this.#cause ?? this.#info?.error ?? this.#sendError;
    const why = describeEnd(this.#received, cause);
    return new WebSocketClosedError(`Cannot ${action}: connection is ${state}${why}`, {
      code: info.code,
      reason: info.reason,
      wasClean: this.#info?.wasClean ?? this.#isComplete(),
      cause,
    });
  }

  // Within -------------------------------------------------------------------------------------

  #sendClose({ code, reason }: Close): void {
    if (this.#over || this.#closeSent) return;
    const { inbox, link } = this.#parts;
    // Set before the call: what that writes may be the end.
    this.#closeSent = true;
    try {
      link.close(code, reason);
    } catch (error) {
      // The host has refused, as Workers do for the connection of another request: nothing has
      // changed.
      this.#closeSent = false;
      throw error;
    }
    this.#limitClosing();
    if (this.#received === undefined) inbox.release();
    else this.#stopMessages();
  }

  /**
   * Answers the peer's Close after all that was sent before, unless our Close is sent or on its
   * way.
   */
  #answer(): void {
    const received = this.#received;
    if (received !== undefined) this.#orDrop(() => this.close(received.code, received.reason));
  }

  #orDrop(close: () => void): void {
    try {
      close();
    } catch (error) {
      this.#parts.link.abort(error);
    }
  }

  /** The application has had its turn to take what came before the Close, and may be at work on it. */
  #answerUnlessAtWork(): void {
    if (this.refusesMessages) return;
    if (this.#parts.inbox.returning === "surely") this.#limitAnswer();
    else this.#answer();
  }

  /** Answers the peer's Close no later than after half of what is left of the closing timeout. */
  #limitAnswer(): void {
    const { clock } = this.#options;
    const left = this.#closeTimeout!.due - clock.now();
    this.#answerTimeout ??= new Timeout(
      clock,
      () => this.#orDrop(() => this.#sendClose(this.#queued ?? this.#received!)),
      left / 2,
    );
  }

  /**
   * Whether both Close frames are exchanged, or the peer's came and ours can still follow. Ours may
   * be lost on its way, which changes nothing about what was received.
   */
  #isComplete(): boolean {
    return this.#received !== undefined && (this.#info === undefined || this.#closeSent);
  }

  /** From now on the end must come within the closing timeout. */
  #limitClosing(): void {
    this.#parts.onClosing();
    if (this.#closeTimeout !== undefined || this.#info !== undefined) return;
    const { clock, closeTimeout } = this.#options;
    const giveUp = () => {
      const late = new Error("The peer did not end the connection in time");
      this.#parts.link.abort(this.#sendError ?? late);
    };
    this.#closeTimeout = new Timeout(clock, giveUp, closeTimeout);
  }

  /** Nothing more will come: nobody need wait any longer. */
  #stopMessages(): void {
    this.#over = true;
    this.#parts.inbox.end();
    this.#parts.onNoPongs();
    this.#parts.outbox.giveUp();
  }
}

/** Why a connection has ended, as the message of an error goes on. */
function describeEnd(received: Close | undefined, cause: unknown): string {
  const message = messageOf(cause);
  if (message !== "") return `: ${message}`;
  if (received === undefined) return "";
  const { code, reason } = received;
  return reason === "" ? ` (${code})` : ` (${code}, ${quote(reason)})`;
}

/** The message of an error, which may be the application's own, of any class; never throws. */
function messageOf(error: unknown): string {
  try {
    const message: unknown = error instanceof Error ? error.message : "";
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}
