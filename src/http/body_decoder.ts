/** The bodies of HTTP/1.1 messages, as their heads delimit them (RFC 9112 section 6). */

import { ChunkedDecoder } from "./chunked_decoder.ts";

/**
 * How a body is delimited: by its length in bytes, which is `Infinity` for one up to the end of the
 * connection, or by the chunked coding.
 */
export type BodyFraming = number | "chunked";

/** Finds the content among the bytes of a body, however they are cut. */
export interface BodyDecoder {
  /** Whether all of the body has been read. */
  readonly done: boolean;
  /** What is wrong with the coding; nothing is decoded after it. */
  readonly violation: string | undefined;
  /**
   * Moves the content to the front of `chunk` and returns its length. What follows the end of the
   * body is left alone.
   */
  decode(chunk: Uint8Array): number;
}

/** Creates the decoder for one body. */
export function createBodyDecoder(framing: BodyFraming): BodyDecoder {
  return framing === "chunked" ? new ChunkedDecoder() : new LengthDecoder(framing);
}

/** A body of a length known beforehand, where nothing can be wrong. */
class LengthDecoder implements BodyDecoder {
  readonly violation: undefined;
  #remaining: number;

  constructor(length: number) {
    this.#remaining = length;
  }

  get done(): boolean {
    return this.#remaining === 0;
  }

  decode(chunk: Uint8Array): number {
    const length = Math.min(chunk.length, this.#remaining);
    this.#remaining -= length;
    return length;
  }
}
