/**
 * Finding out that a peer has gone, or that nobody uses the connection: one timer for both.
 */

import type { Clock } from "../types.ts";

/** When to act; milliseconds, 0 for never. */
export interface KeepaliveOptions {
  /** Silence after which the peer is pinged. */
  readonly pingInterval: number;
  /** Silence after the ping after which it is given up. */
  readonly pingTimeout: number;
  /** Time without a message after which the connection is not needed any more. */
  readonly idleTimeout: number;
  /** The source of time. */
  readonly clock: Clock;
}

/** What is done when it is time. */
export interface KeepaliveActions {
  /** Whether we ourselves do not read at present, so that silence tells nothing of the peer. */
  isBlocked(): boolean;
  /** Pings the peer. */
  sendPing(): void;
  /** The peer did not answer. */
  onLost(): void;
  /** Nobody used the connection. */
  onIdle(): void;
}

/**
 * Watches one connection. Arrivals only note the time; the timer looks at the notes when it fires
 * and sets itself anew, so that traffic costs no timers.
 */
export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #actions: KeepaliveActions;
  #lastArrival: number;
  #lastMessage: number;
  #pingSent: number | undefined;
  #timer: unknown;

  /** Starts the watch. */
  constructor(options: KeepaliveOptions, actions: KeepaliveActions) {
    this.#options = options;
    this.#actions = actions;
    this.#lastArrival = this.#lastMessage = options.clock.now();
    this.#check();
  }

  /** Something arrived. */
  noteArrival(): void {
    this.#lastArrival = this.#options.clock.now();
  }

  /** A message went in either direction. */
  noteMessage(): void {
    if (this.#options.idleTimeout > 0) this.#lastMessage = this.#options.clock.now();
  }

  /** Ends the watch. */
  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #check = (): void => {
    const { clock, idleTimeout } = this.#options;
    const now = clock.now();
    if (this.#actions.isBlocked()) this.#lastArrival = now;

    let due = Infinity;
    if (idleTimeout > 0) {
      due = this.#lastMessage + idleTimeout;
      if (due <= now) return this.#actions.onIdle();
    }
    const pingDue = this.#checkPeer(now);
    if (pingDue === undefined) return;
    due = Math.min(due, pingDue);
    if (due !== Infinity) this.#timer = clock.setTimeout(this.#check, due - now);
  };

  /** When to look at the peer again; `undefined` if it is given up. */
  #checkPeer(now: number): number | undefined {
    const { pingInterval, pingTimeout } = this.#options;
    if (pingInterval === 0) return Infinity;
    if (this.#pingSent !== undefined && pingTimeout > 0 && this.#lastArrival < this.#pingSent) {
      const due = this.#pingSent + pingTimeout;
      if (due > now) return due;
      this.#actions.onLost();
      return undefined;
    }
    const silentSince = Math.max(this.#lastArrival, this.#pingSent ?? 0);
    if (silentSince + pingInterval > now) return silentSince + pingInterval;
    this.#actions.sendPing();
    this.#pingSent = now;
    return now + (pingTimeout > 0 ? Math.min(pingTimeout, pingInterval) : pingInterval);
  }
}
