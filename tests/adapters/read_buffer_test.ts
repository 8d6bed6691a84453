import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { ReadBuffer } from "../../src/adapters/read_buffer.ts";
import { test } from "../harness.ts";
import { withoutVectorBuffers } from "../protocol/vector_buffers.ts";

/** The sizes of a buffer, from small to large. */
const [SMALL, KIB, KIB4, KIB16, KIB64, KIB128] = [256, 1024, 4096, 16384, 65536, 131072] as const;

/** Reads that make a buffer as large as it gets. */
const FULL = [SMALL, KIB, KIB4, KIB16];

/** A buffer whose first read, as long as the head of a handshake, is behind it. */
function createBuffer(): ReadBuffer {
  const buffer = new ReadBuffer();
  buffer.bytes.fill(1);
  buffer.fit(500);
  return buffer;
}

/** The size of the buffer before each of some reads, and after the last. */
function sizes(buffer: ReadBuffer, reads: readonly number[]): number[] {
  const sizes: number[] = [buffer.bytes.length];
  for (const read of reads) {
    buffer.fit(read);
    sizes.push(buffer.bytes.length);
  }
  return sizes;
}

function testGrowth(large: number): void {
  const grown = [SMALL, KIB, KIB4, KIB16];
  const cases: [string, number[], number[]][] = [
    ["small reads", [1, SMALL - 1, 1, 1, 1], [SMALL, SMALL, SMALL, SMALL, SMALL, SMALL]],
    ["full reads", [...FULL, large, large], [...grown, large, large, large]],
    ["nearly full reads", [SMALL, KIB - 1, KIB - 1], [SMALL, KIB, KIB, KIB]],
    ["three small reads", [...FULL, 1, 1, 1, SMALL + 1, 1], [
      ...grown,
      ...[large, large, large, large, large, large],
    ]],
    ["four small reads", [...FULL, 1, SMALL, 1, 1], [
      ...grown,
      ...[large, large, large, large, SMALL],
    ]],
    ["a full read between small ones", [SMALL, 1, 1, 1, KIB, 1, 1, 1, 1], [
      ...[SMALL, KIB, KIB, KIB, KIB],
      ...[KIB4, KIB4, KIB4, KIB4, SMALL],
    ]],
  ];
  for (const [name, reads, expected] of cases) {
    const buffer = createBuffer();
    assertEquals(sizes(buffer, reads), expected, name);
    buffer.release();
  }
}

test("ReadBuffer has 1 KiB for the first read, and grows or is small behind that", () => {
  assertEquals(sizes(new ReadBuffer(), [1, 1]), [KIB, SMALL, SMALL]);
  assertEquals(sizes(new ReadBuffer(), [KIB - 1, SMALL, 1]), [KIB, SMALL, KIB, KIB]);
  assertEquals(sizes(new ReadBuffer(), [KIB, 1, 1, 1, 1]), [KIB, KIB4, KIB4, KIB4, KIB4, SMALL]);
});

test("ReadBuffer lends the buffer of a first read on, whether or not there was a read", () => {
  const [first, second, third] = [new ReadBuffer(), new ReadBuffer(), new ReadBuffer()];
  const { bytes } = first;
  first.fit(500);
  assertStrictEquals(second.bytes, bytes);
  second.release();
  assertStrictEquals(third.bytes, bytes);
  // One that has grown is another's no more.
  third.fit(KIB);
  assertEquals(third.bytes.length, KIB4);
  const fourth = new ReadBuffer();
  assertNotStrictEquals(fourth.bytes, bytes);
  fourth.release();
});

test("ReadBuffer grows where a read fills it, and shrinks behind a run of small reads", () => {
  testGrowth(KIB128);
});

test("ReadBuffer grows to 64 KiB where no vector buffer is to be had", () => {
  withoutVectorBuffers("read", () => testGrowth(KIB64));
});

test("ReadBuffer lends a large buffer on once it is released", () => {
  const testLending = (): void => {
    const first = createBuffer();
    sizes(first, FULL);
    const large = first.bytes;
    first.release();
    const second = createBuffer();
    sizes(second, FULL);
    assertStrictEquals(second.bytes, large);
    assertEquals(first.bytes.length, SMALL);
    second.release();
  };
  testLending();
  withoutVectorBuffers("read", testLending);
});

test("ReadBuffer gives 32 connections a vector buffer each, and takes them all back", () => {
  const buffers = Array.from({ length: 33 }, () => createBuffer());
  for (let i = 0; i < 3; i++) {
    const large = buffers.map((buffer) => sizes(buffer, FULL).at(-1));
    assertEquals(large, [...Array(32).fill(KIB128), KIB64]);
    for (const buffer of buffers) buffer.release();
  }
});

test("ReadBuffer shows what a read brought, by the same view where the same comes again", () => {
  const buffer = createBuffer();
  buffer.bytes.set([1, 2, 3]);
  const first = buffer.filled(3);
  assertEquals([...first], [1, 2, 3]);
  buffer.fit(3);
  buffer.bytes.set([4, 5, 6]);
  assertStrictEquals(buffer.filled(3), first);
  assertEquals([...buffer.filled(2)], [4, 5]);

  // Another buffer, and none.
  buffer.fit(SMALL);
  buffer.bytes.set([7, 8]);
  assertEquals([...buffer.filled(2)], [7, 8]);
  buffer.release();
  buffer.bytes.set([9]);
  assertEquals([...buffer.filled(1)], [9]);
});
