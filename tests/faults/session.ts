/** A session of our client and our server over a bad network, and what must hold however it ends. */

import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import type { CloseInfo, ConnectionOptions, Message } from "../../src/types.ts";
import type { FaultyNetwork, JumpingClock } from "./faulty_network.ts";

/** Short, and all of them on: nothing may outlast them. Milliseconds. */
export const TIMES = { pingInterval: 1_000, pingTimeout: 1_000, closeTimeout: 500 } as const;

/** What is still pending so many milliseconds after the network's last event hangs. */
export const PATIENCE = 5_000;

/** Promises, by name, and how they ended. */
export class Ledger {
  readonly #pending = new Map<string, number>();
  readonly failures: unknown[] = [];

  /** Waits for a promise, which may reject only in the way that the end of a connection explains. */
  track<T>(name: string, promise: Promise<T>): Promise<T | undefined> {
    this.#pending.set(name, (this.#pending.get(name) ?? 0) + 1);
    return promise.catch((error) => {
      if (!(error instanceof WebSocketClosedError)) this.failures.push(error);
      return undefined;
    }).finally(() => {
      const left = this.#pending.get(name)! - 1;
      if (left === 0) this.#pending.delete(name);
      else this.#pending.set(name, left);
    });
  }

  /** The names of those that are still pending. */
  get pending(): string[] {
    return [...this.#pending.keys()];
  }
}

/** What one side saw. */
export class Side {
  readonly received: Message[] = [];
  readonly sent: Message[] = [];
  info: CloseInfo | undefined;
  /** How the iteration ended, where there was one. */
  iterationError: unknown;
}

/** What a session does besides. */
export interface SessionPlan {
  /** What the client sends, and the server sends back. */
  readonly messages: readonly Message[];
  /** Whether the client pings with each message. */
  readonly pings: boolean;
}

/** A client that sends messages, a server that answers each with itself, and a close by the client. */
export class Session {
  readonly ledger: Ledger = new Ledger();
  readonly client: Side = new Side();
  readonly server: Side = new Side();
  readonly #plan: SessionPlan;

  constructor(plan: SessionPlan) {
    this.#plan = plan;
  }

  /** Begins the client's part. */
  runClient(connection: WebSocketConnection): void {
    const { ledger, client } = this;
    const { messages, pings } = this.#plan;
    for (const message of messages) {
      client.sent.push(message);
      void ledger.track("client send", connection.send(message));
      if (pings) void ledger.track("client ping", connection.ping());
    }
    const receive = async (): Promise<void> => {
      for (;;) {
        if (client.received.length === messages.length) {
          void ledger.track("client close", connection.close(4_000, "done"));
        }
        const message = await connection.receive();
        if (message === null) return;
        client.received.push(message);
      }
    };
    void ledger.track("client receive", receive());
    void ledger.track("client closed", connection.closed.then((info) => client.info = info));
  }

  /** Begins the server's part. */
  runServer(connection: WebSocketConnection): void {
    const { ledger, server } = this;
    const echo = async (): Promise<void> => {
      try {
        for await (const message of connection) {
          server.received.push(message);
          server.sent.push(message);
          await connection.send(message);
        }
      } catch (error) {
        server.iterationError = error;
        throw error;
      }
    };
    void ledger.track("server iteration", echo());
    void ledger.track("server closed", connection.closed.then((info) => server.info = info));
  }

  /** What holds whatever the network did. */
  check(network: FaultyNetwork, clock: JumpingClock): void {
    assertEquals(network.complaints, []);
    assertEquals(this.ledger.failures, [], "a promise rejected in a way that nothing explains");
    for (const end of network.ends) assert(end.released, "a transport is left open");
    assertEquals(clock.pending, 0, "a timeout is left");
    assertPrefix(this.server.received, this.client.sent, "to the server");
    assertPrefix(this.client.received, this.server.sent, "to the client");
    const { info, iterationError } = this.server;
    if (info !== undefined) {
      // Where the peer's Close came, our answer may have been cut: that takes nothing from what came.
      if (info.wasClean) assertEquals(iterationError, undefined, "how the iteration ended");
      if (info.code === 1_006) assert(iterationError !== undefined, "how the iteration ended");
    }
    if (info?.wasClean && info.code === 4_000) {
      assertEquals(this.server.received.length, this.client.sent.length, "cut short in silence");
    }
  }

  /** What holds besides where nothing was lost. */
  checkWhole(): void {
    for (const { info } of [this.client, this.server]) {
      assertEquals([info?.code, info?.reason, info?.wasClean], [4_000, "done", true]);
    }
    assertEquals(this.server.received.length, this.client.sent.length);
    assertEquals(this.client.received.length, this.client.sent.length);
  }
}

function assertPrefix(received: readonly Message[], sent: readonly Message[], where: string): void {
  assert(received.length <= sent.length, `${where}: more messages than were sent`);
  received.forEach((message, i) => {
    const same = typeof message === "string"
      ? message === sent[i]
      : sent[i] instanceof Uint8Array && equalBytes(message, sent[i]);
    assert(same, `${where}: message ${i} is not the one that was sent`);
  });
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** How a network is driven. */
export interface DriveOptions {
  readonly network: FaultyNetwork;
  readonly clock: JumpingClock;
  readonly ledger: Ledger;
  /** Lets what waits for nothing but its turn run. */
  readonly turn?: () => Promise<void>;
}

/** Turns without an event after which nothing more is to be expected before the next timeout. */
const QUIET_TURNS = 3;

/**
 * Lets the network do what it can, and time pass when it can do nothing, until all promises are settled
 * and nothing is left to happen.
 */
export async function drive(
  { network, clock, ledger, turn = nextTurn }: DriveOptions,
): Promise<void> {
  let lastEvent = clock.now();
  for (let quiet = 0;;) {
    await turn();
    if (network.step()) {
      quiet = 0;
      lastEvent = clock.now();
    } else if (++quiet > QUIET_TURNS) {
      const waited = clock.now() - lastEvent;
      if (waited > PATIENCE || !clock.jump()) {
        if (ledger.pending.length === 0) return;
        throw new Error(`Still pending after ${waited} ms: ${ledger.pending.join(", ")}`);
      }
      quiet = 0;
    }
  }
}

/** Lets what waits for nothing but its turn run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Options of a connection under test. */
export function optionsWith(clock: JumpingClock): ConnectionOptions {
  return { ...TIMES, clock };
}
