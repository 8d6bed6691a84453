/**
 * permessage-deflate at work (RFC 7692 section 7.2): messages in, compressed messages out, with the
 * parameters that the handshake agreed on.
 */

import { Deflater } from "../deflate/deflate.ts";
import { type FinishedMessage, Inflater, type InflateStatus } from "../deflate/inflate.ts";
import type { PermessageDeflateParameters } from "./permessage_deflate_negotiation.ts";

/** What was agreed, and what this side chose for itself. */
export interface PermessageDeflateInit {
  /** What the handshake agreed on. */
  readonly parameters: PermessageDeflateParameters;
  /** The effort, 1 to 9. */
  readonly level: number;
  /** Messages of fewer bytes go out uncompressed. */
  readonly threshold: number;
}

/** Decompresses the messages of the peer, one after the other. */
export class Decompressor {
  readonly #inflater: Inflater;
  readonly #keepWindow: boolean;

  /** Creates a decompressor for the role of this endpoint. */
  constructor(role: "server" | "client", parameters: PermessageDeflateParameters) {
    const fromClient = role === "server";
    this.#keepWindow =
      !(fromClient ? parameters.clientNoContextTakeover : parameters.serverNoContextTakeover);
    this.#inflater = new Inflater({
      windowBits: fromClient ? parameters.clientMaxWindowBits : parameters.serverMaxWindowBits,
    });
  }

  /** Feeds a piece of a message; what comes out may have `maxLength` bytes in all. */
  push(piece: Uint8Array, maxLength: number): InflateStatus {
    return this.#inflater.push(piece, maxLength);
  }

  /** What came out of the message so far: a view, valid until the next call of any decompressor. */
  get output(): Uint8Array {
    return this.#inflater.output;
  }

  /**
   * Ends the message. With `copy` the output belongs to the caller, otherwise it is a view like
   * that of {@linkcode output}.
   */
  finish(copy: boolean): FinishedMessage {
    return this.#inflater.finish({ keepWindow: this.#keepWindow, copy });
  }
}

/** The empty stored block's length and complement, which the sender strips (RFC 7692 7.2.1). */
const TAIL = 4;

/**
 * Without a context to keep a deflater holds nothing between two messages, so that one of each kind
 * serves all connections.
 */
const shared = new Map<string, Deflater>();

function sharedDeflater(level: number, windowBits: number): Deflater {
  const kind = `${level}/${windowBits}`;
  let deflater = shared.get(kind);
  if (deflater === undefined) shared.set(kind, deflater = new Deflater({ level, windowBits }));
  return deflater;
}

/** Compresses our messages, one after the other. */
export class Compressor {
  /** Messages of fewer bytes go out uncompressed, unless asked otherwise. */
  readonly threshold: number;
  readonly #level: number;
  readonly #windowBits: number;
  readonly #keepWindow: boolean;
  /** Made with the first message that is compressed: many connections never have one. */
  #deflater: Deflater | undefined;

  /** Creates a compressor for the role of this endpoint. */
  constructor(role: "server" | "client", init: PermessageDeflateInit) {
    const { parameters } = init;
    const server = role === "server";
    this.threshold = init.threshold;
    this.#level = init.level;
    this.#keepWindow =
      !(server ? parameters.serverNoContextTakeover : parameters.clientNoContextTakeover);
    this.#windowBits = server ? parameters.serverMaxWindowBits : parameters.clientMaxWindowBits;
  }

  /**
   * Compresses a whole message, or with `last` false a fragment of one. The result is a view, valid
   * until the next call on any compressor.
   */
  compress(data: Uint8Array, last: boolean): Uint8Array {
    // Between the fragments of one message there is a context even where none outlives the message.
    this.#deflater ??= this.#keepWindow || !last
      ? new Deflater({ level: this.#level, windowBits: this.#windowBits })
      : sharedDeflater(this.#level, this.#windowBits);
    const compressed = this.#deflater.deflate(data);
    if (!last) return compressed;
    if (!this.#keepWindow) {
      this.#deflater.reset();
      this.#deflater = undefined;
    }
    return compressed.subarray(0, compressed.length - TAIL);
  }
}
