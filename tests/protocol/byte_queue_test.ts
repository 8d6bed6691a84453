import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { ByteQueue } from "../../src/protocol/byte_queue.ts";
import { randomSource, test } from "../harness.ts";
import { concat } from "./frames.ts";

function write(queue: ByteQueue, bytes: Uint8Array): void {
  const at = queue.reserve(bytes.length);
  queue.buffer.set(bytes, at);
  queue.commit(bytes.length);
}

/** The chunk as it is to be written: the array itself where it is all of it. */
function take(queue: ByteQueue): Uint8Array | undefined {
  const bytes = queue.take();
  const length = queue.takenLength;
  return bytes === undefined || bytes.length === length ? bytes : bytes.subarray(0, length);
}

function drain(queue: ByteQueue): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let chunk = take(queue); chunk !== undefined; chunk = take(queue)) {
    chunks.push(chunk.slice());
    queue.giveBack();
  }
  return chunks;
}

test("ByteQueue gathers what is written in one chunk", () => {
  const queue = new ByteQueue();
  assertEquals(take(queue), undefined);
  for (let i = 0; i < 100; i++) write(queue, Uint8Array.of(i, i));
  assertEquals(queue.length, 200);
  const chunks = drain(queue);
  assertEquals(chunks.length, 1);
  assertEquals(chunks[0], Uint8Array.from({ length: 200 }, (_, i) => i >> 1));
  assertEquals(queue.length, 0);
});

test("ByteQueue commits less than it reserved", () => {
  const queue = new ByteQueue();
  const at = queue.reserve(1000);
  queue.buffer.set([1, 2, 3], at);
  queue.commit(3);
  write(queue, Uint8Array.of(4));
  assertEquals(drain(queue), [Uint8Array.of(1, 2, 3, 4)]);
});

test("ByteQueue passes an appended chunk on without a copy, in its place", () => {
  const queue = new ByteQueue();
  const large = new Uint8Array(100_000).fill(7);
  write(queue, Uint8Array.of(1));
  queue.append(large);
  write(queue, Uint8Array.of(2));
  assertEquals(queue.length, 100_002);
  assertEquals(take(queue), Uint8Array.of(1));
  queue.giveBack();
  assertStrictEquals(take(queue), large);
  queue.giveBack();
  assertEquals(take(queue), Uint8Array.of(2));
  queue.giveBack();
  assertEquals(take(queue), undefined);
});

test("ByteQueue does not write into a chunk that is taken", () => {
  const queue = new ByteQueue();
  write(queue, Uint8Array.of(1, 2, 3));
  const taken = take(queue)!;
  write(queue, Uint8Array.of(9, 9, 9));
  assertEquals(taken, Uint8Array.of(1, 2, 3));
  assertNotStrictEquals(queue.buffer.buffer, taken.buffer);
  assertEquals(queue.length, 3);
});

test("ByteQueue does not lend a taken chunk's buffer to another queue before it is given back", () => {
  const queue = new ByteQueue();
  write(queue, Uint8Array.of(1, 2, 3));
  const taken = take(queue)!;
  queue.clear();
  const others = Array.from({ length: 200 }, () => new ByteQueue());
  for (const other of others) write(other, Uint8Array.of(9, 9, 9));
  assertEquals(taken, Uint8Array.of(1, 2, 3));
  for (const other of others) other.clear();
});

test("ByteQueue lends memory of its own to each queue", () => {
  const queues = Array.from({ length: 100 }, () => new ByteQueue());
  for (let round = 0; round < 3; round++) {
    queues.forEach((queue, i) => write(queue, new Uint8Array(50).fill(i)));
    queues.forEach((queue, i) => assertEquals(drain(queue), [new Uint8Array(50).fill(i)]));
  }
});

test("ByteQueue forgets everything when cleared, and serves on", () => {
  const queue = new ByteQueue();
  write(queue, Uint8Array.of(1));
  queue.append(new Uint8Array(10));
  write(queue, Uint8Array.of(2));
  queue.clear();
  assertEquals(queue.length, 0);
  assertEquals(take(queue), undefined);
  write(queue, Uint8Array.of(3));
  assertEquals(drain(queue), [Uint8Array.of(3)]);
});

test("ByteQueue holds at most four times what is queued, beyond its smallest buffer", () => {
  for (const size of [1, 512, 513, 8192, 8193, 16_385, 65_536, 65_537, 200_000]) {
    const queue = new ByteQueue();
    write(queue, new Uint8Array(size));
    assert(queue.buffer.length <= Math.max(512, size * 4), `${size} in ${queue.buffer.length}`);
    queue.clear();
  }
});

test("ByteQueue takes a buffer for as much as was written last, up to 32 KiB", () => {
  const queue = new ByteQueue();
  for (
    const [written, size] of [[100, 512], [1000, 2048], [8192, 8192], [16_500, 32_768]] as const
  ) {
    write(queue, new Uint8Array(written));
    drain(queue);
    write(queue, new Uint8Array(1));
    assertEquals(queue.buffer.length, size, `behind ${written}`);
    queue.clear();
  }
  write(queue, new Uint8Array(32_769));
  drain(queue);
  write(queue, new Uint8Array(1));
  assertEquals(queue.buffer.length, 512, "behind more");
  queue.clear();
  // An array that was lent tells nothing of the header before the next one.
  queue.append(new Uint8Array(20_000));
  drain(queue);
  write(queue, new Uint8Array(10));
  assertEquals(queue.buffer.length, 512);
});

test("ByteQueue keeps bytes and their order through random use", () => {
  const seed = 77;
  const random = randomSource(seed);
  for (let round = 0; round < 200; round++) {
    const queue = new ByteQueue();
    const expected: Uint8Array[] = [], actual: Uint8Array[] = [];
    let queued = 0;
    for (let step = 0; step < 40; step++) {
      const bytes = new Uint8Array(random(5) === 0 ? random(70_000) : random(300)).fill(step);
      switch (random(4)) {
        case 0:
          queue.append(bytes);
          break;
        case 1: {
          const chunk = take(queue);
          if (chunk !== undefined) {
            actual.push(chunk.slice());
            queued -= chunk.length;
            queue.giveBack();
          }
          continue;
        }
        default:
          write(queue, bytes);
      }
      expected.push(bytes);
      queued += bytes.length;
      assertEquals(queue.length, queued, `seed ${seed}, round ${round}`);
    }
    actual.push(...drain(queue));
    const same = indexOfDifference(concat(...actual), concat(...expected));
    assertEquals(same, -1, `seed ${seed}, round ${round}`);
  }
});

function indexOfDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return a.findIndex((byte, i) => byte !== b[i]);
}
