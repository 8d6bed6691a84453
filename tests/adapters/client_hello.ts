/** The first thing that a TLS client says (RFC 8446 section 4.1.2), as far as tests look at it. */

import { createServer } from "node:net";

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** Reads numbers and vectors, one after the other. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(size: number): number {
    return this.bytes(size).reduce((number, byte) => number * 256 + byte, 0);
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("The ClientHello is cut short");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** What has its length in front of it, in so many bytes. */
  vector(lengthSize: number): Reader {
    return new Reader(this.bytes(this.number(lengthSize)));
  }
}

/**
 * The server names that a ClientHello asks for, `undefined` where it has no such extension (RFC 6066
 * section 3). Throws a `RangeError` where more of it is to come.
 */
export function readServerNames(bytes: Uint8Array): string[] | undefined {
  const records = new Reader(bytes);
  if (records.number(1) !== HANDSHAKE) throw new TypeError("This is no handshake of TLS");
  records.bytes(2);
  const message = records.vector(2);
  if (message.number(1) !== CLIENT_HELLO) throw new TypeError("This is no ClientHello");
  const hello = message.vector(3);
  // The version and the random, then the session, the cipher suites and the compression methods.
  hello.bytes(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  const extensions = hello.vector(2);
  while (!extensions.done) {
    const type = extensions.number(2);
    const extension = extensions.vector(2);
    if (type === SERVER_NAME) return readNames(extension.vector(2));
  }
  return undefined;
}

function readNames(list: Reader): string[] {
  const names: string[] = [];
  while (!list.done) {
    if (list.number(1) !== HOST_NAME) throw new TypeError("This is no name of a host");
    const name = list.vector(2);
    let text = "";
    while (!name.done) text += String.fromCharCode(name.number(1));
    names.push(text);
  }
  return names;
}

/** A server that hears a ClientHello and hangs up. */
export interface HelloListener {
  readonly port: number;
  /** The server names of the first that comes. */
  readonly serverNames: Promise<string[] | undefined>;
  stop(): void;
}

/** Listens for one. */
export async function listenForHello(hostname: string): Promise<HelloListener> {
  const { promise, resolve, reject } = Promise.withResolvers<string[] | undefined>();
  const server = createServer((socket) => {
    let heard: Uint8Array = new Uint8Array(0);
    socket.on("error", () => {});
    socket.on("close", () => reject(new Error("The client has gone without a ClientHello")));
    socket.on("data", (chunk) => {
      heard = Uint8Array.from([...heard, ...chunk]);
      try {
        resolve(readServerNames(heard));
      } catch (error) {
        if (error instanceof RangeError) return;
        reject(error);
      }
      socket.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, hostname, listening));
  const { port } = server.address() as { readonly port: number };
  return { port, serverNames: promise, stop: () => void server.close() };
}
