import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import {
  maskVectors,
  returnVectorBuffer,
  takeVectorBuffer,
  VECTOR_BUFFER_SIZE,
} from "../../src/protocol/vector_memory.ts";
import { test } from "../harness.ts";
import { KEY, maskNaively } from "./frames.ts";

const key = KEY[0]! | KEY[1]! << 8 | KEY[2]! << 16 | KEY[3]! << 24;

/** Lends a test a buffer. */
function withBuffer(use: (buffer: Uint8Array<ArrayBuffer>) => void): void {
  const buffer = takeVectorBuffer();
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
        const stop = maskVectors(buffer, start, start + length, key);
        assert(stop <= start + length && start + length - stop < 64, `length ${length}`);
        bytes.set(maskNaively(bytes.slice(start, stop), KEY), start);
        assertEquals(buffer.slice(0, bytes.length), bytes, `length ${length} from ${start}`);
      }
    }
  });
});

test("maskVectors takes a view of a buffer, whole buffers, and keys with the sign bit set", () => {
  withBuffer((buffer) => {
    const bytes = createBytes(buffer.length);
    const signed = [0x37, 0xfa, 0x21, 0x9d];
    for (const form of [0x9d21fa37, 0x9d21fa37 | 0]) {
      buffer.set(bytes);
      assertEquals(maskVectors(buffer, 0, buffer.length, form), buffer.length);
      assertEquals(buffer, maskNaively(bytes, signed));
    }
    buffer.set(bytes);
    const view = buffer.subarray(1000, 5000);
    assertEquals(maskVectors(view, 10, 1290, key), 1290);
    const expected = bytes.slice();
    expected.set(maskNaively(bytes.slice(1010, 2290), KEY), 1010);
    assertEquals(buffer, expected);
  });
});

test("maskVectors leaves other memory alone", () => {
  withBuffer(() => {
    const bytes = createBytes(1000);
    assertEquals(maskVectors(bytes, 3, 900, key), 3);
    assertEquals(bytes, createBytes(1000));
    assert(!returnVectorBuffer(new Uint8Array(VECTOR_BUFFER_SIZE)));
  });
});

test("takeVectorBuffer lends 32 buffers, which do not overlap, and takes them back", () => {
  const buffers: Uint8Array<ArrayBuffer>[] = [];
  for (let next = takeVectorBuffer(); next !== undefined; next = takeVectorBuffer()) {
    buffers.push(next);
  }
  try {
    assertEquals(buffers.length, 32);
    assertEquals(new Set(buffers.map(({ length }) => length)), new Set([VECTOR_BUFFER_SIZE]));
    buffers.forEach((buffer, i) => buffer.fill(i));
    buffers.forEach((buffer, i) => assert(buffer.every((byte) => byte === i)));
    assertStrictEquals(takeVectorBuffer(), undefined);
    assert(returnVectorBuffer(buffers[5]!));
    assertStrictEquals(takeVectorBuffer(), buffers[5]);
    assertNotStrictEquals(buffers[4], buffers[5]);
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
      assertStrictEquals(fresh.takeVectorBuffer(), undefined);
      assertEquals(fresh.maskVectors(createBytes(100), 0, 100, key), 0);
      assert(!fresh.returnVectorBuffer(new Uint8Array(VECTOR_BUFFER_SIZE)));
    } finally {
      WebAssembly.Module = original;
    }
  }
});

function forbid(): never {
  throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
}
