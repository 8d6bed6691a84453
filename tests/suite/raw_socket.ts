/** A socket, of TCP or TLS, without any protocol on it. */

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How the other side's direction came to its end. */
export type EndOfStream = "cleanly" | "by a reset";

/** Which certificates are good. */
export interface Trust {
  /** Authorities to trust instead of those that the runtime does, in PEM. */
  readonly ca?: string | undefined;
  /**
   * Whether any certificate will do.
   * @default false
   */
  readonly insecure?: boolean | undefined;
}

/** Where to dial. */
export interface Target {
  /** A name or an address. */
  readonly hostname: string;
  readonly port: number;
  /** For TLS. */
  readonly trust?: Trust | undefined;
}

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

  /** Dials; rejects where nobody listens, or where the certificate is no good. */
  static async dial(target: Target): Promise<RawSocket> {
    const { trust } = target;
    const socket = trust === undefined ? dialTcp(target) : dialTls(target, trust);
    await new Promise<void>((resolve, reject) => {
      socket.once(trust === undefined ? "connect" : "secureConnect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
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

function dialTcp({ hostname, port }: Target): Socket {
  return connect({ host: hostname, port, allowHalfOpen: true });
}

function dialTls({ hostname, port }: Target, { ca, insecure = false }: Trust): Socket {
  // The types that Deno has do not know it.
  const halfOpen = { allowHalfOpen: true };
  return connectTls({
    ...halfOpen,
    host: hostname,
    port,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: !insecure,
    // There are no names of addresses (RFC 6066 section 3).
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}
