import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { PayloadSlab } from "../../src/protocol/payload_slab.ts";
import { test } from "../harness.ts";

/** `count` payloads of `size` bytes, one behind the other. */
function createChunk(size: number, count: number): Uint8Array {
  return Uint8Array.from({ length: size * count }, (_, i) => i % 251);
}

function copyAll(slab: PayloadSlab, chunk: Uint8Array, size: number): Uint8Array[] {
  const copies: Uint8Array[] = [];
  for (let at = 0; at < chunk.length; at += size) copies.push(slab.copy(chunk, at, at + size, 0));
  return copies;
}

test("PayloadSlab copies each payload, whatever its size", () => {
  for (const size of [1, 2, 15, 16, 64, 65, 125, 1024, 1025, 5000]) {
    const chunk = createChunk(size, 12);
    const copies = copyAll(new PayloadSlab(), chunk, size);
    for (const [i, copy] of copies.entries()) {
      assertEquals(copy, chunk.slice(i * size, (i + 1) * size), `size ${size}, payload ${i}`);
    }
  }
});

test("PayloadSlab unmasks on the way, at every length (RFC 6455 5.3)", () => {
  const key = Uint8Array.of(0x91, 0x22, 0xb3, 0x44);
  const word = 0x91 | 0x22 << 8 | 0xb3 << 16 | 0x44 << 24;
  for (let size = 0; size <= 125; size++) {
    const plain = createChunk(size, 1);
    const masked = plain.map((byte, i) => byte ^ key[i % 4]!);
    // Something before and behind, so that offsets count.
    const chunk = Uint8Array.of(7, ...masked, 1, 2, 3, 4);
    assertEquals(new PayloadSlab().copy(chunk, 1, 1 + size, word), plain, `size ${size}`);
  }
});

test("PayloadSlab lets small payloads of one chunk share a buffer, without overlap", () => {
  const copies = copyAll(new PayloadSlab(), createChunk(20, 10), 20);
  assertStrictEquals(copies[0]!.buffer, copies[1]!.buffer);
  const before = copies[1]!.slice();
  copies[0]!.fill(0xff);
  assertEquals(copies[1], before);
});

test("PayloadSlab aligns payloads to eight bytes", () => {
  for (const copy of copyAll(new PayloadSlab(), createChunk(13, 10), 13)) {
    assertEquals(copy.byteOffset % 8, 0);
  }
});

test("PayloadSlab gives the only payload of a chunk a buffer of its own", () => {
  const copy = new PayloadSlab().copy(createChunk(16, 1), 0, 16, 0);
  assertEquals(copy.buffer.byteLength, 16);
});

test("PayloadSlab gives a large payload a buffer of its own", () => {
  const [first, second] = copyAll(new PayloadSlab(), createChunk(1025, 2), 1025);
  assertNotStrictEquals(first!.buffer, second!.buffer);
  assertEquals(first!.buffer.byteLength, 1025);
});

test("PayloadSlab keeps no more than 8 KiB alive by one payload", () => {
  for (const copy of copyAll(new PayloadSlab(), createChunk(100, 2000), 100)) {
    assert(copy.buffer.byteLength <= 8192);
  }
});

test("PayloadSlab shares nothing between chunks", () => {
  const slab = new PayloadSlab();
  const first = slab.copy(createChunk(16, 4), 0, 16, 0);
  slab.drop();
  assertNotStrictEquals(slab.copy(createChunk(16, 4), 0, 16, 0).buffer, first.buffer);
});

test("PayloadSlab shares nothing where arrays are cheap", () => {
  const slab = new PayloadSlab();
  slab.sharing = false;
  for (const copy of copyAll(slab, createChunk(16, 4), 16)) {
    assertEquals(copy.buffer.byteLength, 16);
  }
});

test("PayloadSlab keeps a chunk that is its own where the payload is much of it", () => {
  const slab = new PayloadSlab();
  slab.keepsChunks = true;
  const chunk = createChunk(3000, 1);
  const plain = chunk.slice();
  const most = slab.copy(chunk, 14, 3000, 0);
  assertStrictEquals(most.buffer, chunk.buffer);
  assertEquals(most, plain.slice(14));
  assertStrictEquals(slab.copy(chunk, 14, 1514, 0).buffer, chunk.buffer);
  assertNotStrictEquals(slab.copy(chunk, 14, 1513, 0).buffer, chunk.buffer);
});

test("PayloadSlab unmasks what it keeps (RFC 6455 5.3)", () => {
  const slab = new PayloadSlab();
  slab.keepsChunks = true;
  const chunk = createChunk(2000, 1);
  const plain = chunk.slice(1);
  for (let i = 1; i < chunk.length; i++) chunk[i]! ^= [1, 2, 3, 4][(i - 1) % 4]!;
  assertEquals(slab.copy(chunk, 1, 2000, 0x04030201), plain);
});
