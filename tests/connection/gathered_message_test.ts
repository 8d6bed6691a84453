import { assertEquals } from "@std/assert";
import { GatheredMessage } from "../../src/connection/gathered_message.ts";
import { test } from "../harness.ts";
import { NodeBuffer } from "../node_buffer.ts";
import { bytes } from "../protocol/frames.ts";

test("GatheredMessage joins bytes, of which it keeps a copy", () => {
  const message = new GatheredMessage("binary", undefined);
  assertEquals(message.whole(), new Uint8Array(0));
  // The `slice` of the second would not be a copy.
  const pieces = [Uint8Array.of(1, 2), new NodeBuffer([3]), new Uint8Array(0), Uint8Array.of(4)];
  for (const piece of pieces) {
    message.push(piece);
    piece.fill(9);
  }
  assertEquals(message.size, 4);
  assertEquals(message.whole(), Uint8Array.of(1, 2, 3, 4));
});

test("GatheredMessage joins characters cut anywhere, and keeps a byte order mark", () => {
  const text = "\uFEFFa😀é";
  const encoded = bytes(text);
  for (let cut = 0; cut <= encoded.length; cut++) {
    const message = new GatheredMessage("text", true);
    message.push(encoded.subarray(0, cut));
    message.push(encoded.subarray(cut));
    assertEquals([message.whole(), message.compress], [text, true], `cut at ${cut}`);
  }
});
