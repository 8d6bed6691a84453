/** A TCP socket without any protocol on it. */

import { connect, type Socket } from "node:net";

/** How the other side's direction came to its end. */
export type EndOfStream = "cleanly" | "by a reset";

/** A socket that is written to, and whose bytes go to whoever is there at the time. */
export class RawSocket {
  readonly #socket: Socket;
  #onBytes: (bytes: Uint8Array) => void = () => {};
  #onEnd: (how: EndOfStream) => void = () => {};
  /** What came before anybody listened. */
  readonly #early: Uint8Array[] = [];
  #listening = false;
  #ended: EndOfStream | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      // Node's buffers may be parts of larger ones that are used again.
      const bytes = new Uint8Array(chunk);
      if (this.#listening) this.#onBytes(bytes);
      else this.#early.push(bytes);
    });
    socket.on("end", () => this.#finish("cleanly"));
    socket.on("error", () => this.#finish("by a reset"));
    socket.on("close", () => this.#finish("by a reset"));
  }

  /** Dials; rejects where nobody listens. */
  static async dial(hostname: string, port: number): Promise<RawSocket> {
    const socket = connect({ host: hostname, port, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawSocket(socket);
  }

  /** Hands on what comes, beginning with what came before. */
  listen(
    onBytes: (bytes: Uint8Array) => void,
    onEnd: (how: EndOfStream) => void,
  ): void {
    this.#listening = true;
    this.#onBytes = onBytes;
    this.#onEnd = onEnd;
    for (const bytes of this.#early.splice(0)) onBytes(bytes);
    if (this.#ended !== undefined) onEnd(this.#ended);
  }

  /** Keeps what comes for whoever listens next, `rest` first. */
  unlisten(rest: Uint8Array): void {
    this.#listening = false;
    if (rest.length > 0) this.#early.push(rest);
  }

  /** Writes; resolves when the system has taken it, or the socket is gone. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed || this.#socket.writableEnded) resolve();
      else {
        const gone = () => resolve();
        this.#socket.once("close", gone);
        this.#socket.write(bytes, () => {
          this.#socket.removeListener("close", gone);
          resolve();
        });
      }
    });
  }

  /** Ends our direction. */
  end(): void {
    if (!this.#socket.writableEnded && !this.#socket.destroyed) this.#socket.end();
  }

  /** Lets the socket go; resolves when it is gone. */
  async destroy(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.destroy();
    await closed;
  }

  #finish(how: EndOfStream): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#onEnd(how);
  }
}
