import { assertEquals, assertThrows } from "@std/assert";
import { FrameReader } from "../../../bench/load/frame_reader.ts";
import { encodeFrame, makePayload } from "../../../bench/load/frames.ts";
import { concatenate } from "../../../bench/load/sequence.ts";
import { chunkings, test } from "../../harness.ts";

const ignore = { wants: () => false, onPayload() {} };

test("FrameReader counts the same however frames of different lengths are cut", () => {
  for (const masked of [true, false]) {
    const payloads = [0, 1, 125, 126, 300].map((size) => makePayload("binary", size));
    const bytes = concatenate(
      payloads.map((payload) => encodeFrame("binary", payload, masked).bytes),
    );
    for (const chunks of chunkings(bytes)) {
      const seen: [number, Uint8Array][] = [];
      const reader = new FrameReader({
        firstByte: 0x82,
        masked,
        wants: (index) => index % 2 === 0,
        onPayload: (payload, index) => seen.push([index, payload]),
      });
      assertEquals(chunks.reduce((count, chunk) => count + reader.receive(chunk), 0), 5);
      assertEquals(seen, [0, 2, 4].map((index) => [index, payloads[index]!]));
    }
  }
});

test("FrameReader reads a length of eight bytes (RFC 6455 5.2)", () => {
  const reader = new FrameReader({ firstByte: 0x82, masked: false, ...ignore });
  const { bytes } = encodeFrame("binary", new Uint8Array(70_000), false);
  assertEquals(reader.receive(bytes.subarray(0, 69_999)), 0);
  assertEquals(reader.receive(bytes.subarray(69_999)), 1);
});

test("FrameReader throws at another opcode, and where the mask is not as expected", () => {
  const read = (text: string, masked: boolean) =>
    new FrameReader({ firstByte: 0x82, masked, ...ignore }).receive(Uint8Array.fromHex(text));
  assertThrows(() => read("8100", false), Error, "Frame 0 begins with 0x81, not 0x82");
  assertThrows(() => read("82008800", false), Error, "Frame 1 begins with 0x88");
  assertThrows(() => read("8280", false), Error, "is masked");
  assertThrows(() => read("8200", true), Error, "is not masked");
});
