/**
 * The chunked transfer coding (RFC 9112 section 7.1).
 */

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const TAB = 0x09;
const SPACE = 0x20;

/** Bytes of chunk extensions and trailer fields accepted in one body; all of them are ignored. */
const MAX_OVERHEAD = 16_384;

/** Hexadecimal digits of a chunk size: 2⁴⁸ − 1 bytes, and no rounding. */
const MAX_SIZE_DIGITS = 12;

const State = {
  Size: 0,
  Space: 1,
  Extension: 2,
  SizeLf: 3,
  Data: 4,
  DataCr: 5,
  DataLf: 6,
  TrailerStart: 7,
  TrailerLine: 8,
  TrailerLf: 9,
  LastLf: 10,
  Done: 11,
  Broken: 12,
} as const;
type State = typeof State[keyof typeof State];

/** Takes a chunked body apart, however the bytes are cut. */
export class ChunkedDecoder {
  #state: State = State.Size;
  #size = 0;
  #digits = 0;
  #overhead = 0;
  #violation: string | undefined;

  /** Whether the last chunk and the trailer section have been read. */
  get done(): boolean {
    return this.#state === State.Done;
  }

  /** What is wrong with the coding; nothing is decoded after it. */
  get violation(): string | undefined {
    return this.#violation;
  }

  /**
   * Decodes in place: moves the content to the front of `chunk` and returns its length. What
   * follows the end of the body is left alone.
   */
  decode(chunk: Uint8Array): number {
    let length = 0;
    let at = 0;
    while (at < chunk.length && this.#state < State.Done) {
      if (this.#state === State.Data) {
        const end = Math.min(chunk.length, at + this.#size);
        chunk.copyWithin(length, at, end);
        length += end - at;
        this.#size -= end - at;
        at = end;
        if (this.#size === 0) this.#state = State.DataCr;
      } else {
        this.#step(chunk[at++]!);
      }
    }
    return length;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case State.Size:
        return this.#sizeDigit(byte);
      case State.Space:
        if (byte === CR) this.#state = State.SizeLf;
        else if (byte === SEMICOLON) this.#state = State.Extension;
        else if (byte === SPACE || byte === TAB) this.#skip(byte);
        else this.#fail("The size of a chunk is followed by something else than an extension");
        return;
      case State.Extension:
        if (byte === CR) this.#state = State.SizeLf;
        else this.#skip(byte);
        return;
      case State.SizeLf:
        return this.#expect(byte, LF, this.#size === 0 ? State.TrailerStart : State.Data);
      case State.DataCr:
        return this.#expect(byte, CR, State.DataLf);
      case State.DataLf:
        this.#digits = 0;
        return this.#expect(byte, LF, State.Size);
      case State.TrailerStart:
        if (byte === CR) this.#state = State.LastLf;
        else {
          this.#state = State.TrailerLine;
          this.#skip(byte);
        }
        return;
      case State.TrailerLine:
        if (byte === CR) this.#state = State.TrailerLf;
        else this.#skip(byte);
        return;
      case State.TrailerLf:
        return this.#expect(byte, LF, State.TrailerStart);
      case State.LastLf:
        return this.#expect(byte, LF, State.Done);
    }
  }

  #sizeDigit(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (this.#digits === 0) this.#size = 0;
      if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail("The size of a chunk is too large");
      this.#size = this.#size * 16 + digit;
    } else if (this.#digits === 0) {
      this.#fail("A chunk has no size");
    } else if (byte === CR) {
      this.#state = State.SizeLf;
    } else if (byte === SPACE || byte === TAB) {
      this.#state = State.Space;
    } else if (byte === SEMICOLON) {
      this.#state = State.Extension;
    } else {
      this.#fail("The size of a chunk is not hexadecimal");
    }
  }

  // A bare LF ends a line for some recipients and not for others, which is how bodies are smuggled.
  #skip(byte: number): void {
    if (byte === LF) this.#fail("A line of the chunked coding ends without CR");
    else if (++this.#overhead > MAX_OVERHEAD) {
      this.#fail("Chunk extensions and trailers are too large");
    }
  }

  #expect(byte: number, expected: number, next: State): void {
    if (byte === expected) this.#state = next;
    else this.#fail("A line of the chunked coding does not end in CRLF");
  }

  #fail(message: string): void {
    this.#violation = message;
    this.#state = State.Broken;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
