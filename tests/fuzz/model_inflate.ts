/**
 * DEFLATE as RFC 1951 tells it, bit by bit, with nothing done for speed: what the library's decoder is
 * compared with. Written from the RFC alone.
 */

/** What became of some input. */
export interface Inflated {
  /** `corrupt` and `large` as soon as a bit says so; `ok` for input that may go on. */
  readonly status: "ok" | "corrupt" | "large";
  /** What came out before. */
  readonly output: number[];
  /**
   * Whether a message of permessage-deflate may end here (RFC 7692 section 7.2.2): with the four
   * bytes 00 00 ff ff behind it, it would end with an empty stored block. Also where a last block has
   * ended, and the byte 00 that should follow it is missing.
   */
  readonly mayEnd: boolean;
  /** How many of the blocks that ended were last blocks (BFINAL). */
  readonly finals: number;
}

class NeedInput extends Error {}
class Corrupt extends Error {}
class TooLarge extends Error {}

/** Section 3.2.5: the smallest length of each symbol from 257 on, and its extra bits. */
// deno-fmt-ignore
const LENGTHS = [
  [3, 0], [4, 0], [5, 0], [6, 0], [7, 0], [8, 0], [9, 0], [10, 0], [11, 1], [13, 1], [15, 1],
  [17, 1], [19, 2], [23, 2], [27, 2], [31, 2], [35, 3], [43, 3], [51, 3], [59, 3], [67, 4],
  [83, 4], [99, 4], [115, 4], [131, 5], [163, 5], [195, 5], [227, 5], [258, 0],
] as const;

/** The same for distances. */
// deno-fmt-ignore
const DISTANCES = [
  [1, 0], [2, 0], [3, 0], [4, 0], [5, 1], [7, 1], [9, 2], [13, 2], [17, 3], [25, 3], [33, 4],
  [49, 4], [65, 5], [97, 5], [129, 6], [193, 6], [257, 7], [385, 7], [513, 8], [769, 8],
  [1025, 9], [1537, 9], [2049, 10], [3073, 10], [4097, 11], [6145, 11], [8193, 12], [12289, 12],
  [16385, 13], [24577, 13],
] as const;

/** Section 3.2.7. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A prefix code: the symbol of each code, written in digits, and all that codes begin with. */
interface Code {
  readonly symbols: Map<string, number>;
  readonly prefixes: Set<string>;
}

/**
 * The code that code lengths describe (section 3.2.2). It must use up all codes, but that one symbol
 * alone may have the code 0, and that no symbol at all need have one, where `mayBeIncomplete`.
 */
function makeCode(lengths: readonly number[], mayBeIncomplete: boolean): Code {
  const symbols = new Map<string, number>();
  const prefixes = new Set<string>();
  let code = 0;
  let space = 0;
  for (let bits = 1; bits <= 15; bits++) {
    code <<= 1;
    lengths.forEach((length, symbol) => {
      if (length !== bits) return;
      if (code >= 1 << bits) throw new Corrupt("more codes than there can be");
      const digits = code.toString(2).padStart(bits, "0");
      symbols.set(digits, symbol);
      for (let i = 0; i < bits; i++) prefixes.add(digits.slice(0, i));
      space += 2 ** -bits;
      code++;
    });
  }
  const single = symbols.size === 0 || (symbols.size === 1 && symbols.has("0"));
  if (space < 1 && !(mayBeIncomplete && single)) throw new Corrupt("codes are missing");
  return { symbols, prefixes };
}

const FIXED_LITERALS = makeCode(
  Array.from({ length: 288 }, (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8),
  false,
);
const FIXED_DISTANCES = makeCode(Array.from({ length: 32 }, () => 5), false);

class Reader {
  readonly output: number[] = [];
  finals = 0;
  /** Where the input would have to end for the message to end, in bits. */
  endAt = -1;
  #bit = 0;
  readonly #input: ArrayLike<number>;
  readonly #history: readonly number[];
  readonly #windowSize: number;
  readonly #maxLength: number;

  constructor(
    input: ArrayLike<number>,
    history: readonly number[],
    { windowBits, maxLength }: ModelInflateOptions,
  ) {
    this.#input = input;
    this.#history = history;
    this.#windowSize = 2 ** windowBits;
    this.#maxLength = maxLength;
  }

  readBlocks(): never {
    for (;;) {
      const final = this.bits(1) === 1;
      const type = this.bits(2);
      if (type === 0) this.#readStored();
      else if (type === 1) this.#readSymbols(FIXED_LITERALS, FIXED_DISTANCES);
      else if (type === 2) this.#readDynamic();
      else throw new Corrupt("block type 3");
      if (final) {
        this.#skipToByte();
        this.finals++;
        this.endAt = this.#bit;
      }
    }
  }

  get ended(): boolean {
    return this.endAt === this.#input.length * 8;
  }

  #bitsLeft(): number {
    return this.#input.length * 8 - this.#bit;
  }

  #skipToByte(): void {
    this.#bit = Math.ceil(this.#bit / 8) * 8;
  }

  /** A number of some bits, the lowest first. */
  bits(count: number): number {
    if (this.#bitsLeft() < count) throw new NeedInput();
    let value = 0;
    for (let i = 0; i < count; i++, this.#bit++) {
      value |= (this.#input[this.#bit >> 3]! >> (this.#bit & 7) & 1) << i;
    }
    return value;
  }

  #symbol(code: Code): number {
    let digits = "";
    for (;;) {
      const symbol = code.symbols.get(digits);
      if (symbol !== undefined) return symbol;
      if (digits !== "" && !code.prefixes.has(digits)) throw new Corrupt("no such code");
      digits += this.bits(1);
    }
  }

  #put(byte: number): void {
    if (this.output.length === this.#maxLength) throw new TooLarge();
    this.output.push(byte);
  }

  #readStored(): void {
    this.#skipToByte();
    this.endAt = this.#bit;
    if (this.#bitsLeft() < 32) throw new NeedInput();
    const length = this.bits(16);
    if ((length ^ this.bits(16)) !== 0xffff) throw new Corrupt("the length's complement differs");
    for (let i = 0; i < length; i++) this.#put(this.bits(8));
  }

  #readDynamic(): void {
    if (this.#bitsLeft() < 14) throw new NeedInput();
    const literalCount = this.bits(5) + 257;
    const distanceCount = this.bits(5) + 1;
    const lengthCount = this.bits(4) + 4;
    if (literalCount > 286 || distanceCount > 30) throw new Corrupt("too many codes");
    const lengthLengths = new Array<number>(19).fill(0);
    for (let i = 0; i < lengthCount; i++) lengthLengths[ORDER[i]!] = this.bits(3);
    const lengthCode = makeCode(lengthLengths, false);
    const lengths: number[] = [];
    const total = literalCount + distanceCount;
    while (lengths.length < total) {
      const symbol = this.#symbol(lengthCode);
      if (symbol < 16) {
        lengths.push(symbol);
        continue;
      }
      const [extra, least] = symbol === 16 ? [2, 3] : symbol === 17 ? [3, 3] : [7, 11];
      const times = this.bits(extra!) + least!;
      if (symbol === 16 && lengths.length === 0) throw new Corrupt("nothing to repeat");
      if (lengths.length + times > total) throw new Corrupt("a repetition too long");
      const repeated = symbol === 16 ? lengths.at(-1)! : 0;
      for (let i = 0; i < times; i++) lengths.push(repeated);
    }
    if (lengths[256] === 0) throw new Corrupt("no code for the end of the block");
    this.#readSymbols(
      makeCode(lengths.slice(0, literalCount), true),
      makeCode(lengths.slice(literalCount), true),
    );
  }

  #readSymbols(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.#put(symbol);
        continue;
      }
      if (symbol > 285) throw new Corrupt("a length symbol without meaning");
      const [lengthBase, lengthExtra] = LENGTHS[symbol - 257]!;
      const length = lengthBase + this.bits(lengthExtra);
      const distanceSymbol = this.#symbol(distances);
      if (distanceSymbol > 29) throw new Corrupt("a distance symbol without meaning");
      const [distanceBase, distanceExtra] = DISTANCES[distanceSymbol]!;
      const distance = distanceBase + this.bits(distanceExtra);
      if (distance > this.#windowSize || distance > this.output.length + this.#history.length) {
        throw new Corrupt("a distance beyond the window");
      }
      for (let i = 0; i < length; i++) {
        const from = this.output.length - distance;
        this.#put(from >= 0 ? this.output[from]! : this.#history[this.#history.length + from]!);
      }
    }
  }
}

/** How {@linkcode modelInflate} works. */
export interface ModelInflateOptions {
  /** The base-2 logarithm of the window. */
  readonly windowBits: number;
  /** Bytes that may come out. */
  readonly maxLength: number;
}

/** Decompresses one message, or as much of it as `input` is; `history` are the bytes before it. */
export function modelInflate(
  input: ArrayLike<number>,
  history: readonly number[],
  options: ModelInflateOptions,
): Inflated {
  const reader = new Reader(input, history, options);
  let status: Inflated["status"] = "ok";
  try {
    reader.readBlocks();
  } catch (error) {
    if (error instanceof Corrupt) status = "corrupt";
    else if (error instanceof TooLarge) status = "large";
    else if (!(error instanceof NeedInput)) throw error;
  }
  return {
    status,
    output: reader.output,
    mayEnd: status === "ok" && reader.ended,
    finals: reader.finals,
  };
}
