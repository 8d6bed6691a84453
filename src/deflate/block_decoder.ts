import {
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  MAX_MATCH,
} from "./alphabet.ts";
import {
  BLOCK_END,
  CODE_LENGTH_ALPHABET,
  DecodeTable,
  DISTANCE_ALPHABET,
  fixedTable,
  LINK,
  LITERAL,
  LITERAL_ALPHABET,
} from "./decode_table.ts";
import type { History } from "./history.ts";

/** How decompression stands. */
export const InflateStatus = {
  /** All is well so far. */
  Ok: 0,
  /** The input is not DEFLATE data, or refers to bytes outside the window. */
  Corrupt: 1,
  /** The message is longer than allowed. */
  TooLarge: 2,
} as const;

/** One of the values of the table {@linkcode InflateStatus}. */
export type InflateStatus = typeof InflateStatus[keyof typeof InflateStatus];

/** What the next bits of the input are. */
const Expect = {
  BlockHeader: 0,
  StoredLength: 1,
  StoredBytes: 2,
  CodeCounts: 3,
  CodeLengthLengths: 4,
  CodeLengths: 5,
  Symbol: 6,
  LengthExtra: 7,
  Distance: 8,
  DistanceExtra: 9,
} as const;

type Expect = typeof Expect[keyof typeof Expect];

/** What `#peek` returns where input is missing; no entry of a table is 0. */
const NEED_INPUT = 0;

/** Input bytes that the fast loop may read for a literal or length: one refill. */
const FAST_SYMBOL_INPUT = 4;
/** Input bytes that it may read for a distance: one refill of three bytes, one of four. */
const FAST_DISTANCE_INPUT = 7;

const INITIAL_CAPACITY = 4096;

/** Bytes after the output that the fast loop may write, and that mean nothing. */
const OVERRUN = 3;

const NO_INPUT = new Uint8Array(0);

const fixedLiterals = fixedTable(LITERAL_ALPHABET, FIXED_LITERAL_LENGTHS);
const fixedDistances = fixedTable(DISTANCE_ALPHABET, FIXED_DISTANCE_LENGTHS);

/**
 * Decodes the blocks of one message at a time (RFC 1951 3.2.3), and can pause after any byte.
 *
 * It holds all that matters only while a message is under way (tables, bits, the output), so that
 * decoders can be lent to messages instead of belonging to connections.
 *
 * Invariant between calls: the bits in hand are fewer than the item expected next needs, and the
 * bits of `#hold` above `#held` are 0.
 */
export class BlockDecoder {
  // The message.
  #history: History | undefined;
  #windowSize = 0;
  #output: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_CAPACITY + OVERRUN);
  #view: DataView = new DataView(this.#output.buffer);
  #length = 0;
  #maxLength = 0;

  // The input: the bits in hand, then the chunk from `#next` on.
  #chunk: Uint8Array = NO_INPUT;
  #next = 0;
  #hold = 0;
  #held = 0;

  // The block.
  #expect: Expect = Expect.BlockHeader;
  #final = false;
  #literals: DecodeTable = fixedLiterals;
  #distances: DecodeTable = fixedDistances;
  /** Bytes left of a stored block, or the length of the match being read. */
  #count = 0;
  /** The table entry whose extra bits come next. */
  #entry = 0;

  // The code descriptions of a dynamic block.
  readonly #codeLengthTable: DecodeTable = new DecodeTable(CODE_LENGTH_ALPHABET);
  readonly #literalTable: DecodeTable = new DecodeTable(LITERAL_ALPHABET);
  readonly #distanceTable: DecodeTable = new DecodeTable(DISTANCE_ALPHABET);
  readonly #lengths: Uint8Array = new Uint8Array(320);
  #literalCount = 0;
  #distanceCount = 0;
  #codeLengthCount = 0;
  #index = 0;

  /** Begins a message, which may refer `windowSize` bytes back, beyond its start to `history`. */
  begin(windowSize: number, history: History | undefined): void {
    this.#history = history;
    this.#windowSize = windowSize;
    this.#length = 0;
    this.#hold = 0;
    this.#held = 0;
    this.#expect = Expect.BlockHeader;
    this.#final = false;
  }

  /** The output of the message so far, a view. */
  get output(): Uint8Array<ArrayBuffer> {
    return this.#output.subarray(0, this.#length);
  }

  /** Bytes that the output array can hold. */
  get capacity(): number {
    return this.#output.length - OVERRUN;
  }

  /**
   * Whether the message may end here (RFC 7692 7.2.1): after the header of a stored block, whose
   * length is in the four bytes 00 00 ff ff that the sender took off. A last block (BFINAL) that
   * nothing follows is accepted too, though a byte 00 should follow: senders that do without a sync
   * flush forget it.
   */
  get atEnd(): boolean {
    return this.#held === 0 &&
      (this.#expect === Expect.StoredLength ||
        this.#expect === Expect.BlockHeader && this.#final);
  }

  /** Lets go of the history, and of an output array larger than `keep` bytes. */
  release(keep: number): void {
    this.#history = undefined;
    this.#length = 0;
    if (this.capacity > keep) this.#allocate(INITIAL_CAPACITY);
  }

  /** Decodes as much as `chunk` completes. After any other status than Ok the message is lost. */
  run(chunk: Uint8Array, maxLength: number): InflateStatus {
    this.#chunk = chunk;
    this.#next = 0;
    this.#maxLength = maxLength;
    const status = this.#decodeBlocks();
    this.#chunk = NO_INPUT;
    return status;
  }

  #decodeBlocks(): InflateStatus {
    for (;;) {
      switch (this.#expect) {
        case Expect.BlockHeader:
          if (!this.#have(3)) return InflateStatus.Ok;
          if (!this.#beginBlock(this.#take(3))) return InflateStatus.Corrupt;
          break;

        case Expect.StoredLength: {
          // Both words fit into the hold because the block header was skipped to a byte boundary.
          if (!this.#have(32)) return InflateStatus.Ok;
          const length = this.#hold & 0xffff;
          if (length !== (~this.#hold >>> 16)) return InflateStatus.Corrupt;
          this.#hold = 0;
          this.#held = 0;
          this.#count = length;
          this.#expect = Expect.StoredBytes;
          break;
        }

        case Expect.StoredBytes: {
          const count = Math.min(this.#count, this.#chunk.length - this.#next);
          if (count > this.#maxLength - this.#length) return InflateStatus.TooLarge;
          this.#reserve(count);
          this.#output.set(this.#chunk.subarray(this.#next, this.#next + count), this.#length);
          this.#next += count;
          this.#length += count;
          this.#count -= count;
          if (this.#count > 0) return InflateStatus.Ok;
          this.#endBlock();
          break;
        }

        case Expect.CodeCounts:
          if (!this.#have(14)) return InflateStatus.Ok;
          this.#literalCount = 257 + this.#take(5);
          this.#distanceCount = 1 + this.#take(5);
          this.#codeLengthCount = 4 + this.#take(4);
          if (this.#literalCount > 286 || this.#distanceCount > 30) return InflateStatus.Corrupt;
          this.#lengths.fill(0, 0, CODE_LENGTH_SYMBOLS);
          this.#index = 0;
          this.#expect = Expect.CodeLengthLengths;
          break;

        case Expect.CodeLengthLengths:
          while (this.#index < this.#codeLengthCount) {
            if (!this.#have(3)) return InflateStatus.Ok;
            this.#lengths[CODE_LENGTH_ORDER[this.#index++]!] = this.#take(3);
          }
          if (!this.#codeLengthTable.build(this.#lengths, 0, CODE_LENGTH_SYMBOLS)) {
            return InflateStatus.Corrupt;
          }
          this.#index = 0;
          this.#expect = Expect.CodeLengths;
          break;

        case Expect.CodeLengths: {
          const status = this.#readCodeLengths();
          if (status !== undefined) return status;
          break;
        }

        default: {
          const status = this.#decodeSymbols();
          if (status !== undefined) return status;
          break;
        }
      }
    }
  }

  /** Takes a block header. False if its type does not exist. */
  #beginBlock(header: number): boolean {
    this.#final = (header & 1) !== 0;
    switch (header >> 1) {
      case 0:
        this.#skipToByte();
        this.#expect = Expect.StoredLength;
        return true;
      case 1:
        this.#literals = fixedLiterals;
        this.#distances = fixedDistances;
        this.#expect = Expect.Symbol;
        return true;
      case 2:
        this.#expect = Expect.CodeCounts;
        return true;
      default:
        return false;
    }
  }

  /** After the last block of a DEFLATE stream another one may begin, at the next byte boundary. */
  #endBlock(): void {
    if (this.#final) this.#skipToByte();
    this.#expect = Expect.BlockHeader;
  }

  /** Reads the code lengths of a dynamic block, and builds its tables. A status ends the run. */
  #readCodeLengths(): InflateStatus | undefined {
    // With its state in local variables, as in the fast loop: where each symbol went through
    // `#peek` and `#take`, a message of 200 bytes took 1.06 times as long in Bun; in Deno it was
    // the same.
    const lengths = this.#lengths;
    const { entries, rootBits } = this.#codeLengthTable;
    const mask = (1 << rootBits) - 1;
    const total = this.#literalCount + this.#distanceCount;
    const chunk = this.#chunk;
    let next = this.#next;
    let hold = this.#hold;
    let held = this.#held;
    let index = this.#index;
    while (index < total) {
      // A code and its extra bits are at most 14 bits.
      if (held < 14) {
        if (next + 2 <= chunk.length) {
          hold |= (chunk[next]! | chunk[next + 1]! << 8) << held;
          next += 2;
          held += 16;
        } else if (next < chunk.length) {
          hold |= chunk[next++]! << held;
          held += 8;
        }
      }
      const entry = entries[hold & mask]!;
      const bits = entry & 31;
      const extra = entry >>> 5 & 15;
      if (bits + extra > held) break;
      const symbol = entry >>> 9;
      if (symbol < 16) {
        lengths[index++] = symbol;
      } else {
        const repeated = symbol === 16 ? lengths[index - 1] : 0;
        const end = index + (hold >>> bits & (1 << extra) - 1) + (symbol === 18 ? 11 : 3);
        if (end > total || repeated === undefined) return InflateStatus.Corrupt;
        while (index < end) lengths[index++] = repeated;
      }
      hold >>>= bits + extra;
      held -= bits + extra;
    }
    this.#next = next;
    this.#hold = hold;
    this.#held = held;
    this.#index = index;
    if (index < total) return InflateStatus.Ok;
    if (
      lengths[END_OF_BLOCK] === 0 ||
      !this.#literalTable.build(lengths, 0, this.#literalCount) ||
      !this.#distanceTable.build(lengths, this.#literalCount, this.#distanceCount)
    ) return InflateStatus.Corrupt;
    this.#literals = this.#literalTable;
    this.#distances = this.#distanceTable;
    this.#expect = Expect.Symbol;
    return undefined;
  }

  /**
   * Decodes symbols to the end of the block, then returns undefined. A status ends the run.
   *
   * The fast loop does all it can. What is left here are the last bytes of the input and of the
   * output allowed, symbol by symbol, and a match in parts.
   */
  #decodeSymbols(): InflateStatus | undefined {
    for (;;) {
      switch (this.#expect) {
        case Expect.Symbol: {
          if (
            this.#chunk.length - this.#next >= FAST_SYMBOL_INPUT &&
            this.#maxLength - this.#length >= MAX_MATCH
          ) {
            this.#reserve(MAX_MATCH);
            if (!this.#decodeFast()) return InflateStatus.Corrupt;
            break;
          }
          const entry = this.#peek(this.#literals);
          if (entry === NEED_INPUT) return InflateStatus.Ok;
          this.#take(entry & 31);
          if ((entry & LITERAL) !== 0) {
            if (this.#length === this.#maxLength) return InflateStatus.TooLarge;
            this.#reserve(1);
            this.#output[this.#length++] = entry >>> 5;
          } else if (entry >= 0) {
            this.#entry = entry;
            this.#expect = Expect.LengthExtra;
          } else if ((entry & BLOCK_END) !== 0) {
            this.#endBlock();
          } else {
            return InflateStatus.Corrupt;
          }
          break;
        }

        case Expect.LengthExtra: {
          const extra = this.#entry >>> 5 & 15;
          if (!this.#have(extra)) return InflateStatus.Ok;
          this.#count = (this.#entry >>> 9) + this.#take(extra);
          this.#expect = Expect.Distance;
          break;
        }

        case Expect.Distance: {
          const entry = this.#peek(this.#distances);
          if (entry === NEED_INPUT) return InflateStatus.Ok;
          if (entry < 0) return InflateStatus.Corrupt;
          this.#take(entry & 31);
          this.#entry = entry;
          this.#expect = Expect.DistanceExtra;
          break;
        }

        case Expect.DistanceExtra: {
          const extra = this.#entry >>> 5 & 15;
          if (!this.#have(extra)) return InflateStatus.Ok;
          const distance = (this.#entry >>> 9) + this.#take(extra);
          if (!this.#reaches(distance)) return InflateStatus.Corrupt;
          if (this.#count > this.#maxLength - this.#length) return InflateStatus.TooLarge;
          this.#reserve(this.#count);
          this.#copyMatch(distance, this.#count);
          this.#expect = Expect.Symbol;
          break;
        }

        default:
          return undefined;
      }
    }
  }

  /**
   * Decodes symbols until the block ends, or too little input or room is left for a further turn of
   * the loop. False if the data is corrupt.
   *
   * Before the call: a symbol is next, and there is input for one turn and room for one match.
   */
  #decodeFast(): boolean {
    const chunk = this.#chunk;
    const output = this.#output;
    const literals = this.#literals.entries;
    const literalRoot = this.#literals.rootBits;
    const literalMask = (1 << literalRoot) - 1;
    const distances = this.#distances.entries;
    const distanceRoot = this.#distances.rootBits;
    const distanceMask = (1 << distanceRoot) - 1;
    const windowSize = this.#windowSize;
    const history = this.#history;
    const reach = history === undefined ? 0 : history.length;
    const input = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    const lastSymbol = chunk.length - FAST_SYMBOL_INPUT;
    const lastDistance = chunk.length - FAST_DISTANCE_INPUT;
    const lastAt = Math.min(this.capacity, this.#maxLength) - MAX_MATCH;
    const view = this.#view;
    let next = this.#next;
    let at = this.#length;
    let hold = this.#hold;
    let held = this.#held;
    let valid = true;

    // The hold is filled up to 24 bits or more by three lines without a branch: as many whole bytes
    // count as held as there is room for, and further bits above them do no harm, since they are
    // the ones that are put there next. With a branch (two bytes if fewer than 16 bits are held),
    // which is hard to predict, JSON of 2 KiB took 1.2 times as long.
    while (next <= lastSymbol && at <= lastAt) {
      hold |= input.getInt32(next, true) << held;
      next += 31 - held >> 3;
      held |= 24;
      let entry = literals[hold & literalMask]!;
      if ((entry & LINK) !== 0) {
        entry = literals[subtableIndex(entry, hold >>> literalRoot)]!;
      }
      hold >>>= entry;
      held -= entry & 31;
      if ((entry & LITERAL) !== 0) {
        output[at++] = entry >>> 5;
        // A second literal needs no refill: the first took at most 15 bits of 24, and one that the
        // root table has takes at most 9 more. Without this, JSON of 2 KiB took 1.17 times as long
        // in Deno.
        entry = literals[hold & literalMask]!;
        if ((entry & LITERAL) !== 0) {
          hold >>>= entry;
          held -= entry & 31;
          output[at++] = entry >>> 5;
        }
        continue;
      }
      if (entry < 0) {
        if ((entry & BLOCK_END) === 0) valid = false;
        else this.#expect = Expect.BlockHeader;
        break;
      }
      let extra = entry >>> 5 & 15;
      const count = (entry >>> 9) + (hold & ((1 << extra) - 1));
      hold >>>= extra;
      held -= extra;

      if (next > lastDistance) {
        this.#count = count;
        this.#expect = Expect.Distance;
        break;
      }
      hold |= input.getInt32(next, true) << held;
      next += 31 - held >> 3;
      held |= 24;
      entry = distances[hold & distanceMask]!;
      if ((entry & LINK) !== 0) {
        entry = distances[subtableIndex(entry, hold >>> distanceRoot)]!;
      }
      hold >>>= entry;
      held -= entry & 31;
      if (entry < 0) {
        valid = false;
        break;
      }
      extra = entry >>> 5 & 15;
      if (held < extra) {
        hold |= input.getInt32(next, true) << held;
        next += 31 - held >> 3;
        held |= 24;
      }
      const distance = (entry >>> 9) + (hold & ((1 << extra) - 1));
      hold >>>= extra;
      held -= extra;

      if (distance <= at && distance <= windowSize) {
        const end = at + count;
        if (distance >= 4) {
          // Four bytes at a time, up to three too many, which what follows overwrites. With single
          // bytes, JSON of 2 KiB took 1.1 times as long in Deno, 1.2 in Bun.
          do {
            view.setInt32(at, view.getInt32(at - distance));
            at += 4;
          } while (at < end);
          at = end;
        } else {
          do {
            output[at] = output[at - distance]!;
          } while (++at < end);
        }
      } else {
        // Into the history. By way of `#copyMatch`, as below, messages of 2 KiB that refer to
        // others took 1.1 times as long.
        const back = distance - at;
        if (distance > windowSize || back > reach) {
          valid = false;
          break;
        }
        const first = Math.min(back, count);
        history!.copyTo(output, at, back, first);
        const end = at + count;
        for (at += first; at < end; at++) output[at] = output[at - distance]!;
      }
    }

    // Whole bytes in hand go back to the input.
    this.#next = next - (held >> 3);
    this.#held = held & 7;
    this.#hold = hold & ((1 << this.#held) - 1);
    this.#length = at;
    if (this.#expect === Expect.BlockHeader) this.#endBlock();
    return valid;
  }

  /** Whether the window goes back that far. */
  #reaches(distance: number): boolean {
    return distance <= this.#windowSize &&
      distance <= this.#length + (this.#history?.length ?? 0);
  }

  /** Appends `count` bytes from `distance` back, within the window; there is room for them. */
  #copyMatch(distance: number, count: number): void {
    const output = this.#output;
    let at = this.#length;
    const end = at + count;
    if (distance > at) {
      const back = distance - at;
      const first = Math.min(back, count);
      this.#history!.copyTo(output, at, back, first);
      at += first;
    }
    for (let from = at - distance; at < end;) output[at++] = output[from++]!;
    this.#length = end;
  }

  /** Makes room for `count` bytes more, which the limit allows. */
  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.capacity) {
      this.#allocate(Math.max(needed, Math.min(2 * this.capacity, this.#maxLength)));
    }
  }

  /** Replaces the output array, with the output so far. */
  #allocate(capacity: number): void {
    const output = new Uint8Array(capacity + OVERRUN);
    output.set(this.output);
    this.#output = output;
    this.#view = new DataView(output.buffer);
  }

  /** Gets bits in hand up to `count` (≤ 32). False if the chunk ends before. */
  #have(count: number): boolean {
    while (this.#held < count) {
      if (this.#next === this.#chunk.length) return false;
      this.#hold |= this.#chunk[this.#next++]! << this.#held;
      this.#held += 8;
    }
    return true;
  }

  /** Takes `count` (≤ 16) bits, which are in hand. */
  #take(count: number): number {
    const bits = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#held -= count;
    return bits;
  }

  /** Drops the rest of a byte that has been begun. */
  #skipToByte(): void {
    this.#take(this.#held & 7);
  }

  /** The entry of the next code, once all of the code is in hand; it stays there. */
  #peek(table: DecodeTable): number {
    const { entries, rootBits } = table;
    for (;;) {
      // Above the bits in hand there are zeros, so an entry counts only if its code is no longer.
      let entry = entries[this.#hold & ((1 << rootBits) - 1)]!;
      if ((entry & LINK) !== 0) entry = entries[subtableIndex(entry, this.#hold >>> rootBits)]!;
      if ((entry & 31) <= this.#held) return entry;
      if (!this.#have(this.#held + 1)) return NEED_INPUT;
    }
  }
}

/** Where the entry of a code stands that goes on with `bits` after the index of the root table. */
function subtableIndex(link: number, bits: number): number {
  return (link >>> 9 & 0xffff) + (bits & ((1 << (link >>> 5 & 15)) - 1));
}
