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
  /** Whether we do not read at present, so that silence says nothing about the peer. */
  isBlocked(): boolean;
  /** Whether something of ours waits for the peer to take it. */
  isBehind(): boolean;
  /** A number that grows as the peer takes bytes from us. */
  progress(): number;
  /** Pings the peer. */
  sendPing(): void;
  /** The peer did not answer. */
  onLost(): void;
  /** Nobody used the connection. */
  onIdle(): void;
}

/** How often the peer's silence is looked at within the interval after which it is pinged. */
const LOOKS = 4;

/**
 * Watches one connection. Arrivals only leave a mark; the alarm looks for it when it rings, and is
 * set again. So traffic costs no timers, and no look at the clock, which takes 40 to 100 ns with
 * each message that comes alone. An arrival counts from the look that found it, a pong from when it
 * came: so silence is never taken to be longer than it was, and shorter only by the time between
 * two looks.
 */
export class Keepalive implements Alarm {
  /** See {@linkcode Alarm}. */
  due = 0;
  /** See {@linkcode Alarm}. */
  place = -1;
  readonly #options: KeepaliveOptions;
  readonly #actions: KeepaliveActions;
  /** Whether something has arrived since the last look. */
  #heard = false;
  #silentSince = 0;
  #lastMessage = 0;
  /** When the peer was pinged, if it has not been heard since. */
  #pingSent: number | undefined;
  /** What the peer had taken from us at the last look, if more was waiting. */
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

  /** Something arrived. Called for each read, so its time is not noted. */
  noteArrival(): void {
    this.#heard = true;
  }

  /**
   * Like {@linkcode noteArrival}, but with the time: a pong came, or we have not been reading until
   * now.
   */
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
    // While we do not read, a pong would not be seen: none is waited for, unless the peer also
    // takes nothing of what has been waiting. We ping all the same, since that reveals a lost
    // transport.
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
   * Whether the peer shows life by taking what waits for it, behind which our ping waits as well.
   * One that takes nothing while we do not read has gone, or is up to no good.
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
      // Where this look comes late, it is we who stood still, and a pong may wait to be read.
      if (now - this.due > this.#lookInterval) this.#pingSent = now;
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
