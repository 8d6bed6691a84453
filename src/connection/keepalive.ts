/**
 * Finding out that a peer has gone, or that nobody uses the connection: one alarm for both.
 */

import { type Alarm, Alarms } from "./alarms.ts";
import type { ResolvedConnectionOptions } from "./options.ts";

/** When to act. */
export type KeepaliveOptions = Pick<
  ResolvedConnectionOptions,
  "pingInterval" | "pingTimeout" | "idleTimeout" | "clock"
>;

/** What is done when it is time. */
export interface KeepaliveActions {
  /** Whether we ourselves do not read at present, so that silence tells nothing of the peer. */
  isBlocked(): boolean;
  /** Whether something of ours waits for the peer to take it. */
  isBehind(): boolean;
  /** What grows as the peer takes bytes from us. */
  progress(): number;
  /** Pings the peer. */
  sendPing(): void;
  /** The peer did not answer. */
  onLost(): void;
  /** Nobody used the connection. */
  onIdle(): void;
}

/** How often the peer's silence is looked at, within the interval after which it is pinged. */
const LOOKS = 4;

/**
 * Watches one connection. Arrivals only leave a mark; the alarm looks for it when it rings and sets
 * itself anew, so that traffic costs no timers, and no look at the clock either, which takes 40 to 100 ns
 * with each message that comes alone. What has arrived counts from the look that found it, a pong from
 * when it came: so silence is taken to be shorter than it was, by a look at most, and never to be longer.
 */
export class Keepalive implements Alarm {
  /** As an alarm. */
  due = 0;
  /** As an alarm. */
  place = -1;
  readonly #options: KeepaliveOptions;
  readonly #actions: KeepaliveActions;
  /** Whether something has arrived since the last look. */
  #heard = false;
  #silentSince = 0;
  #lastMessage = 0;
  /** When the peer was pinged that has not been heard since. */
  #pingSent: number | undefined;
  /** What had been taken from us when it was last looked, if more of it waited. */
  #sentBefore: number | undefined;

  /** Creates a watch that is still to be started. */
  constructor(options: KeepaliveOptions, actions: KeepaliveActions) {
    this.#options = options;
    this.#actions = actions;
  }

  /** The connection is open: from now on the peer can be heard. */
  start(): void {
    this.#silentSince = this.#lastMessage = this.#options.clock.now();
    this.ring();
  }

  /** Something arrived: noted without its time, since that is told of every read. */
  noteArrival(): void {
    this.#heard = true;
  }

  /** As {@linkcode noteArrival} with its time: a pong came, or it was us who did not read so far. */
  noteLife(): void {
    this.#noteLife(this.#options.clock.now());
  }

  /** A message went in either direction. */
  noteMessage(): void {
    this.#lastMessage = this.#options.clock.now();
  }

  /** Ends the watch. */
  stop(): void {
    Alarms.on(this.#options.clock).clear(this);
  }

  /** Looks whether it is time for anything, and when to look again. */
  ring(): void {
    const { clock, idleTimeout } = this.#options;
    const now = clock.now();
    const isBehind = this.#actions.isBehind();
    const wasBehind = this.#sentBefore !== undefined;
    if (this.#takesOurs(isBehind) || this.#heard) this.#noteLife(now);
    // A pong would not be read, so none is expected, but that something is taken where it was not before;
    // and a ping finds out where the transport is lost.
    else if (!(isBehind && wasBehind) && this.#actions.isBlocked()) this.#pingSent = undefined;

    let due = Infinity;
    if (idleTimeout > 0) {
      due = this.#lastMessage + idleTimeout;
      if (due <= now) return this.#actions.onIdle();
    }
    const pingDue = this.#checkPeer(now);
    if (pingDue === undefined) return;
    due = Math.min(due, pingDue);
    if (due !== Infinity) Alarms.on(clock).set(this, due);
  }

  #noteLife(now: number): void {
    this.#heard = false;
    this.#silentSince = now;
    this.#pingSent = undefined;
  }

  /**
   * Whether the peer shows life by taking what waits for it, which holds back our ping as well. One that
   * takes nothing and is not read has gone, or is up to no good.
   */
  #takesOurs(isBehind: boolean): boolean {
    const before = this.#sentBefore;
    const sent = this.#actions.progress();
    this.#sentBefore = isBehind ? sent : undefined;
    return before !== undefined && (!isBehind || sent > before);
  }

  /** When to look at the peer again; `undefined` if it is given up. */
  #checkPeer(now: number): number | undefined {
    const { pingInterval, pingTimeout } = this.#options;
    if (pingInterval === 0) return Infinity;
    const nextLook = now + this.#lookInterval;
    if (this.#pingSent !== undefined && pingTimeout > 0) {
      const due = this.#pingSent + pingTimeout;
      if (due > now) return Math.min(due, nextLook);
      this.#actions.onLost();
      return undefined;
    }
    const due = this.#silentSince + pingInterval;
    if (due > now) return Math.min(due, nextLook);
    this.#actions.sendPing();
    this.#pingSent = this.#silentSince = now;
    return Math.min(nextLook, pingTimeout > 0 ? now + pingTimeout : Infinity);
  }

  /** Milliseconds; no timer is finer than one. */
  get #lookInterval(): number {
    return Math.max(1, this.#options.pingInterval / LOOKS);
  }
}
