import { assertEquals, assertThrows } from "@std/assert";
import { createTransportPair } from "../../src/connection/memory_transport.ts";
import { test } from "../harness.ts";
import { bytes } from "../protocol/frames.ts";
import { settle } from "./fake_transport.ts";
import { RecordingSink } from "./recording_sink.ts";

function open(options: Parameters<typeof createTransportPair>[0] = {}) {
  const [near, far] = createTransportPair(options);
  const nearSink = new RecordingSink(), farSink = new RecordingSink();
  near.attach(nearSink);
  far.attach(farSink);
  return { near, far, nearSink, farSink };
}

test("MemoryTransport carries bytes both ways, as copies", async () => {
  const { near, far, nearSink, farSink } = open();
  const chunk = bytes("there");
  assertEquals(near.write(chunk), true);
  chunk.fill(0);
  far.write(bytes("back"));
  assertEquals(farSink.calls, []);
  await settle();
  assertEquals([farSink.text(), nearSink.text()], ["there", "back"]);
});

test("MemoryTransport refuses what would deliver nothing, or wait for ever", () => {
  for (
    const options of [{ chunkSize: 0 }, { chunkSize: NaN }, { chunkSize: 1.5 }, { capacity: -1 }]
  ) {
    assertThrows(() => createTransportPair(options), RangeError, Object.keys(options)[0]);
  }
  createTransportPair({ capacity: 0, chunkSize: 1 });
  createTransportPair({ capacity: Infinity, chunkSize: Infinity });
});

test("MemoryTransport delivers in pieces of the chunk size", async () => {
  const { near, farSink } = open({ chunkSize: 3 });
  near.write(bytes("abcdefgh"));
  near.write(bytes("ij"));
  await settle();
  assertEquals(farSink.chunks.map((chunk) => chunk.length), [3, 3, 2, 2]);
  assertEquals(farSink.text(), "abcdefghij");
});

test("MemoryTransport keeps a write waiting while more than its capacity is on the way", async () => {
  const { near, far, nearSink, farSink } = open({ capacity: 10 });
  far.pause();
  assertEquals(near.write(new Uint8Array(10)), true);
  assertEquals(near.write(new Uint8Array(1)), false);
  await settle();
  assertEquals([far.bufferedBytes, nearSink.calls.length, farSink.calls.length], [11, 0, 0]);
  far.resume();
  await settle();
  assertEquals(nearSink.calls, ["drained"]);
  assertEquals(farSink.byteLength, 11);
});

test("MemoryTransport delivers nothing while paused, not even the end", async () => {
  const { near, far, farSink } = open();
  far.pause();
  near.write(bytes("a"));
  near.closeWrite();
  await settle();
  assertEquals(farSink.calls, []);
  far.resume();
  await settle();
  assertEquals(farSink.calls, ["receive", "eof"]);
});

test("MemoryTransport ends one direction behind what was written, and carries the other on", async () => {
  const { near, far, nearSink, farSink } = open();
  near.write(bytes("last"));
  near.closeWrite();
  near.closeWrite();
  await settle();
  assertEquals(farSink.calls, ["receive", "eof"]);
  far.write(bytes("answer"));
  far.closeWrite();
  await settle();
  assertEquals(nearSink.calls, ["receive", "eof"]);
  assertEquals(nearSink.text(), "answer");
});

test("MemoryTransport tells nothing after close, and the peer reads what was written before", async () => {
  const { near, far, nearSink, farSink } = open();
  far.write(bytes("unread"));
  near.write(bytes("last"));
  near.close();
  near.close();
  await settle();
  assertEquals(nearSink.calls, []);
  assertEquals(farSink.calls, ["receive", "eof"]);
  assertEquals(far.write(bytes("into the void")), true);
  await settle();
  assertEquals(nearSink.calls, []);
});

test("MemoryTransport lets a write that waits for a closed peer be done", async () => {
  const { near, far, nearSink } = open({ capacity: 1 });
  assertEquals(near.write(bytes("too much")), false);
  far.close();
  await settle();
  assertEquals(nearSink.count("drained"), 1);
});

test("MemoryTransport tells the peer of a reset", async () => {
  const { near, nearSink, farSink } = open();
  near.write(bytes("lost"));
  near.reset(new Error("cut"));
  await settle();
  assertEquals(nearSink.calls, []);
  assertEquals(farSink.calls, ["lost"]);
  assertEquals((farSink.error as Error).message, "cut");
});

test("MemoryTransport hands over to another sink, also from within receive", async () => {
  const { near, far, farSink } = open();
  const second = new RecordingSink();
  farSink.onReceive = () => far.attach(second);
  near.write(bytes("first"));
  near.write(bytes("second"));
  await settle();
  assertEquals([farSink.text(), second.text()], ["first", "second"]);
});
