import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { ConnectionSlab } from "../../src/protocol/connection_slab.ts";
import { UNMASKED_WHILE_COPIED } from "../../src/protocol/mask.ts";
import { commonSlab, PayloadSlab, type SlabOptions } from "../../src/protocol/payload_slab.ts";
import { test } from "../harness.ts";
import { BINARY, concat, CONTINUATION, frame, PING, TEXT } from "./frames.ts";

function createSlab(options: Partial<SlabOptions> = {}): PayloadSlab {
  return new PayloadSlab({ sharing: true, keepsChunks: false, ...options });
}

/** What a connection has of its own. */
function createOwner(): { readonly connectionSlab: ConnectionSlab } {
  return { connectionSlab: new ConnectionSlab() };
}

/** Bytes that differ from their neighbours. */
function createPayload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i % 251);
}

interface Messages {
  readonly chunk: Uint8Array;
  /** Where each payload is. */
  readonly places: readonly (readonly [start: number, end: number])[];
}

/** A chunk of binary messages of these sizes, masked with 0. */
function createMessages(...sizes: number[]): Messages {
  const frames = sizes.map((size) => frame(BINARY, createPayload(size), { key: [0, 0, 0, 0] }));
  const chunk = concat(...frames);
  let at = 0;
  const places = frames.map((each, i) => {
    at += each.length;
    return [at - sizes[i]!, at] as const;
  });
  return { chunk, places };
}

function copyAll(slab: PayloadSlab, { chunk, places }: Messages): Uint8Array[] {
  return places.map(([start, end]) => slab.extract(chunk, start, end, 0, createOwner()));
}

/** Many messages of one size in one chunk. */
function repeated(size: number, count: number): Messages {
  return createMessages(...Array<number>(count).fill(size));
}

/** More than "few" bytes, none of which is a message that is counted. */
const MUCH = frame(TEXT, new Uint8Array(600), { key: [0, 0, 0, 0] });

/** The same messages with {@linkcode MUCH} behind them, so that they share a buffer. */
function withMuchBehind({ chunk, places }: Messages): Messages {
  return { chunk: concat(chunk, MUCH), places };
}

test("PayloadSlab copies each payload, whatever its size", () => {
  for (const size of [1, 2, 15, 16, 64, 65, 125, 1024, 1025, 5000]) {
    const copies = copyAll(createSlab(), repeated(size, 12));
    assertEquals(copies, Array(12).fill(createPayload(size)), `size ${size}`);
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
      const plain = createPayload(size);
      const masked = plain.map((byte, i) => byte ^ key[i % 4]!);
      // Alone, and one of several in a chunk that is itself a view.
      for (const before of [1, 2, 3, 4]) {
        for (const behind of [0, 5, 600]) {
          const whole = Uint8Array.of(
            ...new Uint8Array(before),
            ...masked,
            ...masked,
            ...new Uint8Array(behind),
          );
          const chunk = whole.subarray(before);
          const slab = createSlab({ sharing });
          for (const start of behind === 0 ? [size] : [0, size]) {
            const copy = slab.extract(chunk.slice(), start, start + size, word, createOwner());
            assertEquals(copy, plain, `size ${size}, offset ${before}, sharing ${sharing}`);
            const other = slab.extract(chunk, start, start + size, word, createOwner());
            assertEquals(other, plain, `size ${size}, offset ${before}, sharing ${sharing}`);
          }
        }
      }
    }
  }
});

test("PayloadSlab lets small payloads of one chunk share a buffer, without overlap", () => {
  const copies = copyAll(createSlab(), repeated(20, 40));
  assertEquals(new Set(copies.map(({ buffer }) => buffer)).size, 1);
  assertEquals(copies[0]!.buffer.byteLength, 40 * 24);
  const before = copies[1]!.slice();
  copies[0]!.fill(0xff);
  assertEquals(copies[1], before);
});

test("PayloadSlab aligns payloads to eight bytes", () => {
  for (const messages of [repeated(13, 10), repeated(13, 100)]) {
    for (const copy of copyAll(createSlab(), messages)) assertEquals(copy.byteOffset % 8, 0);
  }
});

test("PayloadSlab lets small payloads that come few with a read share buffers of their connection", () => {
  for (const count of [1, 2, 16]) {
    const slab = createSlab(), [one, other] = [createOwner(), createOwner()];
    const { chunk, places } = repeated(16, count);
    const copiesFor = (owner: ReturnType<typeof createOwner>) => {
      const copies = places.map(([start, end]) => slab.extract(chunk, start, end, 0, owner));
      slab.drop();
      return copies;
    };
    const copies = Array.from({ length: 48 / count }, () => copiesFor(one)).flat();
    assertEquals(copies, Array(48).fill(createPayload(16)));
    const [first, second] = [copies.slice(0, 32), copies.slice(32)];
    assertEquals(new Set(first.map(({ buffer }) => buffer)).size, 1, `${count} with a read`);
    assertEquals(new Set(second.map(({ buffer }) => buffer)).size, 1);
    assertEquals(first[0]!.buffer.byteLength, 512);
    assertNotStrictEquals(second[0]!.buffer, first[0]!.buffer);
    assertNotStrictEquals(copiesFor(other)[0]!.buffer, second[0]!.buffer);
  }
});

test("PayloadSlab takes one buffer for a chunk from more than 512 bytes behind the first payload on", () => {
  for (const [behind, own] of [[512, true], [513, false]] as const) {
    const { chunk, places: [[start, end]] } = createMessages(16) as Messages & {
      places: [readonly [number, number]];
    };
    const owner = createOwner();
    const copy = createSlab().extract(
      concat(chunk, new Uint8Array(behind)),
      start,
      end,
      0,
      owner,
    );
    const next = owner.connectionSlab.extract(chunk, start, end, 0);
    assertEquals(copy.buffer === next.buffer, own, `${behind} bytes`);
  }
});

test("PayloadSlab lets payloads of more than 256 bytes share as soon as there are two", () => {
  const [first, second] = copyAll(createSlab(), repeated(257, 2));
  assertStrictEquals(first!.buffer, second!.buffer);
  const alone = createSlab().extract(createPayload(257), 0, 257, 0, createOwner());
  assertEquals(alone.buffer.byteLength, 257);
});

test("PayloadSlab gives a large payload a buffer of its own", () => {
  const [first, second] = copyAll(createSlab(), repeated(1025, 2));
  assertNotStrictEquals(first!.buffer, second!.buffer);
  assertEquals(first!.buffer.byteLength, 1025);
});

test("PayloadSlab keeps no more than 8 KiB alive by one payload", () => {
  for (const copy of copyAll(createSlab(), repeated(100, 2000))) {
    assert(copy.buffer.byteLength <= 8192);
  }
});

test("PayloadSlab takes room for the messages of a chunk and for nothing else in it", () => {
  const key = { key: [0, 0, 0, 0] } as const;
  const others: Readonly<Record<string, Uint8Array>> = {
    nothing: new Uint8Array(0),
    "the start of a frame": Uint8Array.of(0x82, 0xfe, 1),
    "a message that is cut": frame(BINARY, new Uint8Array(900), key).subarray(0, 800),
    "a large message": frame(BINARY, new Uint8Array(1025), key),
    text: frame(TEXT, new Uint8Array(900), key),
    "a fragment": frame(BINARY, new Uint8Array(900), { ...key, fin: false }),
    "a compressed message": frame(BINARY, new Uint8Array(900), { ...key, reserved: 4 }),
    pings: concat(...Array<Uint8Array>(9).fill(frame(PING, new Uint8Array(125), key))),
  };
  for (const [what, other] of Object.entries(others)) {
    for (const sizes of [[1, 3], [16, 16, 16], [600, 7, 125], [1, 1024]]) {
      // Alternately, so that the others are in between and behind.
      const frames = sizes.flatMap((size) => [frame(BINARY, createPayload(size), key), other]);
      // What is cut can only be the last.
      const isCut = what.includes("cut") || what.includes("start");
      const messages = isCut ? [createMessages(...sizes).chunk] : frames;
      const chunk = concat(...messages, MUCH, ...(isCut ? [other] : []));
      const slab = createSlab();
      const room = sizes.reduce((sum, size) => sum + ((size + 7) & ~7), 0);
      let at = 0;
      const buffers = new Set<ArrayBufferLike>();
      for (const size of sizes) {
        const start = at + (size < 126 ? 6 : 8);
        buffers.add(slab.extract(chunk, start, start + size, 0, createOwner()).buffer);
        at = start + size + (isCut ? 0 : other.length);
      }
      const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
      assert(buffers.size === 1 && held === room, `${what}: ${held} bytes for ${room}`);
    }
  }
});

test("PayloadSlab looks for no room on behalf of empty messages", () => {
  const { chunk, places } = createMessages(0, ...Array<number>(50).fill(1000));
  const [start, end] = places[0]!;
  const owner = createOwner();
  const copy = createSlab().extract(chunk, start, end, 0, owner);
  assertStrictEquals(copy.buffer, owner.connectionSlab.extract(chunk, start, end, 0).buffer);
});

test("PayloadSlab takes room by each header, though two bytes of them are alike", () => {
  // Lengths in the form of two bytes: the first two of their headers say nothing of them.
  const short = concat(Uint8Array.of(0x82, 126, 0, 64), new Uint8Array(64));
  const long = concat(Uint8Array.of(0x82, 126, 0x0f, 0xa0), new Uint8Array(4000).fill(0x82));
  for (let at = 4; at + 1 < long.length; at += 68) long.set([0x82, 126], at);
  const chunk = concat(frame(BINARY, createPayload(8)), short, long);
  assert(chunk.length > 600);
  const copy = createSlab().extract(chunk, 2, 10, 0, createOwner());
  assertEquals(copy.buffer.byteLength, 8 + 64);
});

test("PayloadSlab shares on where what is counted is a little more than a buffer holds", () => {
  const copies = copyAll(createSlab(), createMessages(1024, ...Array(1016).fill(8)));
  assertEquals(new Set(copies.map((copy) => copy.buffer)).size, 2);
});

test("PayloadSlab looks through a chunk once, whatever there is that it does not count", () => {
  const [once, more] = [500, 4_000].map((count) => {
    // Messages of an empty fragment and of one byte; the last one comes in one frame, and is counted.
    const start = frame(BINARY, "", { fin: false, key: [0, 0, 0, 0] });
    const end = frame(CONTINUATION, "a", { key: [0, 0, 0, 0] });
    const last = frame(BINARY, "a", { key: [0, 0, 0, 0] });
    const chunk = concat(...Array(count).fill([start, end]).flat(), last);
    let looks = 0;
    const read = new Proxy(chunk, {
      get(target, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) looks++;
        return Reflect.get(target, key);
      },
    });
    const slab = createSlab();
    for (let i = 1; i <= count; i++) {
      const at = i * (start.length + end.length);
      slab.extract(read, at - 1, at, 0, createOwner());
    }
    return looks;
  });
  assert(once! > 500 && more! < 10 * once!, `${once} looks become ${more}`);
});

test("PayloadSlab shares nothing between chunks, nor once a chunk is done with", () => {
  const slab = createSlab();
  const [one, other] = [
    withMuchBehind(repeated(16, 4)).chunk,
    withMuchBehind(repeated(16, 4)).chunk,
  ];
  const first = slab.extract(one, 6, 22, 0, createOwner());
  const second = slab.extract(other, 6, 22, 0, createOwner());
  assertNotStrictEquals(second.buffer, first.buffer);
  // As where the message of one connection makes another one receive.
  const third = slab.extract(one, 28, 44, 0, createOwner());
  assertNotStrictEquals(third.buffer, first.buffer);
  assertNotStrictEquals(third.buffer, second.buffer);
  slab.drop();
  assertNotStrictEquals(slab.extract(one, 50, 66, 0, createOwner()).buffer, third.buffer);
});

test("commonSlab gives one slab for all that want the same", () => {
  const chosen = [false, true].flatMap((sharing) =>
    [false, true].map((keepsChunks) => commonSlab({ sharing, keepsChunks }))
  );
  assertEquals(new Set(chosen).size, 4);
  assertStrictEquals(commonSlab({ sharing: true, keepsChunks: true }), chosen[3]);
  const { chunk } = withMuchBehind(repeated(16, 4));
  const [apart, kept, shared] = chosen.map((slab) =>
    slab.extract(chunk, 6, 22, 0, createOwner()).buffer.byteLength
  );
  assertEquals([apart, kept, shared], [16, 16, 64]);
  for (const slab of chosen) slab.drop();
});

test("PayloadSlab shares nothing where arrays are cheap", () => {
  const slab = createSlab({ sharing: false });
  for (const copy of copyAll(slab, repeated(16, 4))) {
    assertEquals(copy.buffer.byteLength, 16);
  }
});

test("PayloadSlab keeps a chunk that is its own where the payload is much of it", () => {
  const slab = createSlab({ sharing: false, keepsChunks: true });
  const chunk = createPayload(3000);
  const plain = chunk.slice();
  const most = slab.extract(chunk, 14, 3000, 0, createOwner());
  assertStrictEquals(most.buffer, chunk.buffer);
  assertEquals(most, plain.slice(14));
  assertStrictEquals(slab.extract(chunk, 14, 1514, 0, createOwner()).buffer, chunk.buffer);
  assertNotStrictEquals(slab.extract(chunk, 14, 1513, 0, createOwner()).buffer, chunk.buffer);
});

/** Which of the messages are views of their chunk. */
function viewsOf({ chunk, places }: Messages): boolean[] {
  const slab = createSlab({ sharing: false, keepsChunks: true });
  const views = places.map(([start, end]) =>
    slab.extract(chunk, start, end, 0, createOwner()).buffer === chunk.buffer
  );
  slab.drop();
  return views;
}

test("PayloadSlab keeps a chunk where several large payloads together are much of it", () => {
  assertEquals(viewsOf(createMessages(3000, 3000, 3000)), [true, true, true]);
  assertEquals(viewsOf(createMessages(3000, 3000, 100, 3000)), [true, true, false, true]);
  // Each has to be an eighth at least unless the chunk is small, and all together a half.
  assertEquals(viewsOf(createMessages(...Array(9).fill(4000))), Array(9).fill(false));
  assertEquals(viewsOf(createMessages(...Array(16).fill(1024))), Array(16).fill(true));
  assertEquals(viewsOf(createMessages(...Array(16).fill(1000))).includes(true), false);
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
      slab.extract(changed, start, end, 0, createOwner()).buffer,
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
  assertNotStrictEquals(slab.extract(view, start, end, 0, createOwner()).buffer, large.buffer);
});
