/** A client of which each byte is in a test's hand, and bytes for it to send. */

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";

/** A request for a WebSocket. */
export const UPGRADE: string = "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/** A masked text message "Hi", the mask being zero. */
export const HI = "\x81\x82\0\0\0\0Hi";
/** The echo of {@linkcode HI}. */
export const HI_ECHOED = "\x81\x02Hi";
/** The client's half of a closing handshake with 1001. */
export const CLOSE_ANSWER = "\x88\x82\0\0\0\0\x03\xe9";

/** A file of the certificate authority of the tests. */
export function pem(name: string): string {
  return readFileSync(new URL(`../deps/tls/${name}.pem`, import.meta.url), "utf8");
}

/** A client that is told byte by byte what to send. Text stands for bytes, one each. */
export class RawClient {
  readonly #socket: Socket;
  #received = "";
  #ended = false;
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#received += text;
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("end", end).on("close", end).on("error", end);
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  end(): void {
    this.#socket.end();
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.closed) resolve();
    this.#socket.on("close", () => resolve());
    this.#socket.destroy();
    return promise;
  }

  /** All that came, once it ends in `text` or the server has ended. */
  async receive(text?: string): Promise<string> {
    while (!this.#ended && (text === undefined || !this.#received.includes(text))) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.#received;
  }
}
