/**
 * Counts compressed replies, and compares the first ones on each connection with what was sent.
 */
import { FrameReader } from "./frame_reader.ts";
import { concatenate, inflateAll } from "./sequence.ts";

/**
 * How many replies of a connection are compared: the first ones, after which the context is set.
 */
const COMPARED = 8;

/** FIN, RSV1 and the opcode of text: whatever a server sends has to be compressed. */
const COMPRESSED_TEXT = 0xc1;

/** Counts the replies on one connection. */
export class DeflatedReplies {
  readonly #reader: FrameReader;
  readonly #payloads: Uint8Array[] = [];

  /** @param messages The messages in the order they were sent. */
  constructor(messages: readonly Uint8Array[]) {
    const compared = Math.min(COMPARED, messages.length);
    this.#reader = new FrameReader({
      firstByte: COMPRESSED_TEXT,
      masked: false,
      wants: (index) => index < compared,
      onPayload: (payload, index) => {
        this.#payloads.push(payload);
        if (index === compared - 1) this.#compare(messages.slice(0, compared));
      },
    });
  }

  /** Takes bytes and returns how many replies they completed; throws where one is wrong. */
  receive(chunk: Uint8Array): number {
    return this.#reader.receive(chunk);
  }

  #compare(messages: readonly Uint8Array[]): void {
    const sent = concatenate(messages);
    const received = inflateAll(this.#payloads.splice(0));
    const equal = sent.length === received.length &&
      sent.every((byte, index) => byte === received[index]);
    if (!equal) throw new Error("The replies are not what was sent");
  }
}
