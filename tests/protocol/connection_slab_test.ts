import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { ConnectionSlab, LARGEST_SMALL } from "../../src/protocol/connection_slab.ts";
import { test } from "../harness.ts";
import { KEY, maskNaively } from "./frames.ts";

const key = KEY[0]! | KEY[1]! << 8 | KEY[2]! << 16 | KEY[3]! << 24;

function createPayload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7) % 251);
}

/** The copies of payloads of these sizes. */
function copyAll(slab: ConnectionSlab, sizes: readonly number[]): Uint8Array<ArrayBuffer>[] {
  return sizes.map((size) => slab.extract(createPayload(size), 0, size, 0));
}

test("ConnectionSlab unmasks at every length and from every place (RFC 6455 5.3)", () => {
  const slab = new ConnectionSlab();
  for (let size = 0; size <= LARGEST_SMALL; size++) {
    const plain = createPayload(size);
    for (const start of [0, 1, 2, 3]) {
      const chunk = new Uint8Array(size + 8).fill(0xee);
      chunk.set(maskNaively(plain, KEY), start);
      assertEquals(slab.extract(chunk, start, start + size, key), plain, `size ${size}`);
      chunk.set(plain, start);
      assertEquals(slab.extract(chunk, start, start + size, 0), plain, `size ${size}, no key`);
    }
  }
});

test("ConnectionSlab changes no array that it has given", () => {
  const slab = new ConnectionSlab();
  const sizes = Array.from({ length: 300 }, (_, i) => (i * 37) % (LARGEST_SMALL + 1));
  const copies = copyAll(slab, sizes);
  assertEquals(copies, sizes.map(createPayload));
  for (const copy of copies.slice(0, 150)) copy.fill(0xff);
  assertEquals(copies.slice(150), sizes.slice(150).map(createPayload));
});

test("ConnectionSlab aligns arrays to eight bytes", () => {
  const copies = copyAll(new ConnectionSlab(), Array.from({ length: 200 }, (_, i) => i));
  assertEquals(copies.map(({ byteOffset }) => byteOffset % 8), copies.map(() => 0));
});

test("ConnectionSlab lets 32 messages of 16 bytes share 512 bytes, and 8 of 256 share 2 KiB", () => {
  for (const [size, count, held] of [[16, 32, 512], [64, 8, 512], [65, 28, 2048], [256, 8, 2048]]) {
    const copies = copyAll(new ConnectionSlab(), Array<number>(count! + 1).fill(size!));
    const [first] = copies;
    assertEquals(first!.buffer.byteLength, held, `size ${size}`);
    assertStrictEquals(copies[count! - 1]!.buffer, first!.buffer, `size ${size}`);
    assertNotStrictEquals(copies[count!]!.buffer, first!.buffer, `size ${size}`);
  }
});

test("ConnectionSlab takes a buffer by the payload that does not fit into the last", () => {
  const slab = new ConnectionSlab();
  const sizes = [16, 256, 100, 64, 256, ...Array<number>(7).fill(256), 16];
  const held = copyAll(slab, sizes).map(({ buffer }) => buffer);
  assertEquals(held.slice(0, 4).map(({ byteLength }) => byteLength), [512, 512, 512, 512]);
  assertEquals(held.slice(4, 12).map(({ byteLength }) => byteLength), Array(8).fill(2048));
  assertEquals(held[12]!.byteLength, 512);
});
