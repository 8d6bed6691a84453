/** Two sockets as Workers have them, joined in memory. */

import type { WorkersSocket } from "../../src/adapters/cloudflare_types.ts";

/** One direction. A write is done when a read has asked for it. */
class Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  #input!: ReadableByteStreamController;
  #output!: WritableStreamDefaultController;
  #pulled = Promise.withResolvers<void>();
  #ended = false;

  constructor() {
    this.readable = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#input = controller),
      pull: () => this.#pulled.resolve(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => void (this.#output = controller),
      write: async (chunk) => {
        await this.#pulled.promise;
        if (this.#ended) throw new Error("Network connection lost.");
        this.#pulled = Promise.withResolvers();
        this.#input.enqueue(chunk.slice() as Uint8Array<ArrayBuffer>);
      },
      close: () => this.#end(),
    });
  }

  /** The writing side has gone: what it wrote can still be read. */
  dropWriter(): void {
    this.#output.error(new Error("The socket was closed"));
    this.#end();
  }

  /** The reading side has gone. */
  dropReader(): void {
    this.#ended = true;
    this.#input.error(new Error("The socket was closed"));
    this.#pulled.resolve();
    this.#output.error(new Error("Network connection lost."));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#input.close();
    this.#input.byobRequest?.respond(0);
    this.#pulled.resolve();
  }
}

class FakeSocket implements WorkersSocket {
  readonly opened = Promise.resolve({ remoteAddress: "192.0.2.7:4711" });
  readonly secureTransport = "off";
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #closed = Promise.withResolvers<void>();

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.readable = incoming.readable;
    this.writable = outgoing.writable;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  close(): Promise<void> {
    this.#incoming.dropReader();
    this.#outgoing.dropWriter();
    this.#closed.resolve();
    return this.closed;
  }
}

/** Makes the two. */
export function workersSocketPair(): { readonly near: WorkersSocket; readonly far: WorkersSocket } {
  const there = new Pipe();
  const back = new Pipe();
  return { near: new FakeSocket(back, there), far: new FakeSocket(there, back) };
}
