/**
 * DEFLATE (RFC 1951), slow and obvious, for the suite's own side of permessage-deflate. Node's zlib
 * would not do: how far back a message refers, and to which of those before it, is what is tested.
 */

/** What a code stands for: its smallest value, and the extra bits that are added to it. */
type Range = readonly [base: number, extraBits: number];

/** The codes of lengths, from 257 on, and those of distances (RFC 1951 section 3.2.5). */
const LENGTHS: readonly Range[] = [...ranges(3, [0, 0, 0, 0, 0, 0, 0, 0], 4).slice(0, 28), [
  258,
  0,
]];
const DISTANCES: readonly Range[] = ranges(1, [0, 0, 0, 0], 2);

/** Values in a row: the codes of `first`, then `each` codes for every number of extra bits from 1. */
function ranges(start: number, first: readonly number[], each: number): Range[] {
  const result: Range[] = [];
  let base = start;
  for (let code = 0; code < 30; code++) {
    const extraBits = code < first.length ? 0 : Math.floor((code - first.length) / each) + 1;
    result.push([base, extraBits]);
    base += 2 ** extraBits;
  }
  return result;
}

/** The lengths of the fixed codes (RFC 1951 section 3.2.6). */
const FIXED_LITERALS = Array.from(
  { length: 288 },
  (_, symbol) => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
);
const FIXED_DISTANCES = new Array<number>(30).fill(5);

/** The order in which the lengths of the code length code are sent (RFC 1951 section 3.2.7). */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const WINDOW = 32_768;

/** What is thrown on data that is no DEFLATE. */
export class DeflateError extends Error {}

/** A Huffman code as it is decoded: how many codes there are of each length, and their symbols. */
interface Code {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

function createCode(lengths: readonly number[]): Code {
  const counts = new Array<number>(16).fill(0);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const symbols = [...lengths.keys()]
    .filter((symbol) => lengths[symbol] !== 0)
    .sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  return { counts, symbols };
}

const FIXED_LITERAL_CODE = createCode(FIXED_LITERALS);
const FIXED_DISTANCE_CODE = createCode(FIXED_DISTANCES);

/** Reads bits, the least significant first. */
class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits that are left. */
  get left(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  bit(): number {
    if (this.left === 0) throw new DeflateError("compressed data ends early");
    const bit = (this.#bytes[this.#at >> 3]! >> (this.#at & 7)) & 1;
    this.#at++;
    return bit;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value |= this.bit() << i;
    return value;
  }

  symbol({ counts, symbols }: Code): number {
    let code = 0, first = 0, index = 0;
    for (let length = 1; length <= 15; length++) {
      code |= this.bit();
      const count = counts[length]!;
      if (code - count < first) return symbols[index + (code - first)]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new DeflateError("invalid code");
  }

  /** Goes to the next whole byte. */
  align(): void {
    this.#at = Math.ceil(this.#at / 8) * 8;
  }
}

/** Decompresses the messages of a sender, and notes how far back they refer. */
export class Inflater {
  /** The largest distance met so far. */
  maxDistance = 0;
  readonly #keepWindow: boolean;
  #window: Uint8Array = new Uint8Array(0);

  constructor(keepWindow: boolean) {
    this.#keepWindow = keepWindow;
  }

  /** Decompresses the payload of one message (RFC 7692 section 7.2.2). */
  inflate(payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const input = new Uint8Array(payload.length + 4);
    input.set(payload);
    input.set([0, 0, 0xff, 0xff], payload.length);
    const reader = new BitReader(input);
    const out = new Output(this.#window);
    while (reader.left >= 8) {
      const final = reader.bit() === 1;
      this.#block(reader, out);
      // A final block is followed by the rest of its byte; what follows starts anew.
      if (final) reader.align();
    }
    const message = out.produced();
    if (this.#keepWindow) this.#window = out.tail(WINDOW);
    return message;
  }

  #block(reader: BitReader, out: Output): void {
    switch (reader.bits(2)) {
      case 0:
        return this.#stored(reader, out);
      case 1:
        return this.#coded(reader, out, FIXED_LITERAL_CODE, FIXED_DISTANCE_CODE);
      case 2: {
        const [literals, distances] = readDynamicCodes(reader);
        return this.#coded(reader, out, literals, distances);
      }
      default:
        throw new DeflateError("invalid block type");
    }
  }

  #stored(reader: BitReader, out: Output): void {
    reader.align();
    const length = reader.bits(16);
    if ((length ^ reader.bits(16)) !== 0xffff) throw new DeflateError("invalid stored length");
    for (let i = 0; i < length; i++) out.push(reader.bits(8));
  }

  #coded(reader: BitReader, out: Output, literals: Code, distances: Code): void {
    for (;;) {
      const symbol = reader.symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        out.push(symbol);
        continue;
      }
      const length = readRange(reader, LENGTHS[symbol - 257]);
      const distance = readRange(reader, DISTANCES[reader.symbol(distances)]);
      if (distance > out.length) throw new DeflateError("distance too far back");
      this.maxDistance = Math.max(this.maxDistance, distance);
      for (let i = 0; i < length; i++) out.push(out.at(distance));
    }
  }
}

function readRange(reader: BitReader, range: Range | undefined): number {
  if (range === undefined) throw new DeflateError("invalid symbol");
  return range[0] + reader.bits(range[1]);
}

function readDynamicCodes(reader: BitReader): [literals: Code, distances: Code] {
  const literalCount = reader.bits(5) + 257;
  const distanceCount = reader.bits(5) + 1;
  const codeLengthCount = reader.bits(4) + 4;
  const codeLengths = new Array<number>(19).fill(0);
  for (const symbol of CODE_LENGTH_ORDER.slice(0, codeLengthCount)) {
    codeLengths[symbol] = reader.bits(3);
  }
  const code = createCode(codeLengths);
  const lengths: number[] = [];
  while (lengths.length < literalCount + distanceCount) {
    const symbol = reader.symbol(code);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) repeat(lengths, lengths.at(-1) ?? 0, 3 + reader.bits(2));
    else repeat(lengths, 0, symbol === 17 ? 3 + reader.bits(3) : 11 + reader.bits(7));
  }
  return [
    createCode(lengths.slice(0, literalCount)),
    createCode(lengths.slice(literalCount, literalCount + distanceCount)),
  ];
}

function repeat(lengths: number[], length: number, times: number): void {
  for (let i = 0; i < times; i++) lengths.push(length);
}

/** Bytes behind a window. */
class Output {
  #bytes: Uint8Array<ArrayBuffer>;
  readonly #start: number;
  #length: number;

  constructor(window: Uint8Array) {
    this.#bytes = new Uint8Array(window.length + 1024);
    this.#bytes.set(window);
    this.#start = this.#length = window.length;
  }

  /** Bytes that a distance may reach back. */
  get length(): number {
    return this.#length;
  }

  push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = byte;
  }

  at(distance: number): number {
    return this.#bytes[this.#length - distance]!;
  }

  produced(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(this.#start, this.#length);
  }

  tail(size: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(Math.max(0, this.#length - size), this.#length);
  }
}

/** A Huffman code as it is written: bits by symbol, the first bit sent being the highest. */
function codeBits(lengths: readonly number[]): number[] {
  const { symbols } = createCode(lengths);
  const bits: number[] = [];
  let code = 0, length = 0;
  for (const symbol of symbols) {
    code <<= lengths[symbol]! - length;
    length = lengths[symbol]!;
    bits[symbol] = code++;
  }
  return bits;
}

const FIXED_LITERAL_BITS = codeBits(FIXED_LITERALS);

/** Writes bits, the least significant first. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #used = 8;

  /** Writes a number. */
  bits(value: number, count: number): this {
    for (let i = 0; i < count; i++) this.#bit((value >> i) & 1);
    return this;
  }

  /** Writes a Huffman code, its highest bit first. */
  code(value: number, length: number): this {
    for (let i = length - 1; i >= 0; i--) this.#bit((value >> i) & 1);
    return this;
  }

  /** Writes a literal, the end of the block, or a length's symbol in the fixed code. */
  symbol(symbol: number): this {
    return this.code(FIXED_LITERAL_BITS[symbol]!, FIXED_LITERALS[symbol]!);
  }

  /** Writes a reference in the fixed codes. */
  reference(length: number, distance: number): this {
    const lengthCode = LENGTHS.findLastIndex(([base]) => base <= length);
    const distanceCode = DISTANCES.findLastIndex(([base]) => base <= distance);
    const [lengthBase, lengthBits] = LENGTHS[lengthCode]!;
    const [distanceBase, distanceBits] = DISTANCES[distanceCode]!;
    return this.symbol(257 + lengthCode).bits(length - lengthBase, lengthBits)
      .code(distanceCode, 5).bits(distance - distanceBase, distanceBits);
  }

  /** Fills the last byte with zeros. */
  align(): this {
    this.#used = 8;
    return this;
  }

  /** Writes a block without compression; needs no code, and up to 65535 bytes. */
  stored(data: Uint8Array, final = false): this {
    this.bits(final ? 1 : 0, 1).bits(0, 2).align();
    this.bits(data.length, 16).bits(data.length ^ 0xffff, 16);
    this.#bytes.push(...data);
    return this;
  }

  /** What was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }

  #bit(bit: number): void {
    if (this.#used === 8) {
      this.#bytes.push(0);
      this.#used = 0;
    }
    this.#bytes[this.#bytes.length - 1]! |= bit << this.#used++;
  }
}

/** The longest and the shortest reference. */
const MAX_MATCH = 258;
const MIN_MATCH = 3;

/** Compresses messages by references as far back as its window allows, in fixed codes. */
export class Deflater {
  readonly #windowSize: number;
  readonly #keepWindow: boolean;
  #window: Uint8Array = new Uint8Array(0);

  constructor(windowBits: number, keepWindow: boolean) {
    this.#windowSize = 2 ** windowBits;
    this.#keepWindow = keepWindow;
  }

  /** Compresses a message into the payload to send (RFC 7692 section 7.2.1). */
  deflate(message: Uint8Array): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#window.length + message.length);
    all.set(this.#window);
    all.set(message, this.#window.length);
    const writer = new BitWriter().bits(0, 1).bits(1, 2);
    this.#write(writer, all, this.#window.length);
    if (this.#keepWindow) this.#window = all.slice(Math.max(0, all.length - this.#windowSize));
    // The header of the empty stored block whose last four bytes are left out.
    return writer.symbol(256).bits(0, 3).finish();
  }

  #write(writer: BitWriter, all: Uint8Array, start: number): void {
    // Where three bytes were met first: the oldest is the farthest, which is what tests a window.
    const seen = new Map<number, number>();
    const note = (at: number) => {
      if (at + MIN_MATCH > all.length) return;
      const key = keyAt(all, at);
      if (!seen.has(key)) seen.set(key, at);
    };
    for (let at = 0; at < start; at++) note(at);
    for (let at = start; at < all.length;) {
      const length = this.#match(all, at, seen);
      if (length > 0) {
        writer.reference(length, at - seen.get(keyAt(all, at))!);
        at += length;
      } else {
        writer.symbol(all[at]!);
        note(at++);
      }
    }
  }

  #match(all: Uint8Array, at: number, seen: Map<number, number>): number {
    if (at + MIN_MATCH > all.length) return 0;
    const key = keyAt(all, at);
    const from = seen.get(key);
    if (from === undefined) return 0;
    if (at - from > this.#windowSize) {
      seen.delete(key);
      return 0;
    }
    let length = MIN_MATCH;
    while (
      length < MAX_MATCH && at + length < all.length && all[from + length] === all[at + length]
    ) {
      length++;
    }
    return length;
  }
}

function keyAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}
