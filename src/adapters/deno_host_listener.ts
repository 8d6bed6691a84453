/** Listening on Deno. */

import type { Acceptor, Listener } from "../server/listener.ts";
import type { ListenTarget } from "../server/serve_options.ts";
import type { AcceptLoop, DenoListener } from "./deno_accept.ts";
import { toAddress } from "./deno_address.ts";

/** A listener of Deno's. Clients that connect before {@linkcode start} wait in the system's queue. */
export class DenoHostListener implements Listener {
  /** Where it listens. */
  readonly address: Listener["address"];
  readonly #listener: DenoListener;
  readonly #noDelay: boolean;
  #loop: AcceptLoop | undefined;
  #refed = true;
  #closed = false;

  /** Begins to listen; throws Deno's error where it cannot. */
  constructor(target: ListenTarget) {
    this.#listener = openListener(target);
    this.#noDelay = target.noDelay;
    this.address = toAddress(this.#listener.addr)!;
  }

  /** Loads what accepts, and begins to. */
  async start(acceptor: Acceptor): Promise<void> {
    const { AcceptLoop } = await import("./deno_accept.ts");
    if (this.#closed) return;
    this.#loop = new AcceptLoop(this.#listener, acceptor, this.#noDelay);
    if (!this.#refed) this.#loop.unref();
    void this.#loop.run();
  }

  /** Accepts nothing more. */
  close(): void {
    this.#closed = true;
    this.#loop?.stop();
    this.#listener.close();
  }

  /** Keeps the process alive. */
  ref(): void {
    this.#refed = true;
    this.#listener.ref();
    this.#loop?.ref();
  }

  /** Lets the process end. */
  unref(): void {
    this.#refed = false;
    this.#listener.unref();
    this.#loop?.unref();
  }
}

function openListener({ port, hostname, path, certificate }: ListenTarget): DenoListener {
  if (path !== undefined) return Deno.listen({ transport: "unix", path });
  if (certificate === undefined) return Deno.listen({ port, hostname });
  return Deno.listenTls({ port, hostname, ...certificate, alpnProtocols: ["http/1.1"] });
}
