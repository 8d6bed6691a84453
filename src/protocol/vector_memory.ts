/**
 * Memory that is masked by vector instructions, sixteen bytes at a time. The language has none; a
 * WebAssembly module has, for its own memory.
 *
 * To copy bytes there and back takes as long as masking them by words. So this is for bytes that
 * come here in any case: what a transport reads and is then copied out, and text that is gathered
 * from pieces and then decoded.
 */

/** What a buffer is taken for. */
export type VectorBufferUse = "read" | "text";

/**
 * The size of the buffers, in bytes, and how many there are for all connections of the process. They
 * take memory once used: at most 4 MiB for each use.
 *
 * - 64 KiB by a handler on Deno, 4 on each of 4 connections, took 32.3 µs with masking by words,
 *   31.3 by vectors in buffers of 64 KiB, 28.1 in these, in which a message comes with one read, and
 *   30.7 in such of 256; 1 MiB took 549, 494, 432 and 464.
 * - Text of 1 MiB by a handler on Bun, which reads where it likes, takes 630 µs without a buffer to
 *   gather it in, and 530 with.
 */
const BUFFERS: Readonly<
  Record<VectorBufferUse, { readonly size: number; readonly count: number }>
> = {
  read: { size: 128 * 1024, count: 32 },
  text: { size: 1024 * 1024, count: 4 },
};

/** The size of a buffer to read into, in bytes. */
export const VECTOR_READ_SIZE: number = BUFFERS.read.size;
/** The size of a buffer to gather text in, in bytes. */
export const VECTOR_TEXT_SIZE: number = BUFFERS.text.size;

/**
 * From this length on vectors are faster than words, though masking by them is a call into another
 * module: 64 KiB take 0.7 µs on Deno, and by words 3.5.
 */
export const VECTORS_FROM = 512;

/** How many bytes are masked in one step. */
const STEP = 64;

/** What the buffers are views of; `undefined` until the first one is asked for. */
let memory: ArrayBuffer | undefined;
/**
 * Masks `memory[start, end)`, a multiple of {@linkcode STEP}; zero if all of it is ASCII then.
 */
let mask: (start: number, end: number, key: number) => number;
/** The buffers that nobody has. */
let free: Record<VectorBufferUse, Uint8Array<ArrayBuffer>[]> | undefined;

/** Takes a buffer; `undefined` where none is free, or the host has no vectors. */
export function takeVectorBuffer(use: VectorBufferUse): Uint8Array<ArrayBuffer> | undefined {
  free ??= createBuffers();
  return free[use].pop();
}

/** Gives a buffer back; `false` if the array is none. */
export function returnVectorBuffer(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (!isVectorMemory(bytes)) return false;
  free![bytes.length === VECTOR_TEXT_SIZE ? "text" : "read"].push(bytes);
  return true;
}

/** Whether an array is in one of the buffers. */
export function isVectorMemory(bytes: Uint8Array): boolean {
  return bytes.buffer === memory;
}

/**
 * How far vectors can mask `bytes[start, end)`: whole steps, and up to `start` where the bytes are in
 * none of the buffers.
 */
export function endOfVectors(bytes: Uint8Array, start: number, end: number): number {
  return isVectorMemory(bytes) ? end - (end - start) % STEP : start;
}

/**
 * Masks `bytes[start, stop)`, which {@linkcode endOfVectors} has told and which is not empty, with a
 * key whose lowest byte masks the first byte, as it does behind `stop`. Returns whether what is
 * there now is ASCII.
 */
export function maskVectors(bytes: Uint8Array, start: number, stop: number, key: number): boolean {
  return mask(bytes.byteOffset + start, bytes.byteOffset + stop, key) === 0;
}

function createBuffers(): Record<VectorBufferUse, Uint8Array<ArrayBuffer>[]> {
  let exports;
  try {
    exports = new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports;
  } catch {
    // A host may forbid it, know no vectors, or have too few addresses left for the memory.
    return { read: [], text: [] };
  }
  const buffer = (exports.memory as WebAssembly.Memory).buffer as ArrayBuffer;
  memory = buffer;
  mask = exports.mask as typeof mask;
  let at = 0;
  const cut = ({ size, count }: typeof BUFFERS[VectorBufferUse]) =>
    Array.from({ length: count }, () => new Uint8Array(buffer, (at += size) - size, size));
  return { read: cut(BUFFERS.read), text: cut(BUFFERS.text) };
}

/** How many pages of WebAssembly's the memory has. */
const PAGES = Object.values(BUFFERS).reduce((sum, { size, count }) => sum + size * count, 0) /
  65536;

/** An unsigned number below 16,384 in LEB128, always by two bytes. */
const u14 = (value: number): readonly number[] => [0x80 | (value & 0x7f), value >>> 7];

/** `v128.xor` of sixteen bytes at `$at` plus an offset with `$keys`. */
const xorAt = (offset: number): readonly number[] => [
  ...[0x20, 0x00], // local.get $at, where to store
  ...[0x20, 0x00], // local.get $at
  ...[0xfd, 0x00, 0x00, offset], // v128.load offset
  ...[0x20, 0x03], // local.get $keys
  ...[0xfd, 0x51], // v128.xor
  ...[0x22, 0x04], // local.tee $word
  ...[0xfd, 0x0b, 0x00, offset], // v128.store offset
  ...[0x20, 0x05, 0x20, 0x04, 0xfd, 0x50, 0x21, 0x05], // $seen = v128.or($seen, $word)
];

/** The body of the function, its size left out. */
const BODY: readonly number[] = [
  ...[0x01, 0x03, 0x7b], // three locals: $keys, $word and $seen, each a v128
  ...[0x20, 0x02, 0xfd, 0x11, 0x21, 0x03], // $keys = i32x4.splat($key)
  ...[0x03, 0x40], // loop
  ...[0, 16, 32, 48].flatMap(xorAt),
  ...[0x20, 0x00, 0x41, 0xc0, 0x00, 0x6a, 0x22, 0x00], // $at = $at + 64, which stays on the stack
  ...[0x20, 0x01, 0x49, 0x0d, 0x00], // br_if 0 ($at < $end, unsigned)
  ...[0x0b], // end of loop
  ...[0x20, 0x05, 0xfd, 0x64, 0x0b], // i8x16.bitmask($seen), end of function
];

/** A module that exports `memory` and `mask($at, $end, $key)`. */
const MODULE: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 8, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f], // types: (i32, i32, i32) -> i32
  ...[0x03, 2, 1, 0], // functions: one, of type 0
  ...[0x05, 6, 1, 0x01, ...u14(PAGES), ...u14(PAGES)], // memories: one, that does not grow
  ...[0x07, 17, 2], // exports:
  ...[6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0], // "memory", memory 0
  ...[4, 0x6d, 0x61, 0x73, 0x6b, 0x00, 0], // "mask", function 0
  ...[0x0a, ...u14(BODY.length + 3), 1, ...u14(BODY.length), ...BODY], // code: one function
);
