/**
 * Counts frames whose length is not known beforehand, by their headers (RFC 6455 5.2).
 */

/** What frames to expect, and which of them to look into. */
export interface FrameExpectations {
  /** The first byte of each: FIN, RSV1 to RSV3 and the opcode. */
  readonly firstByte: number;
  /** Whether they are masked, as a client's are. */
  readonly masked: boolean;
  /** Whether the payload of a frame, counted from 0, is wanted. */
  wants(index: number): boolean;
  /** Given the payloads that are wanted, unmasked. */
  onPayload(payload: Uint8Array, index: number): void;
}

/** The longest header there is: two bytes, eight of length, four of masking key. */
const LONGEST_HEADER = 14;

/** Reads the frames of one connection. */
export class FrameReader {
  readonly #expected: FrameExpectations;
  /** The header while it comes in pieces. */
  readonly #header = new Uint8Array(LONGEST_HEADER);
  #headerLength = 0;
  #payload: Uint8Array | undefined;
  /** Bytes of payload still to come; -1 within a header. */
  #left = -1;
  #index = 0;

  constructor(expected: FrameExpectations) {
    this.#expected = expected;
  }

  /**
   * Takes bytes and returns how many frames they completed; throws at a frame that is not expected.
   */
  receive(chunk: Uint8Array): number {
    const before = this.#index;
    let at = 0;
    while (at < chunk.length) {
      if (this.#left < 0) {
        this.#header[this.#headerLength++] = chunk[at++]!;
        this.#readHeader();
        if (this.#left !== 0) continue;
      } else {
        const end = Math.min(at + this.#left, chunk.length);
        this.#payload?.set(chunk.subarray(at, end), this.#payload.length - this.#left);
        this.#left -= end - at;
        at = end;
      }
      if (this.#left === 0) this.#endFrame();
    }
    return this.#index - before;
  }

  /** Finds the length of the payload, once the header is there. */
  #readHeader(): void {
    const header = this.#header;
    const { firstByte, masked } = this.#expected;
    if (this.#headerLength === 1 && header[0] !== firstByte) {
      throw new Error(
        `Frame ${this.#index} begins with 0x${header[0]!.toString(16)}, not 0x${
          firstByte.toString(16)
        }`,
      );
    }
    if (this.#headerLength < 2) return;
    if (header[1]! >> 7 !== Number(masked)) {
      throw new Error(`Frame ${this.#index} is ${masked ? "not " : ""}masked`);
    }
    const short = header[1]! & 0x7f;
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (this.#headerLength < 2 + lengthBytes + (masked ? 4 : 0)) return;
    let length = short;
    if (lengthBytes > 0) {
      length = 0;
      for (let i = 2; i < 2 + lengthBytes; i++) length = length * 256 + header[i]!;
    }
    this.#left = length;
    if (this.#expected.wants(this.#index)) this.#payload = new Uint8Array(length);
  }

  #endFrame(): void {
    const payload = this.#payload;
    if (payload !== undefined) {
      if (this.#expected.masked) {
        const key = this.#headerLength - 4;
        for (let i = 0; i < payload.length; i++) payload[i]! ^= this.#header[key + (i & 3)]!;
      }
      this.#payload = undefined;
      this.#expected.onPayload(payload, this.#index);
    }
    this.#headerLength = 0;
    this.#left = -1;
    this.#index++;
  }
}
