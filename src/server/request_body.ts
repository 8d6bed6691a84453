/**
 * The body of a request, as it comes out of a transport.
 */

import { type BodyDecoder, type BodyFraming, createBodyDecoder } from "../http/body_decoder.ts";

/** What a body asks of the exchange that it is part of. */
export interface BodyFlow {
  /** The application waits for bytes: read on. */
  wanted(): void;
  /** The application has enough bytes: stop reading. */
  satisfied(): void;
  /** The application wants no more of them. */
  unwanted(): void;
}

/** A body that reads from the transport no more than the application asks for. */
export class RequestBody {
  /** The content. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #decoder: BodyDecoder;
  readonly #flow: BodyFlow;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #wanting = false;
  #over = false;
  #violation: TypeError | undefined;

  /** Creates the body; nothing is asked of `flow` before the stream is read. */
  constructor(framing: BodyFraming, flow: BodyFlow) {
    this.#decoder = createBodyDecoder(framing);
    this.#flow = flow;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#want(),
      cancel: () => this.#cancel(),
    }, { highWaterMark: 0 });
  }

  /** Whether the application waits for bytes. */
  get wanting(): boolean {
    return this.#wanting;
  }

  /** Whether nothing more is delivered: the body has ended, failed or been cancelled. */
  get over(): boolean {
    return this.#over;
  }

  /** What the peer did wrong, if anything: the error that whoever reads the body gets. */
  get violation(): TypeError | undefined {
    return this.#violation;
  }

  /** Takes bytes from the transport; the chunk is overwritten. */
  receive(chunk: Uint8Array): void {
    if (this.#over) return;
    const length = this.#decoder.decode(chunk);
    if (length > 0) {
      // Before the stream has the bytes, since it may ask for more from within `enqueue`.
      this.#wanting = false;
      this.#flow.satisfied();
      this.#controller.enqueue(chunk.slice(0, length));
    }
    if (this.#decoder.violation !== undefined) {
      this.#violate(this.#decoder.violation);
    } else if (this.#decoder.done) {
      this.#end();
      this.#controller.close();
    }
  }

  /** The peer ended its direction. */
  receiveEof(): void {
    if (!this.#over) this.#violate("The body of the request is incomplete");
  }

  /** Gives the body up: whoever reads it is told why. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#end();
    this.#controller.error(error);
  }

  #want(): void {
    this.#wanting = true;
    this.#flow.wanted();
  }

  #cancel(): void {
    // The stream may still have had content of a body that has ended.
    if (this.#over) return;
    this.#end();
    this.#flow.unwanted();
  }

  #violate(message: string): void {
    this.#violation = new TypeError(message);
    this.fail(this.#violation);
  }

  #end(): void {
    this.#over = true;
    this.#wanting = false;
  }
}
