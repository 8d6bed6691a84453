import { assertEquals, assertThrows } from "@std/assert";
import { encodeFrame, makePayload, repeatFrame, ReplyCounter } from "../../../bench/load/frames.ts";
import { chunkings, test } from "../../harness.ts";

test("encodeFrame encodes the masked Hello of RFC 6455 5.7", () => {
  const { bytes, headerLength } = encodeFrame("text", new TextEncoder().encode("Hello"), true);
  assertEquals(bytes.toHex(), "818537fa213d7f9f4d5158");
  assertEquals(headerLength, 6);
});

test("encodeFrame uses the shortest length there is (RFC 6455 5.2)", () => {
  const header = (size: number) => {
    const { bytes, headerLength } = encodeFrame("binary", new Uint8Array(size), false);
    return bytes.subarray(0, headerLength).toHex();
  };
  assertEquals(header(125), "827d");
  assertEquals(header(126), "827e007e");
  assertEquals(header(65535), "827effff");
  assertEquals(header(65536), "827f0000000000010000");
});

test("makePayload makes text that is UTF-8 at every size", () => {
  for (let size = 0; size < 200; size++) {
    new TextDecoder("utf-8", { fatal: true }).decode(makePayload("unicode", size));
  }
});

test("ReplyCounter counts the same however the replies are cut", () => {
  const frame = encodeFrame("binary", makePayload("binary", 5), false);
  for (const chunks of chunkings(repeatFrame(frame, 3))) {
    const counter = new ReplyCounter(frame);
    assertEquals(chunks.reduce((count, chunk) => count + counter.receive(chunk), 0), 3);
  }
});

test("ReplyCounter throws on a wrong header, and on a wrong payload in its sample", () => {
  const frame = encodeFrame("binary", makePayload("binary", 5), false);
  const replies = repeatFrame(frame, 65);
  const length = frame.bytes.length;
  const wrong = [0, 2, 3 * length, 3 * length + 1, 64 * length + 6];
  for (const at of wrong) {
    const bytes = replies.slice();
    bytes[at]! ^= 0xff;
    assertThrows(() => new ReplyCounter(frame).receive(bytes), Error, "is wrong at byte");
  }
});
