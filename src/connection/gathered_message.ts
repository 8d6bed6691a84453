/** A message that is sent in fragments and leaves whole, where the host cannot send fragments. */

import { copyOf } from "../bytes.ts";

/** Gathers the fragments of one message. */
export class GatheredMessage {
  /** Whether to compress it, as it was asked for. */
  readonly compress: boolean | undefined;
  readonly #type: "text" | "binary";
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  /** Creates a message without fragments. */
  constructor(type: "text" | "binary", compress: boolean | undefined) {
    this.#type = type;
    this.compress = compress;
  }

  /** The bytes gathered so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes a copy of the next fragment. */
  push(piece: Uint8Array): void {
    this.#pieces.push(copyOf(piece));
    this.#size += piece.length;
  }

  /** The message as it is sent, text as a string. */
  whole(): string | Uint8Array {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    if (this.#type === "binary") return bytes;
    // A byte order mark is part of the message.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }
}
