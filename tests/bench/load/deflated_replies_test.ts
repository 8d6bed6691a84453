import { assertEquals, assertThrows } from "@std/assert";
import { DeflatedReplies } from "../../../bench/load/deflated_replies.ts";
import { encodeFrame } from "../../../bench/load/frames.ts";
import { concatenate } from "../../../bench/load/sequence.ts";
import { makeMessages } from "../../../bench/micro/messages.ts";
import { Deflater } from "../../../src/deflate/deflate.ts";
import { test } from "../../harness.ts";

/** Replies as a server with context takeover sends them. */
function makeReplies(messages: readonly Uint8Array[]): Uint8Array {
  const deflater = new Deflater({ level: 6 });
  return concatenate(messages.map((message) => {
    const { bytes } = encodeFrame("text", deflater.deflate(message).slice(0, -4), false);
    bytes[0]! |= 0x40;
    return bytes;
  }));
}

test("DeflatedReplies counts replies that are what was sent", () => {
  const messages = makeMessages(2048);
  assertEquals(new DeflatedReplies(messages).receive(makeReplies(messages)), messages.length);
});

test("DeflatedReplies throws where the first ones are not what was sent", () => {
  const messages = makeMessages(2048);
  const replies = makeReplies([messages[1]!, ...messages.slice(1)]);
  assertThrows(() => new DeflatedReplies(messages).receive(replies), Error, "not what was sent");
});

test("DeflatedReplies throws at a reply that is not compressed", () => {
  const { bytes } = encodeFrame("text", new Uint8Array(10), false);
  assertThrows(() => new DeflatedReplies(makeMessages(200)).receive(bytes), Error, "0x81");
});
