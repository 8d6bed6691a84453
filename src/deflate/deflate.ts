import { BlockWriter } from "./block_writer.ts";
import { type Effort, MatchFinder } from "./match_finder.ts";

/** What {@linkcode Deflater} is created with. */
export interface DeflaterOptions {
  /**
   * The effort, 1 (fastest) to 9 (smallest).
   * @default 6
   */
  readonly level?: number;
  /**
   * The base-2 logarithm of the window, 8 to 15: how far back the output refers, in bytes.
   * @default 15
   */
  readonly windowBits?: number;
}

/**
 * By level, from 1. Chains are shorter than zlib's, because four bytes are hashed instead of three:
 * with level 6 JSON of 64 KiB becomes 7 % larger than with zlib's, in 0.8 of its time; with a chain
 * of 32, `good` 8 and `lazy` 16 it became 2 % larger, in 1.1 of its time. The step of 2 costs 1 %
 * of the size for 6 % of the time.
 */
const EFFORTS: readonly Effort[] = [
  { chain: 4, good: 4, lazy: 0, nice: 8, insert: 4, step: 2 },
  { chain: 4, good: 4, lazy: 0, nice: 16, insert: 8, step: 2 },
  { chain: 4, good: 4, lazy: 0, nice: 32, insert: 258, step: 2 },
  { chain: 6, good: 8, lazy: 6, nice: 32, insert: 258, step: 2 },
  { chain: 8, good: 8, lazy: 8, nice: 32, insert: 258, step: 2 },
  { chain: 16, good: 4, lazy: 6, nice: 64, insert: 258, step: 2 },
  { chain: 32, good: 8, lazy: 16, nice: 128, insert: 258, step: 1 },
  { chain: 128, good: 16, lazy: 64, nice: 258, insert: 258, step: 1 },
  { chain: 1024, good: 32, lazy: 258, nice: 258, insert: 258, step: 1 },
];

/** Tokens of one block. */
const BLOCK_TOKENS = 16384;

// Used within one call of `deflate` only, so that all deflaters share them.
const tokens = new Int32Array(BLOCK_TOKENS);
const writer = new BlockWriter();

// By window bits: a finder in which no deflater has a history.
const idleFinders: (MatchFinder | undefined)[] = [];

/**
 * Compresses the messages of one connection and direction (RFC 7692 7.2.1).
 *
 * A deflater that was just created or reset holds no memory of its own. One that keeps its window
 * holds at most 176 KiB for a window of 32 KiB, 30 KiB for one of 4 KiB, and in
 * proportion less while it has seen less (see {@linkcode MatchFinder}).
 */
export class Deflater {
  readonly #windowBits: number;
  readonly #effort: Effort;
  #finder: MatchFinder | undefined;

  /** Creates a deflater with an empty window. Throws a RangeError for options that cannot be. */
  constructor(options: DeflaterOptions = {}) {
    const { level = 6, windowBits = 15 } = options;
    const effort = EFFORTS[level - 1];
    if (effort === undefined) {
      throw new RangeError(`Cannot create Deflater: level is ${level}, not 1 to 9`);
    }
    if (!Number.isInteger(windowBits) || windowBits < 8 || windowBits > 15) {
      throw new RangeError(`Cannot create Deflater: windowBits is ${windowBits}, not 8 to 15`);
    }
    this.#effort = effort;
    this.#windowBits = windowBits;
  }

  /**
   * Compresses a message, up to a byte boundary: the output ends on an empty stored block, and so
   * in 00 00 ff ff. It may refer to the messages since the last `reset`.
   *
   * The output is a view, to be used before the next call of any deflater.
   */
  deflate(input: Uint8Array): Uint8Array {
    const finder = this.#finder ??= this.#takeFinder();
    const effort = this.#effort;
    writer.begin();
    let loaded = 0;
    let written = 0;
    let count = 0;
    while (written < input.length) {
      loaded += finder.load(input, loaded);
      const flush = loaded === input.length;
      let full: boolean;
      do {
        count = finder.search(tokens, count, { effort, flush });
        full = count === BLOCK_TOKENS;
        const reached = loaded - finder.pending;
        if (full || reached === input.length) {
          writer.writeBlock(tokens.subarray(0, count), input.subarray(written, reached));
          written = reached;
          count = 0;
        }
      } while (full && written < input.length);
    }
    writer.writeFlush();
    return writer.output;
  }

  /** Forgets the window: the next message stands for itself (no context takeover). */
  reset(): void {
    const finder = this.#finder;
    if (finder === undefined) return;
    this.#finder = undefined;
    finder.forget();
    idleFinders[this.#windowBits] = finder;
  }

  #takeFinder(): MatchFinder {
    const idle = idleFinders[this.#windowBits];
    idleFinders[this.#windowBits] = undefined;
    return idle ?? new MatchFinder(this.#windowBits);
  }
}
