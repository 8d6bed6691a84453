/** The body of a response that refuses the handshake, as far as it is wanted. */

import { trimSpace } from "../handshake/header_values.ts";
import { fieldValues, type ResponseHead } from "../handshake/http1.ts";
import { type BodyDecoder, type BodyFraming, createBodyDecoder } from "../http/body_decoder.ts";
import { EarlyBytes } from "../http/early_bytes.ts";

/** Gathers a body as its bytes arrive. */
export class ResponseBody {
  readonly #bytes = new EarlyBytes();
  readonly #decoder: BodyDecoder;
  /** Whether it is the end of the connection that ends the body. */
  readonly #unbounded: boolean;
  /** Bytes still to be kept. */
  #wanted: number;
  #ended = false;
  #violation: string | undefined;

  /** `limit`: bytes after which the rest is not wanted. */
  constructor(head: ResponseHead, limit: number) {
    this.#wanted = limit;
    const framing = responseFraming(head);
    if (framing === undefined) this.#violation = "The Content-Length of the response is malformed";
    this.#unbounded = framing === Infinity;
    this.#decoder = createBodyDecoder(framing ?? 0);
  }

  /** Whether there is nothing more to wait for. */
  get done(): boolean {
    return this.#ended || this.#violation !== undefined || this.#wanted === 0 ||
      this.#decoder.done;
  }

  /** What is wrong with the body; what came before that is kept. */
  get violation(): string | undefined {
    return this.#violation;
  }

  /** Takes bytes; the chunk is overwritten. Bytes after the end are ignored. */
  receive(chunk: Uint8Array): void {
    if (this.done) return;
    const length = this.#decoder.decode(chunk);
    this.#violation = this.#decoder.violation;
    const kept = Math.min(length, this.#wanted);
    this.#bytes.push(chunk.subarray(0, kept));
    this.#wanted -= kept;
  }

  /** The peer ended its direction. */
  receiveEof(): void {
    if (!this.done && !this.#unbounded) {
      this.#violation = "The body of the response is incomplete";
    }
    this.#ended = true;
  }

  /** Hands out what was kept. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.take().slice();
  }
}

/** `undefined` where the length is malformed. */
function responseFraming(head: ResponseHead): BodyFraming | undefined {
  if (head.status === 204 || head.status === 304) return 0;
  const codings = fieldValues(head.fields, "transfer-encoding");
  if (codings.length > 0) {
    const onlyChunked = codings.length === 1 && codings[0]!.toLowerCase() === "chunked";
    // Another coding, which we have not asked for, is passed on as it is.
    return onlyChunked ? "chunked" : Infinity;
  }
  // The same length may be there several times (RFC 9112 section 6.3).
  const [length, ...others] = new Set(
    fieldValues(head.fields, "content-length").join().split(",").map(trimSpace),
  );
  if (length === "" && others.length === 0) return Infinity;
  if (others.length > 0 || !/^[0-9]{1,15}$/.test(length!)) return undefined;
  return Number(length);
}
