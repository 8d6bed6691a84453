import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import {
  endOfVectors,
  isVectorMemory,
  maskVectors,
  returnVectorBuffer,
  takeVectorBuffer,
  VECTOR_READ_SIZE,
  VECTOR_TEXT_SIZE,
  type VectorBufferUse,
} from "../../src/protocol/vector_memory.ts";
import { test } from "../harness.ts";
import { KEY, maskNaively } from "./frames.ts";

const key = KEY[0]! | KEY[1]! << 8 | KEY[2]! << 16 | KEY[3]! << 24;

/** Lends a test a buffer. */
function withBuffer(
  use: (buffer: Uint8Array<ArrayBuffer>) => void,
  kind: VectorBufferUse = "read",
): void {
  const buffer = takeVectorBuffer(kind);
  assert(buffer !== undefined);
  try {
    use(buffer);
  } finally {
    assert(returnVectorBuffer(buffer));
  }
}

function createBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) % 251);
}

test("maskVectors equals a plain loop at every length and place (RFC 6455 5.3)", () => {
  withBuffer((buffer) => {
    for (let length = 0; length <= 300; length++) {
      for (const start of [0, 1, 2, 3, 4, 15, 16, 63]) {
        const bytes = createBytes(start + length + 70);
        buffer.set(bytes);
        const stop = endOfVectors(buffer, start, start + length);
        assert(stop <= start + length && start + length - stop < 64, `length ${length}`);
        if (stop === start) continue;
        maskVectors(buffer, start, stop, key);
        bytes.set(maskNaively(bytes.slice(start, stop), KEY), start);
        assertEquals(buffer.slice(0, bytes.length), bytes, `length ${length} from ${start}`);
      }
    }
  });
});

test("maskVectors takes a view of a buffer, whole buffers, and keys with the sign bit set", () => {
  for (const use of ["read", "text"] as const) {
    withBuffer((buffer) => {
      const bytes = createBytes(buffer.length);
      const signed = [0x37, 0xfa, 0x21, 0x9d];
      const masked = maskNaively(bytes, signed);
      for (const form of [0x9d21fa37, 0x9d21fa37 | 0]) {
        buffer.set(bytes);
        assertEquals(endOfVectors(buffer, 0, buffer.length), buffer.length);
        maskVectors(buffer, 0, buffer.length, form);
        assert(areEqual(buffer, masked));
      }
      buffer.set(bytes);
      const view = buffer.subarray(1000, 5000);
      assertEquals(endOfVectors(view, 10, 1300), 1290);
      maskVectors(view, 10, 1290, key);
      const expected = bytes.slice();
      expected.set(maskNaively(bytes.slice(1010, 2290), KEY), 1010);
      assert(areEqual(buffer, expected));
    }, use);
  }
});

test("maskVectors tells whether what it has unmasked is ASCII, wherever it is not", () => {
  withBuffer((buffer) => {
    for (const size of [64, 128, 640]) {
      for (let at = -1; at <= size; at++) {
        for (const byte of [0x7f, 0x80, 0xff]) {
          const text = new Uint8Array(size + 2).fill(0x61);
          text[at + 1] = byte;
          buffer.set(text, 2);
          // What is before and behind it is of no account.
          const isAscii = byte < 0x80 || at < 0 || at === size;
          buffer.set(maskNaively(text.slice(1, size + 1), KEY), 3);
          assertEquals(maskVectors(buffer, 3, 3 + size, key), isAscii, `${byte} at ${at}`);
          assertEquals(maskVectors(buffer, 3, 3 + size, 0), isAscii, `${byte} at ${at}, unmasked`);
        }
      }
    }
  });
});

test("endOfVectors leaves other memory alone", () => {
  withBuffer((buffer) => {
    const bytes = createBytes(1000);
    assertEquals(endOfVectors(bytes, 3, 900), 3);
    assert(!isVectorMemory(bytes));
    assert(isVectorMemory(buffer.subarray(10, 20)));
    assert(!returnVectorBuffer(new Uint8Array(VECTOR_READ_SIZE)));
    assert(!returnVectorBuffer(new Uint8Array(VECTOR_TEXT_SIZE)));
  });
});

test("takeVectorBuffer lends buffers for either use, none within another, and takes them back", () => {
  const all = { read: [] as Uint8Array<ArrayBuffer>[], text: [] as Uint8Array<ArrayBuffer>[] };
  for (const use of ["read", "text"] as const) {
    for (let next = takeVectorBuffer(use); next !== undefined; next = takeVectorBuffer(use)) {
      all[use].push(next);
    }
  }
  const buffers = [...all.read, ...all.text];
  try {
    assertEquals([all.read.length, all.text.length], [32, 4]);
    assert(all.read.every(({ length }) => length === VECTOR_READ_SIZE));
    assert(all.text.every(({ length }) => length === VECTOR_TEXT_SIZE));
    buffers.forEach((buffer, i) => buffer.fill(i));
    buffers.forEach((buffer, i) => assert(buffer.every((byte) => byte === i)));
    for (const use of ["read", "text"] as const) {
      assertStrictEquals(takeVectorBuffer(use), undefined);
      assert(returnVectorBuffer(all[use][1]!));
      assertStrictEquals(takeVectorBuffer(use), all[use][1]);
      assertNotStrictEquals(all[use][0], all[use][1]);
    }
  } finally {
    for (const buffer of buffers) returnVectorBuffer(buffer);
  }
});

test("takeVectorBuffer lends nothing where the host forbids WebAssembly, or has none", async () => {
  const original = WebAssembly.Module;
  for (const replacement of [forbid, undefined]) {
    Object.assign(WebAssembly, { Module: replacement });
    try {
      // An instance of the module for itself, which has not asked the host yet.
      const url = `../../src/protocol/vector_memory.ts?${
        replacement === undefined ? "none" : "no"
      }`;
      const fresh: typeof import("../../src/protocol/vector_memory.ts") = await import(url);
      assertStrictEquals(fresh.takeVectorBuffer("read"), undefined);
      assertStrictEquals(fresh.takeVectorBuffer("text"), undefined);
      assertEquals(fresh.endOfVectors(createBytes(100), 0, 100), 0);
      assert(!fresh.isVectorMemory(createBytes(100)));
      assert(!fresh.returnVectorBuffer(new Uint8Array(VECTOR_READ_SIZE)));
    } finally {
      WebAssembly.Module = original;
    }
  }
});

function forbid(): never {
  throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
}

/** What `assertEquals` takes seconds for where there is a megabyte. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
