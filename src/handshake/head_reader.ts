/**
 * What the heads of HTTP/1 requests and responses have in common: lines that end in CRLF, a start
 * line, field lines, an empty line (RFC 9112 section 2.1).
 */

import { type HeadLimits, type ResolvedHeadLimits, resolveHeadLimits } from "./head_limits.ts";
import { isToken, trimSpace } from "./header_values.ts";
import { decodeLatin1 } from "./latin1.ts";

/**
 * A header field: the name in the case in which it was sent, the value without outer whitespace.
 */
export type HeadField = readonly [name: string, value: string];

/** Why a head was refused. */
export interface HeadViolation {
  /** The status that a server answers a request with. */
  readonly status: number;
  /** What is wrong, in a sentence without a full stop. */
  readonly message: string;
}

/** The least memory for a line that is cut: holds nearly every line. */
const FIRST_KEPT = 256;
const EMPTY = new Uint8Array(0);

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
/** The first byte of an alert and of a ClientHello (RFC 8446 section 5.1). */
const TLS_RECORDS: ReadonlySet<number> = new Set([0x15, 0x16]);

/**
 * Whether a byte may stand within a line: no control character but the tab (RFC 9110 section 5.5).
 */
function isText(byte: number): boolean {
  return byte >= SPACE ? byte !== DELETE : byte === TAB;
}

/** Shorthand for a violation answered with 400. */
export function badHead(message: string): HeadViolation {
  return { status: 400, message };
}

/**
 * Reads a head as its bytes arrive. Each byte of a chunk is looked at once, or twice if it ends a
 * line, and once more as part of its line, however the head is cut into chunks. Bytes that no head
 * may have are refused at once and not at the end of their line, so a peer that speaks another
 * protocol is not waited for.
 */
export abstract class HeadReader {
  readonly #limits: ResolvedHeadLimits;
  /** What has arrived of a line that is cut. */
  #kept: Uint8Array = EMPTY;
  #keptLength = 0;
  /** Bytes of the line under way. */
  #lineLength = 0;
  /** The line whose CR has arrived. */
  #line = "";
  #size = 0;
  #afterCarriageReturn = false;
  #startLineRead = false;
  #ended = false;
  #emptyLinesAllowed: number;
  #violation: HeadViolation | undefined;
  readonly #fields: HeadField[] = [];

  /** `leadingEmptyLines`: how many empty lines may stand before the start line. */
  constructor(limits: HeadLimits, leadingEmptyLines: number) {
    this.#limits = resolveHeadLimits(limits);
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
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      const start = at;
      if (!this.#afterCarriageReturn) at = this.#skipText(chunk, at);
      if (at === chunk.length) {
        this.#keep(chunk, start, at);
        return -1;
      }
      this.#violation = this.#receiveByte(chunk, start, at++);
      if (this.#violation !== undefined) this.#ended = true;
    }
    return this.#ended ? at : -1;
  }

  /** Passes over what may belong to a line, as far as the limits allow, and counts it. */
  #skipText(chunk: Uint8Array, start: number): number {
    const { maxHeadSize, maxLineSize } = this.#limits;
    const most = Math.min(maxHeadSize - this.#size, maxLineSize - this.#lineLength);
    const end = Math.min(chunk.length, start + most);
    let at = start;
    while (at < end && isText(chunk[at]!)) at++;
    this.#size += at - start;
    this.#lineLength += at - start;
    return at;
  }

  /**
   * Takes `chunk[at]`, which is refused, or ends the line whose last part is `chunk[start, at)`.
   */
  #receiveByte(chunk: Uint8Array, start: number, at: number): HeadViolation | undefined {
    const { maxHeadSize, maxLineSize } = this.#limits;
    const byte = chunk[at]!;
    if (++this.#size > maxHeadSize) return this.#tooLarge(`The head exceeds ${maxHeadSize} bytes`);
    if (this.#afterCarriageReturn) {
      if (byte !== LINE_FEED) return badHead("A CR is not followed by LF");
      this.#afterCarriageReturn = false;
      return this.#endLine();
    }
    if (byte === CARRIAGE_RETURN) {
      this.#afterCarriageReturn = true;
      this.#line = this.#decodeLine(chunk, start, at);
      this.#lineLength = 0;
      return undefined;
    }
    if (byte === LINE_FEED) return badHead("A line ends in LF without CR");
    if (this.#size === 1 && TLS_RECORDS.has(byte)) {
      return badHead(
        "The head begins like TLS, which is not spoken here: ws: and wss: are mixed up",
      );
    }
    if (!isText(byte)) return badHead("The head contains a control character");
    return this.#tooLarge(`A line of the head exceeds ${maxLineSize} bytes`);
  }

  #tooLarge(message: string): HeadViolation {
    return { status: this.#startLineRead ? 431 : this.startLineTooLongStatus, message };
  }

  /** Keeps the part of a line that the next chunk continues. */
  #keep(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#keptLength + end - start;
    if (needed > this.#kept.length) {
      const grown = new Uint8Array(Math.max(FIRST_KEPT, 2 * needed));
      grown.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = grown;
    }
    this.#kept.set(chunk.subarray(start, end), this.#keptLength);
    this.#keptLength = needed;
  }

  #decodeLine(chunk: Uint8Array, start: number, end: number): string {
    if (this.#keptLength === 0) return decodeLatin1(chunk.subarray(start, end));
    this.#keep(chunk, start, end);
    const line = decodeLatin1(this.#kept.subarray(0, this.#keptLength));
    this.#keptLength = 0;
    return line;
  }

  #endLine(): HeadViolation | undefined {
    const line = this.#line;
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
