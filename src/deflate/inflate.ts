import { BlockDecoder, InflateStatus } from "./block_decoder.ts";
import { History } from "./history.ts";

export { InflateStatus };

/** What {@linkcode Inflater} is created with. */
export interface InflaterOptions {
  /**
   * The base-2 logarithm of the window, 8 to 15: how far back the peer may refer, in bytes.
   * @default 15
   */
  readonly windowBits?: number;
}

/** What {@linkcode Inflater.finish} does besides ending the message. */
export interface FinishOptions {
  /** Whether the next message may refer to this one and those before (context takeover). */
  readonly keepWindow: boolean;
  /**
   * Whether the output is a fresh array that belongs to the caller. Otherwise it is a view, to be
   * used before the next call of any inflater; that spares text, which is decoded at once, a copy.
   * @default true
   */
  readonly copy?: boolean;
}

/** What {@linkcode Inflater.finish} gives. */
export interface FinishedMessage {
  /** Whether the message is complete and sound. */
  readonly status: InflateStatus;
  /** The whole message; empty if the status is not Ok. */
  readonly output: Uint8Array<ArrayBuffer>;
}

/** A decoder kept for the next message gives up an output array larger than this, in bytes. */
const KEPT_OUTPUT = 1 << 20;

// Decoders at rest. Messages mostly come in one piece, so that one decoder serves all connections;
// more than one is needed only while several messages are under way.
const idleDecoders: BlockDecoder[] = [];
const MAX_IDLE_DECODERS = 1;

const NO_OUTPUT = new Uint8Array(0);

/**
 * Decompresses the messages of one connection and direction (RFC 7692 7.2.2).
 *
 * Input never makes it throw: the status tells what is wrong with it. After a status other than Ok
 * the stream cannot be resumed, and every further call gives the same status.
 *
 * Between messages it holds nothing but the window that is to be kept: the bytes really seen, up
 * to 2^`windowBits`. What a message needs while under way is lent to it.
 */
export class Inflater {
  readonly #windowSize: number;
  #history: History | undefined;
  #decoder: BlockDecoder | undefined;
  #status: InflateStatus = InflateStatus.Ok;

  /** Creates an inflater with an empty window. Throws a RangeError for a window that cannot be. */
  constructor(options: InflaterOptions = {}) {
    const { windowBits = 15 } = options;
    if (!Number.isInteger(windowBits) || windowBits < 8 || windowBits > 15) {
      throw new RangeError(`Cannot create Inflater: windowBits is ${windowBits}, not 8 to 15`);
    }
    this.#windowSize = 1 << windowBits;
  }

  /**
   * Takes a piece of the present message, and decompresses all of it. The output of the whole
   * message may have `maxLength` bytes: TooLarge as soon as there would be more, so that the memory
   * used is bounded by it.
   */
  push(input: Uint8Array, maxLength: number): InflateStatus {
    if (this.#status !== InflateStatus.Ok) return this.#status;
    const decoder = this.#decoder ??= this.#begin();
    const status = decoder.run(input, maxLength);
    if (status !== InflateStatus.Ok) this.#fail(status);
    return status;
  }

  /** The output of the present message so far: a view, to be used before the next call. */
  get output(): Uint8Array {
    return this.#decoder?.output ?? NO_OUTPUT;
  }

  /**
   * Ends the message. Corrupt if it may not end here: what precedes the four bytes 00 00 ff ff that
   * the sender took off is the header of an empty stored block (RFC 7692 7.2.1).
   */
  finish(options: FinishOptions): FinishedMessage {
    const decoder = this.#decoder;
    if (decoder === undefined || !decoder.atEnd) this.#fail(InflateStatus.Corrupt);
    if (decoder === undefined || this.#status !== InflateStatus.Ok) {
      return { status: this.#status, output: NO_OUTPUT };
    }
    const view = decoder.output;
    const output = options.copy === false ? view : view.slice();
    if (options.keepWindow) {
      this.#history ??= new History(this.#windowSize);
      this.#history.append(view);
    } else {
      this.#history = undefined;
    }
    this.#giveBack();
    return { status: InflateStatus.Ok, output };
  }

  #begin(): BlockDecoder {
    const decoder = idleDecoders.pop() ?? new BlockDecoder();
    decoder.begin(this.#windowSize, this.#history);
    return decoder;
  }

  #fail(status: InflateStatus): void {
    if (this.#status === InflateStatus.Ok) this.#status = status;
    this.#history = undefined;
    this.#giveBack();
  }

  #giveBack(): void {
    const decoder = this.#decoder;
    if (decoder === undefined) return;
    this.#decoder = undefined;
    decoder.release(KEPT_OUTPUT);
    if (idleDecoders.length < MAX_IDLE_DECODERS) idleDecoders.push(decoder);
  }
}
