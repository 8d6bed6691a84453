/**
 * What the heads of HTTP/1 requests and responses have in common: lines that end in CRLF, a start
 * line, field lines, an empty line (RFC 9112 section 2.1).
 */

import { isToken, trimSpace } from "./header_values.ts";
import { decodeLatin1 } from "./latin1.ts";

/** What a head may cost, whatever the peer sends. */
export interface HeadLimits {
  /**
   * Bytes of the whole head, its empty line included.
   * @default 16384
   */
  readonly maxHeadSize: number;
  /**
   * Field lines.
   * @default 100
   */
  readonly maxFields: number;
  /**
   * Bytes of one line, its CRLF not counted.
   * @default 8192
   */
  readonly maxLineSize: number;
}

/** A header field: the name in the case in which it was sent, the value without outer whitespace. */
export type HeadField = readonly [name: string, value: string];

/** Why a head was refused. */
export interface HeadViolation {
  /** The status that a server answers a request with: 400, 414, 431 or 505. */
  readonly status: number;
  /** What is wrong, in a sentence without a full stop. */
  readonly message: string;
}

const DEFAULT_LIMITS: HeadLimits = { maxHeadSize: 16_384, maxFields: 100, maxLineSize: 8_192 };

/** The line buffer before it grows: holds nearly every line. */
const INITIAL_LINE_CAPACITY = 256;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Shorthand for a violation answered with 400. */
export function badHead(message: string): HeadViolation {
  return { status: 400, message };
}

/**
 * Reads a head as its bytes arrive. Each byte of a chunk is looked at once, and once more as a part
 * of its line, however the head is cut into chunks. Bytes that no head may have are refused at once
 * and not at the end of their line, so a peer that speaks another protocol is not waited for.
 */
export abstract class HeadReader {
  readonly #limits: HeadLimits;
  #line: Uint8Array = new Uint8Array(INITIAL_LINE_CAPACITY);
  #lineLength = 0;
  #size = 0;
  #afterCarriageReturn = false;
  #startLineRead = false;
  #ended = false;
  #emptyLinesAllowed: number;
  #violation: HeadViolation | undefined;
  readonly #fields: HeadField[] = [];

  /** `leadingEmptyLines`: how many empty lines may stand before the start line. */
  constructor(limits: Partial<HeadLimits>, leadingEmptyLines: number) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#emptyLinesAllowed = leadingEmptyLines;
  }

  /** Why the head was refused; `undefined` before, and for a good head. */
  get violation(): HeadViolation | undefined {
    return this.#violation;
  }

  /** The status that answers a start line over the limit. */
  protected abstract get startLineTooLongStatus(): number;

  /** Judges and keeps the start line. */
  protected abstract readStartLine(line: string): HeadViolation | undefined;

  /** Judges the whole, and keeps it. */
  protected abstract finish(fields: readonly HeadField[]): HeadViolation | undefined;

  /**
   * Takes bytes. Returns -1 while more are needed; otherwise the number of bytes of `chunk` that
   * belonged to the head, which is then either complete or refused. Takes nothing after that.
   */
  receive(chunk: Uint8Array): number {
    if (this.#ended) return 0;
    for (let at = 0; at < chunk.length; at++) {
      this.#violation = this.#receiveByte(chunk[at]!);
      if (this.#violation !== undefined) this.#ended = true;
      if (this.#ended) return at + 1;
    }
    return -1;
  }

  #receiveByte(byte: number): HeadViolation | undefined {
    const { maxHeadSize, maxLineSize } = this.#limits;
    if (++this.#size > maxHeadSize) return this.#tooLarge(`The head exceeds ${maxHeadSize} bytes`);
    if (this.#afterCarriageReturn) {
      if (byte !== LINE_FEED) return badHead("A CR is not followed by LF");
      this.#afterCarriageReturn = false;
      return this.#endLine();
    }
    if (byte === CARRIAGE_RETURN) {
      this.#afterCarriageReturn = true;
      return undefined;
    }
    if (byte === LINE_FEED) return badHead("A line ends in LF without CR");
    if ((byte < SPACE && byte !== TAB) || byte === DELETE) {
      return badHead("The head contains a control character");
    }
    if (this.#lineLength === maxLineSize) {
      return this.#tooLarge(`A line of the head exceeds ${maxLineSize} bytes`);
    }
    this.#append(byte);
    return undefined;
  }

  #tooLarge(message: string): HeadViolation {
    return { status: this.#startLineRead ? 431 : this.startLineTooLongStatus, message };
  }

  #append(byte: number): void {
    if (this.#lineLength === this.#line.length) {
      const grown = new Uint8Array(this.#line.length * 2);
      grown.set(this.#line);
      this.#line = grown;
    }
    this.#line[this.#lineLength++] = byte;
  }

  #endLine(): HeadViolation | undefined {
    const line = decodeLatin1(this.#line.subarray(0, this.#lineLength));
    this.#lineLength = 0;
    if (!this.#startLineRead) {
      if (line === "" && this.#emptyLinesAllowed-- > 0) return undefined;
      this.#startLineRead = true;
      return this.readStartLine(line);
    }
    if (line !== "") return this.#readField(line);
    this.#ended = true;
    return this.finish(this.#fields);
  }

  #readField(line: string): HeadViolation | undefined {
    if (line[0] === " " || line[0] === "\t") {
      return badHead("A header field is folded over several lines");
    }
    if (this.#fields.length === this.#limits.maxFields) {
      const message = `The head has more than ${this.#limits.maxFields} header fields`;
      return { status: 431, message };
    }
    const colon = line.indexOf(":");
    if (colon === -1) return badHead("A header field has no colon");
    const name = line.slice(0, colon);
    if (!isToken(name)) return badHead("The name of a header field is not a token");
    this.#fields.push([name, trimSpace(line.slice(colon + 1))]);
    return undefined;
  }
}
