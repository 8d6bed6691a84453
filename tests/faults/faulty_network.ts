/**
 * Two byte transports with a bad network between them: it delays, splits, merges, stalls, cuts and
 * falls silent, all by a seed, one event at a time.
 *
 * It also sees to it that the transports are used as their contract allows, and notes where not.
 */

import type { ByteTransport, TransportSink } from "../../src/connection/transport.ts";
import type { Clock } from "../../src/types.ts";
import type { Random } from "../fuzz/random.ts";

/** How a connection is killed once so many bytes have reached one end. */
export interface Kill {
  /** The end: 0 or 1. */
  readonly end: 0 | 1;
  /** The bytes that reach it before. */
  readonly after: number;
  /**
   * `reset`: both ends are told of a loss. `half`: the end is told that its peer has ended its
   * direction, what is still under way to it is lost, and the peer is told nothing. `vanish`: the same,
   * and the peer is lost. `silence`: nothing reaches either end any more, and neither is told.
   */
  readonly how: typeof KILLS[number];
}

/** The ways to kill a connection. */
export const KILLS = ["reset", "half", "vanish", "silence"] as const;

/** How bad a network is. */
export interface Faults {
  /** The most bytes that arrive at a time. */
  readonly maxPiece: number;
  /** Bytes that may be under way in one direction before writes wait. */
  readonly capacity: number;
  /** One event in so many is a stall of one direction, for up to 300 ms; 0 for none. */
  readonly stalls: number;
  readonly kill?: Kill | undefined;
}

/** A network of two ends. */
export class FaultyNetwork {
  readonly ends: readonly [FaultyEnd, FaultyEnd];
  /** What was done against the contract of `ByteTransport`. */
  readonly complaints: string[] = [];
  /** Whether the connection was killed. */
  killed = false;
  readonly random: Random;
  readonly faults: Faults;
  readonly #clock: Clock;

  constructor(faults: Faults, random: Random, clock: Clock) {
    this.faults = faults;
    this.random = random;
    this.#clock = clock;
    this.ends = [new FaultyEnd(this, "end 0"), new FaultyEnd(this, "end 1")];
    this.ends[0].peer = this.ends[1];
    this.ends[1].peer = this.ends[0];
  }

  /** Lets one thing happen; `false` where nothing can. */
  step(): boolean {
    this.#killWhereDue();
    const events = this.ends.flatMap((end) => end.possibleEvents());
    if (events.length === 0) return false;
    const { stalls } = this.faults;
    if (stalls > 0 && this.random.chance(stalls)) {
      const end = this.random.pick(this.ends);
      end.stalled = true;
      this.#clock.setTimeout(() => end.stalled = false, this.random.between(1, 300));
      return true;
    }
    this.random.pick(events)();
    return true;
  }

  /** Bytes that may reach an end before the kill. */
  allowance(end: FaultyEnd): number {
    const { kill } = this.faults;
    if (kill === undefined || this.killed || this.ends[kill.end] !== end) return Infinity;
    return kill.after - end.delivered;
  }

  #killWhereDue(): void {
    const { kill } = this.faults;
    if (kill === undefined || this.killed) return;
    const end = this.ends[kill.end];
    if (end.delivered < kill.after) return;
    this.killed = true;
    switch (kill.how) {
      case "reset":
        end.lose();
        end.peer.lose();
        break;
      case "half":
        end.cutInbound();
        break;
      case "vanish":
        end.cutInbound();
        end.peer.lose();
        break;
      case "silence":
        end.silent = end.peer.silent = true;
    }
  }
}

/** One end. */
export class FaultyEnd implements ByteTransport {
  readonly remoteAddress = undefined;
  readonly supportsNoDelay = true;
  peer!: FaultyEnd;
  /** Bytes that have reached this end. */
  delivered = 0;
  stalled = false;
  silent = false;
  closed = false;
  readonly #network: FaultyNetwork;
  readonly #name: string;
  #sink: TransportSink | undefined;
  #inbound: number[] = [];
  /** Whether the peer's end is behind what is inbound, and what else comes is dropped. */
  #inboundEnds = false;
  #inboundCut = false;
  #eofDelivered = false;
  #paused = false;
  #writing: { readonly chunk: Uint8Array; readonly copy: Uint8Array; at: number } | undefined;
  #writeEnded = false;
  #lossDue = false;

  constructor(network: FaultyNetwork, name: string) {
    this.#network = network;
    this.#name = name;
  }

  /** Whether nothing is kept open: it was closed, or both directions have ended. */
  get released(): boolean {
    return this.closed || (this.#writeEnded && this.#eofDelivered);
  }

  // The transport ----------------------------------------------------------------------------

  attach(sink: TransportSink): void {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#writing !== undefined) this.#complain("a write while another is under way");
    if (this.closed || this.#writeEnded) this.#complain("a write after the end");
    this.#writing = { chunk, copy: chunk.slice(), at: 0 };
    // As a kernel does, it takes what it has room for at once, or has not come to look yet.
    if (this.#network.random.chance(2)) return this.#takeWrite();
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  closeWrite(): void {
    if (this.closed) this.#complain("closeWrite after close");
    this.#writeEnded = true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#writing = undefined;
    // As TCP has it: whoever closes with bytes unread resets the connection.
    if (this.#inbound.length > 0 && !this.silent) this.peer.lose();
    this.#inbound = [];
    this.#writeEnded = true;
  }

  setNoDelay(): void {}

  // The network ------------------------------------------------------------------------------

  /** What can happen to this end now. */
  possibleEvents(): (() => void)[] {
    const sink = this.#sink;
    if (this.closed || sink === undefined) return [];
    if (this.#lossDue) return [() => this.#deliverLoss()];
    if (this.silent) return [];
    const events: (() => void)[] = [];
    if (this.#writing !== undefined && this.#room > 0) {
      events.push(() => {
        if (this.#takeWrite()) sink.drained();
      });
    }
    if (this.stalled) return events;
    const ready = Math.min(this.#inbound.length, this.#network.allowance(this));
    if (ready > 0 && !this.#paused) events.push(() => this.#deliver(ready));
    if (this.#inbound.length === 0 && this.#peerEnded && !this.#eofDelivered) {
      events.push(() => {
        this.#eofDelivered = true;
        sink.receiveEof();
      });
    }
    return events;
  }

  /** The connection is lost for this end, and what was under way to it. */
  lose(): void {
    this.#inbound = [];
    if (!this.closed) this.#lossDue = true;
  }

  /** What is under way to this end is lost, and its peer seems to have ended. */
  cutInbound(): void {
    this.#inbound = [];
    this.#inboundEnds = true;
    this.#inboundCut = true;
  }

  get #peerEnded(): boolean {
    return this.#inboundEnds || (this.peer.#writeEnded && this.peer.#writing === undefined);
  }

  get #room(): number {
    return this.#network.faults.capacity - this.peer.#inbound.length;
  }

  #takeWrite(): boolean {
    const writing = this.#writing!;
    const end = Math.min(writing.chunk.length, writing.at + this.#room);
    if (this.peer.closed) {
      // The peer's host answers what comes for a closed socket with a reset.
      if (!this.silent) this.#lossDue = true;
      writing.at = writing.chunk.length;
    } else {
      for (; writing.at < end; writing.at++) {
        if (!this.peer.#inboundCut) this.peer.#inbound.push(writing.copy[writing.at]!);
      }
    }
    if (writing.at < writing.chunk.length) return false;
    if (writing.chunk.some((byte, i) => byte !== writing.copy[i])) {
      this.#complain("a chunk was changed while it was lent");
    }
    this.#writing = undefined;
    return true;
  }

  #deliver(ready: number): void {
    const { random, faults } = this.#network;
    const size = random.between(1, Math.min(ready, faults.maxPiece));
    const chunk = Uint8Array.from(this.#inbound.splice(0, size));
    this.delivered += size;
    this.#sink!.receive(chunk);
    // It was lent until now.
    chunk.fill(0xee);
  }

  #deliverLoss(): void {
    const sink = this.#sink!;
    this.#lossDue = false;
    this.closed = true;
    this.#writing = undefined;
    sink.lost(new Error("Connection reset by peer"));
  }

  #complain(what: string): void {
    this.#network.complaints.push(`${this.#name}: ${what}`);
  }
}

interface Timeout {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that jumps from one timeout to the next. */
export class JumpingClock implements Clock {
  #now = 0;
  #timeouts: Timeout[] = [];

  now(): number {
    return this.#now;
  }

  /** Timeouts that are set. */
  get pending(): number {
    return this.#timeouts.length;
  }

  setTimeout(callback: () => void, delay: number): unknown {
    const timeout = { due: this.#now + delay, callback };
    this.#timeouts.push(timeout);
    return timeout;
  }

  clearTimeout(id: unknown): void {
    this.#timeouts = this.#timeouts.filter((timeout) => timeout !== id);
  }

  /** Goes to the next timeout and runs it; `false` where there is none. */
  jump(): boolean {
    const next = this.#timeouts.reduce<Timeout | undefined>(
      (first, timeout) => first === undefined || timeout.due < first.due ? timeout : first,
      undefined,
    );
    if (next === undefined) return false;
    this.clearTimeout(next);
    this.#now = next.due;
    next.callback();
    return true;
  }
}
