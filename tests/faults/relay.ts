/**
 * A TCP relay that is a bad network: it delays, splits and merges what it carries, and breaks
 * connections if it is to. As a program: `relay.ts PORT SEED [breaks]`; it prints the port that it
 * listens on, and ends with its input.
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import { Random } from "../fuzz/random.ts";

/** How a connection can be broken, once so many bytes have gone one way. */
export const BREAKS = [
  /** Both ends see a reset. */
  "reset",
  /** Both ends see the other's end, and what was under way is lost. */
  "drop",
  /** The receiver sees its peer's end, and gets no more; the other direction goes on. */
  "half-close",
  /** This direction goes on no more, and nobody is told. */
  "stall",
  /** Neither direction does. */
  "silence",
] as const;

/** A break. */
export interface Break {
  readonly how: typeof BREAKS[number];
  /** The direction: towards the server, or towards the client. */
  readonly towards: "server" | "client";
  /** The bytes that go there before. */
  readonly after: number;
}

/** What a relay does to a connection. */
export interface RelayPlan {
  readonly random: Random;
  readonly break?: Break | undefined;
}

/** Bytes that wait in one direction before its sender is no longer read. */
const CAPACITY = 64 * 1024;

/** What is more than this is no small exchange, and goes faster. */
const SMALL = 4 * 1024;

/** A relay that listens. */
export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, plan: (index: number) => RelayPlan) {
    let index = 0;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const server = connect({ host: "127.0.0.1", port: targetPort, allowHalfOpen: true });
      for (const socket of [client, server]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on("close", () => this.#sockets.delete(socket));
      }
      relay(client, server, plan(index++));
    });
  }

  /** Starts a relay to a port of this machine; each connection has a plan of its own. */
  static async start(targetPort: number, plan: (index: number) => RelayPlan): Promise<Relay> {
    const relay = new Relay(targetPort, plan);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  /** Sockets that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve)); // at once, if it is closed
    const sockets = Array.from(this.#sockets, (socket) => {
      const gone = new Promise((resolve) => socket.once("close", resolve));
      socket.destroy();
      return gone;
    });
    await Promise.all([closed, ...sockets]);
  }
}

/** A break at a random place, in the opening handshake as well as far behind it. */
export function randomBreak(random: Random): Break {
  return {
    how: random.pick(BREAKS),
    towards: random.pick(["server", "client"]),
    after: random.below(random.pick([150, 400, 1_000, 100_000])),
  };
}

function relay(client: Socket, server: Socket, plan: RelayPlan): void {
  const { random, break: broken } = plan;
  const toServer = new Direction(client, server, random);
  const toClient = new Direction(server, client, random);
  if (broken === undefined) return;
  const [hit, other] = broken.towards === "server" ? [toServer, toClient] : [toClient, toServer];
  hit.breakAfter(broken.after, () => {
    switch (broken.how) {
      case "reset":
        client.resetAndDestroy();
        server.resetAndDestroy();
        break;
      case "drop":
        client.destroy();
        server.destroy();
        break;
      case "half-close":
        hit.cut();
        break;
      case "stall":
        hit.stall();
        break;
      case "silence":
        hit.stall();
        other.stall();
    }
  });
}

/** What goes from one socket to another. */
class Direction {
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #random: Random;
  #waiting: Uint8Array[] = [];
  #size = 0;
  #running = false;
  #sourceEnded = false;
  #reset = false;
  #stalled = false;
  #cut = false;
  #left = Infinity;
  #onBreak: () => void = () => {};

  constructor(source: Socket, target: Socket, random: Random) {
    this.#source = source;
    this.#target = target;
    this.#random = random;
    source.on("data", (chunk: Uint8Array) => {
      if (this.#cut) return;
      this.#waiting.push(new Uint8Array(chunk));
      this.#size += chunk.length;
      if (this.#size > CAPACITY) source.pause();
      void this.#run();
    });
    source.on("end", () => {
      this.#sourceEnded = true;
      void this.#run();
    });
    source.on("error", () => this.#onReset());
    source.on("close", () => {
      if (!this.#sourceEnded) this.#onReset();
    });
  }

  /** Calls back instead of passing more than so many bytes on. */
  breakAfter(bytes: number, onBreak: () => void): void {
    this.#left = bytes;
    this.#onBreak = onBreak;
  }

  /** Passes nothing on any more, not even the end; a reset still is. */
  stall(): void {
    this.#stalled = true;
    this.#source.pause();
  }

  /** Ends the target's side, and drops what else comes. */
  cut(): void {
    this.#cut = true;
    this.#waiting = [];
    this.#size = 0;
    this.#target.end();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#size > 0) {
      await this.#delay();
      if (this.#stalled || this.#cut || this.#target.destroyed) return;
      const piece = this.#take();
      if (piece === undefined) return this.#onBreak();
      if (!this.#target.write(piece)) await drained(this.#target);
      if (this.#size < CAPACITY) this.#source.resume();
    }
    this.#running = false;
    if (this.#reset) this.#passReset();
    else if (this.#sourceEnded && !this.#stalled && !this.#cut) this.#target.end();
  }

  /** Meanwhile more may come, which is merged with what waits. */
  #delay(): Promise<void> {
    const takesTime = this.#random.chance(this.#size > SMALL ? 16 : 4);
    return new Promise((resolve) => takesTime ? setTimeout(resolve, 1) : setImmediate(resolve));
  }

  /** The next piece; `undefined` once it is time to break. */
  #take(): Uint8Array | undefined {
    const random = this.#random;
    const most = random.chance(8) ? 7 : this.#size > SMALL ? this.#size : random.pick([30, SMALL]);
    const length = Math.min(random.between(1, Math.min(most, this.#size)), this.#left);
    if (length === 0) return undefined;
    this.#left -= length;
    this.#size -= length;
    const piece = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const first = this.#waiting[0]!;
      const part = first.subarray(0, length - at);
      piece.set(part, at);
      at += part.length;
      if (part.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(part.length);
    }
    return piece;
  }

  /** What came before it is passed on first, as far as that goes on. */
  #onReset(): void {
    this.#reset = true;
    if (this.#stalled || this.#cut) this.#passReset();
    else void this.#run();
  }

  #passReset(): void {
    if (!this.#target.destroyed) this.#target.resetAndDestroy();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

if (import.meta.main) {
  const [port, seed, breaks] = process.argv.slice(2);
  await using relay = await Relay.start(Number(port), (index) => {
    const random = new Random(Number(seed) + index);
    return { random, break: breaks === "breaks" ? randomBreak(random) : undefined };
  });
  console.log(`port ${relay.port}`);
  await new Promise((resolve) => process.stdin.on("end", resolve).resume());
}
