import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import {
  commonSlab,
  LoneSlab,
  PayloadSlab,
  type SlabOptions,
} from "../../src/protocol/payload_slab.ts";
import { UNMASKED_WHILE_COPIED } from "../../src/protocol/copy.ts";
import { test } from "../harness.ts";
import { BINARY, concat, frame } from "./frames.ts";

function createSlab(options: Partial<SlabOptions> = {}): PayloadSlab {
  return new PayloadSlab({ sharing: true, keepsChunks: false, ...options });
}

/** What a connection has of its own. */
function createOwner(): { readonly loneSlab: LoneSlab } {
  return { loneSlab: new LoneSlab() };
}

/** `count` payloads of `size` bytes, one behind the other. */
function createChunk(size: number, count: number): Uint8Array {
  return Uint8Array.from({ length: size * count }, (_, i) => i % 251);
}

function copyAll(slab: PayloadSlab, chunk: Uint8Array, size: number): Uint8Array[] {
  const copies: Uint8Array[] = [];
  for (let at = 0; at < chunk.length; at += size) {
    copies.push(slab.copy(chunk, at, at + size, 0, createOwner()));
  }
  return copies;
}

test("PayloadSlab copies each payload, whatever its size", () => {
  for (const size of [1, 2, 15, 16, 64, 65, 125, 1024, 1025, 5000]) {
    const chunk = createChunk(size, 12);
    const copies = copyAll(createSlab(), chunk, size);
    for (const [i, copy] of copies.entries()) {
      assertEquals(copy, chunk.slice(i * size, (i + 1) * size), `size ${size}, payload ${i}`);
    }
  }
});

test("PayloadSlab unmasks on the way, at every length and offset (RFC 6455 5.3)", () => {
  const key = Uint8Array.of(0x91, 0x22, 0xb3, 0x44);
  const word = 0x91 | 0x22 << 8 | 0xb3 << 16 | 0x44 << 24;
  const lengths = (count: number) => Array.from({ length: count }, (_, size) => size);
  const setups = [
    { sharing: true, sizes: lengths(UNMASKED_WHILE_COPIED.V8 + 1) },
    { sharing: false, sizes: lengths(UNMASKED_WHILE_COPIED.JavaScriptCore + 1) },
  ];
  for (const { sharing, sizes } of setups) {
    for (const size of sizes) {
      const plain = createChunk(size, 1);
      const masked = plain.map((byte, i) => byte ^ key[i % 4]!);
      // Alone, and one of several in a chunk that is itself a view.
      for (const before of [1, 2, 3, 4]) {
        for (const behind of [0, 5]) {
          const whole = Uint8Array.of(
            ...new Uint8Array(before),
            ...masked,
            ...masked,
            ...new Uint8Array(behind),
          );
          const chunk = whole.subarray(before);
          const slab = createSlab({ sharing });
          for (const start of behind === 0 ? [size] : [0, size]) {
            const copy = slab.copy(chunk.slice(), start, start + size, word, createOwner());
            assertEquals(copy, plain, `size ${size}, offset ${before}, sharing ${sharing}`);
            const other = slab.copy(chunk, start, start + size, word, createOwner());
            assertEquals(other, plain, `size ${size}, offset ${before}, sharing ${sharing}`);
          }
        }
      }
    }
  }
});

test("PayloadSlab lets small payloads of one chunk share a buffer, without overlap", () => {
  const copies = copyAll(createSlab(), createChunk(20, 10), 20);
  assertStrictEquals(copies[0]!.buffer, copies[1]!.buffer);
  const before = copies[1]!.slice();
  copies[0]!.fill(0xff);
  assertEquals(copies[1], before);
});

test("PayloadSlab aligns payloads to eight bytes", () => {
  for (const copy of copyAll(createSlab(), createChunk(13, 10), 13)) {
    assertEquals(copy.byteOffset % 8, 0);
  }
});

test("PayloadSlab lets small payloads that come alone share a small buffer of their connection", () => {
  const slab = createSlab(), [one, other] = [createOwner(), createOwner()];
  const chunk = createChunk(16, 1);
  const copyFor = (owner: ReturnType<typeof createOwner>) => {
    const copy = slab.copy(chunk, 0, 16, 0, owner);
    slab.drop();
    return copy;
  };
  const copies = Array.from({ length: 33 }, () => copyFor(one));
  assertEquals(copies.map((copy) => [...copy]), Array(33).fill([...chunk]));
  assertEquals(new Set(copies.slice(0, 32).map(({ buffer }) => buffer)).size, 1);
  assertEquals(copies[0]!.buffer.byteLength, 512);
  assertNotStrictEquals(copies[32]!.buffer, copies[0]!.buffer);
  assertNotStrictEquals(copyFor(other).buffer, copies[32]!.buffer);
  copies[0]!.fill(0xff);
  assertEquals([...copies[1]!], [...chunk]);
});

test("LoneSlab aligns arrays to eight bytes, and takes a new buffer where one does not fit", () => {
  const slab = new LoneSlab();
  const cuts = Array.from({ length: 30 }, (_, i) => slab.cut(i % 65));
  assertEquals(cuts.map(({ length }) => length), cuts.map((_, i) => i % 65));
  assertEquals(cuts.map(({ byteOffset }) => byteOffset % 8), cuts.map(() => 0));
  assertEquals(cuts.map(({ buffer }) => buffer.byteLength), cuts.map(() => 512));
});

test("PayloadSlab gives a payload of more than 64 bytes that comes alone a buffer of its own", () => {
  const copy = createSlab().copy(createChunk(65, 1), 0, 65, 0, createOwner());
  assertEquals(copy.buffer.byteLength, 65);
});

test("PayloadSlab gives a large payload a buffer of its own", () => {
  const [first, second] = copyAll(createSlab(), createChunk(1025, 2), 1025);
  assertNotStrictEquals(first!.buffer, second!.buffer);
  assertEquals(first!.buffer.byteLength, 1025);
});

test("PayloadSlab keeps no more than 8 KiB alive by one payload", () => {
  for (const copy of copyAll(createSlab(), createChunk(100, 2000), 100)) {
    assert(copy.buffer.byteLength <= 8192);
  }
});

test("PayloadSlab keeps little alive by one small payload, whatever follows in its chunk", () => {
  for (const size of [1, 16, 125, 600]) {
    const chunk = createChunk(16_384, 1);
    const slab = createSlab();
    let taken = 0;
    for (let at = 0; at + size <= chunk.length; at += size) {
      taken += (size + 7) & ~7;
      const { byteLength } = slab.copy(chunk, at, at + size, 0, createOwner()).buffer;
      assert(byteLength <= Math.max(1024, 8 * taken), `${byteLength} bytes behind ${taken}`);
    }
  }
});

test("PayloadSlab shares nothing between chunks, nor once a chunk is done with", () => {
  const slab = createSlab();
  const [one, other] = [createChunk(16, 4), createChunk(16, 4)];
  const first = slab.copy(one, 0, 16, 0, createOwner());
  const second = slab.copy(other, 0, 16, 0, createOwner());
  assertNotStrictEquals(second.buffer, first.buffer);
  // As where the message of one connection makes another one receive.
  const third = slab.copy(one, 16, 32, 0, createOwner());
  assertNotStrictEquals(third.buffer, first.buffer);
  assertNotStrictEquals(third.buffer, second.buffer);
  slab.drop();
  assertNotStrictEquals(slab.copy(one, 32, 48, 0, createOwner()).buffer, third.buffer);
});

test("commonSlab gives one slab for all that want the same", () => {
  const chosen = [false, true].flatMap((sharing) =>
    [false, true].map((keepsChunks) => commonSlab({ sharing, keepsChunks }))
  );
  assertEquals(new Set(chosen).size, 4);
  assertStrictEquals(commonSlab({ sharing: true, keepsChunks: true }), chosen[3]);
  const chunk = createChunk(2000, 2);
  const [apart, kept, shared] = chosen.map((slab) =>
    slab.copy(chunk, 0, 16, 0, createOwner()).buffer.byteLength
  );
  assertEquals([apart, kept, shared], [16, 16, 1024]);
  for (const slab of chosen) slab.drop();
});

test("PayloadSlab shares nothing where arrays are cheap", () => {
  const slab = createSlab({ sharing: false });
  for (const copy of copyAll(slab, createChunk(16, 4), 16)) {
    assertEquals(copy.buffer.byteLength, 16);
  }
});

test("PayloadSlab keeps a chunk that is its own where the payload is much of it", () => {
  const slab = createSlab({ sharing: false, keepsChunks: true });
  const chunk = createChunk(3000, 1);
  const plain = chunk.slice();
  const most = slab.copy(chunk, 14, 3000, 0, createOwner());
  assertStrictEquals(most.buffer, chunk.buffer);
  assertEquals(most, plain.slice(14));
  assertStrictEquals(slab.copy(chunk, 14, 1514, 0, createOwner()).buffer, chunk.buffer);
  assertNotStrictEquals(slab.copy(chunk, 14, 1513, 0, createOwner()).buffer, chunk.buffer);
});

/** A chunk of binary messages of these sizes, masked with 0, and where their payloads are. */
function createMessages(...sizes: number[]): { chunk: Uint8Array; places: [number, number][] } {
  const frames = sizes.map((size) => frame(BINARY, new Uint8Array(size), { key: [0, 0, 0, 0] }));
  const chunk = concat(...frames);
  let at = 0;
  const places = frames.map((each, i): [number, number] => {
    at += each.length;
    return [at - sizes[i]!, at];
  });
  return { chunk, places };
}

/** Which of the messages are views of their chunk. */
function viewsOf({ chunk, places }: ReturnType<typeof createMessages>): boolean[] {
  const slab = createSlab({ sharing: false, keepsChunks: true });
  const views = places.map(([start, end]) =>
    slab.copy(chunk, start, end, 0, createOwner()).buffer === chunk.buffer
  );
  slab.drop();
  return views;
}

test("PayloadSlab keeps a chunk where several large payloads together are much of it", () => {
  assertEquals(viewsOf(createMessages(3000, 3000, 3000)), [true, true, true]);
  assertEquals(viewsOf(createMessages(3000, 3000, 100, 3000)), [true, true, false, true]);
  // Each has to be an eighth at least, and all together a half.
  assertEquals(viewsOf(createMessages(...Array(9).fill(2000))), Array(9).fill(false));
  assertEquals(viewsOf(createMessages(3000, 100, 7000)), [false, false, true]);
  assertEquals(viewsOf(createMessages(3000, 2000, ...Array(50).fill(120))).includes(true), false);
});

test("PayloadSlab keeps no chunk for what does not come whole, or not as a message", () => {
  const { chunk, places } = createMessages(3000, 3000, 3000, 3000);
  const [start, end] = places[0]!;
  const others = [
    ["the second one is text", 0x81],
    ["the second one is a fragment", 0x02],
    ["the second one is compressed", 0xc2],
    ["the second one is a ping", 0x89],
  ] as const;
  for (const [what, first] of others) {
    const slab = createSlab({ sharing: false, keepsChunks: true });
    const changed = chunk.slice();
    changed[end] = first;
    assertNotStrictEquals(
      slab.copy(changed, start, end, 0, createOwner()).buffer,
      changed.buffer,
      what,
    );
  }
  // All but the last byte of the second one.
  const cut = chunk.slice(0, places[1]![1] - 1);
  const large = new Uint8Array(12_000);
  large.set(cut);
  const slab = createSlab({ sharing: false, keepsChunks: true });
  const view = large.subarray(0, cut.length);
  assertNotStrictEquals(slab.copy(view, start, end, 0, createOwner()).buffer, large.buffer);
});
