import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { acquireBuffer, LARGEST_POOLED, releaseBuffer } from "../../src/protocol/buffer_pool.ts";
import { test } from "../harness.ts";

const KIB = 1024;

test("acquireBuffer gives at least what is asked for, and at most four times as much", () => {
  const sizes = [512, 513, 2 * KIB, 9000, 33_000, 65_536, 65_537, 131_073, 524_289, 2_097_153];
  for (const size of sizes) {
    const buffer = acquireBuffer(size);
    assert(buffer.length >= size && buffer.length <= 4 * size, `${size} in ${buffer.length}`);
    assertEquals(buffer.length, buffer.buffer.byteLength);
    releaseBuffer(buffer);
  }
  assertEquals(acquireBuffer(1).length, 512);
});

test("acquireBuffer lends on what was released, and nothing twice", () => {
  for (const size of [100, 20_000, 300 * KIB, LARGEST_POOLED]) {
    const buffer = acquireBuffer(size);
    releaseBuffer(buffer);
    const next = acquireBuffer(size);
    assertStrictEquals(next, buffer, `${size}`);
    const other = acquireBuffer(size);
    assertNotStrictEquals(other.buffer, next.buffer, `${size}`);
    releaseBuffer(next);
    releaseBuffer(other);
  }
});

test("what is larger than any buffer that serves again is as large as asked, and let go", () => {
  const buffer = acquireBuffer(LARGEST_POOLED + 1);
  assertEquals(buffer.length, LARGEST_POOLED + 1);
  releaseBuffer(buffer);
  assertNotStrictEquals(acquireBuffer(LARGEST_POOLED + 1), buffer);
});

test("releaseBuffer lets go of an array of another size, and of none at all", () => {
  for (const length of [0, 1, 511, 513]) {
    const array = new Uint8Array(length);
    releaseBuffer(array);
    assertNotStrictEquals(acquireBuffer(Math.max(1, length)), array);
  }
});

test("releaseBuffer holds at most 7 MiB, and refers to what is larger", () => {
  let held = 0;
  for (const size of [512, 2 * KIB, 8 * KIB, 32 * KIB, 64 * KIB, 128 * KIB]) {
    // More than are kept: those of other tests among them are as good.
    const count = Math.min(1500, 16 * 1024 * KIB / size);
    const buffers = new Set(Array.from({ length: count }, () => acquireBuffer(size)));
    for (const buffer of buffers) releaseBuffer(buffer);
    for (let i = 0; i < count; i++) if (buffers.has(acquireBuffer(size))) held += size;
  }
  assert(held <= 7 * 1024 * KIB, `${held}`);
  assert(held > 5 * 1024 * KIB, `${held}`);
});

test("a large buffer that the collector has taken, or that nothing can refer to, is not lent on", () => {
  const original = WeakRef;
  try {
    for (const size of [512 * KIB, 2048 * KIB, LARGEST_POOLED]) {
      // As many as are kept, so that none of another test is left.
      for (let i = 0; i < 8; i++) acquireBuffer(size);
      const [first, taken, last] = Array.from({ length: 3 }, () => acquireBuffer(size)) as [
        Uint8Array<ArrayBuffer>,
        Uint8Array<ArrayBuffer>,
        Uint8Array<ArrayBuffer>,
      ];
      globalThis.WeakRef = original;
      releaseBuffer(first);
      Object.assign(globalThis, { WeakRef: Cleared });
      releaseBuffer(taken);
      Object.assign(globalThis, { WeakRef: undefined });
      releaseBuffer(last);
      assertStrictEquals(acquireBuffer(size), first);
      const fresh = acquireBuffer(size);
      assert(fresh !== first && fresh !== taken && fresh !== last);
    }
  } finally {
    globalThis.WeakRef = original;
  }
});

/** A reference whose object is gone. */
class Cleared {
  deref(): undefined {}
}
