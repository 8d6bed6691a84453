/** Pings on their way, and the pongs that answer them (RFC 6455 sections 5.5.2 and 5.5.3). */

import { copyOf } from "../bytes.ts";

interface PendingPing {
  readonly payload: Uint8Array;
  readonly sentAt: number;
  /** Whether nobody waits for it. */
  readonly unasked: boolean;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Up to so many pings are compared one by one. */
const FEW = 16;

/** Matches pongs to pings. */
export class Pings {
  #pending: PendingPing[] = [];
  /** The payloads of the pending pings, where they are more than a few and a pong was looked up. */
  #payloads: Set<string> | undefined;
  #counter = 0;

  /** A payload that no other ping of this connection has. */
  nextPayload(): Uint8Array {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, this.#counter++);
    return payload;
  }

  /** Waits for the pong to a ping sent now; resolves with the round trip in milliseconds. */
  wait(payload: Uint8Array, now: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const mine = copyOf(payload);
      this.#push({ payload: mine, sentAt: now, unasked: false, resolve, reject });
    });
  }

  /**
   * A ping that nobody waits for was sent. Of those only the latest is remembered, whose pong may
   * answer the ones before as well: a peer may answer none of them.
   */
  note(payload: Uint8Array): void {
    this.#pending = this.#pending.filter(({ unasked }) => !unasked);
    this.#push({ payload, sentAt: 0, unasked: true, resolve: ignore, reject: ignore });
  }

  /**
   * A pong arrived: settles its ping and, since a peer may answer only the latest, all earlier
   * ones.
   */
  settle(payload: Uint8Array, now: number): void {
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    // Most pongs answer the oldest ping. `#payloads` may name it for longer, which costs a needless
    // search at most.
    if (equal(oldest.payload, payload)) {
      this.#pending.shift();
      return oldest.resolve(now - oldest.sentAt);
    }
    if (!this.#mayHave(payload)) return;
    const index = this.#pending.findIndex((ping) => equal(ping.payload, payload));
    this.#payloads = undefined;
    for (const ping of this.#pending.splice(0, index + 1)) ping.resolve(now - ping.sentAt);
  }

  /**
   * `false` where no ping has this payload. A peer may leave any number of pings unanswered, and
   * send pongs that match none of them at no cost: each must not be compared with all.
   */
  #mayHave(payload: Uint8Array): boolean {
    if (this.#pending.length <= FEW) return true;
    this.#payloads ??= new Set(this.#pending.map((ping) => keyOf(ping.payload)));
    return this.#payloads.has(keyOf(payload));
  }

  #push(ping: PendingPing): void {
    this.#pending.push(ping);
    this.#payloads = undefined;
  }

  /** No pong will come any more. */
  rejectAll(error: unknown): void {
    this.#payloads = undefined;
    for (const ping of this.#pending.splice(0)) ping.reject(error);
  }
}

function ignore(): void {}

function keyOf(payload: Uint8Array): string {
  return String.fromCharCode(...payload);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
