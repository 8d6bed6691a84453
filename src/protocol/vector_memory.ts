/**
 * Memory that is masked by vector instructions, sixteen bytes at a time. The language has none; a
 * WebAssembly module has, for its own memory.
 *
 * To copy bytes there and back takes as long as masking them by words. So this is for bytes that
 * arrive here in the first place: a transport reads into one of its buffers, and whatever is
 * received is copied out of that in any case.
 */

/**
 * The size of a buffer, in bytes. 64 KiB by a handler on Deno, 4 on each of 4 connections, took 32.3
 * µs with masking by words, 31.3 by vectors in buffers of 64 KiB, 28.1 in these, in which a message
 * comes with one read, and 30.7 in such of 256; 1 MiB took 549, 494, 432 and 464.
 */
export const VECTOR_BUFFER_SIZE: number = 128 * 1024;

/** How many there are for all connections of the process: 4 MiB, which take memory once used. */
const BUFFERS = 32;

/**
 * From this length on vectors are faster than words, though masking by them is a call into another
 * module: 64 KiB take 0.7 µs on Deno, and by words 3.5.
 */
export const VECTORS_FROM = 512;

/** How many bytes are masked in one step. */
const STEP = 64;

/** What the buffers are views of; `undefined` until the first one is asked for. */
let memory: ArrayBuffer | undefined;
/** Masks `memory[start, end)`, a multiple of {@linkcode STEP}. */
let mask: (start: number, end: number, key: number) => void;
/** The buffers that nobody has. */
let free: Uint8Array<ArrayBuffer>[] | undefined;

/** Takes a buffer; `undefined` where none is free, or the host has no vectors. */
export function takeVectorBuffer(): Uint8Array<ArrayBuffer> | undefined {
  free ??= createBuffers();
  return free.pop();
}

/** Gives a buffer back; `false` if the array is none. */
export function returnVectorBuffer(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (bytes.buffer !== memory) return false;
  free!.push(bytes);
  return true;
}

/**
 * Masks as much of `bytes[start, end)` as vectors can, with a key whose lowest byte masks the first
 * byte. Returns where the rest begins, which the same key masks: `start` where the bytes are in
 * none of the buffers.
 */
export function maskVectors(bytes: Uint8Array, start: number, end: number, key: number): number {
  if (bytes.buffer !== memory) return start;
  const stop = end - (end - start) % STEP;
  if (stop > start) mask(bytes.byteOffset + start, bytes.byteOffset + stop, key);
  return stop;
}

function createBuffers(): Uint8Array<ArrayBuffer>[] {
  let exports;
  try {
    exports = new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports;
  } catch {
    // A host may forbid it, know no vectors, or have too few addresses left for the memory.
    return [];
  }
  const buffer = (exports.memory as WebAssembly.Memory).buffer as ArrayBuffer;
  memory = buffer;
  mask = exports.mask as typeof mask;
  return Array.from(
    { length: BUFFERS },
    (_, i) => new Uint8Array(buffer, i * VECTOR_BUFFER_SIZE, VECTOR_BUFFER_SIZE),
  );
}

/** How many pages of WebAssembly's the memory has. */
const PAGES = BUFFERS * VECTOR_BUFFER_SIZE / 65536;

/** `v128.xor` of sixteen bytes at `$at` plus an offset with `$keys`. */
const xorAt = (offset: number): readonly number[] => [
  ...[0x20, 0x00], // local.get $at, where to store
  ...[0x20, 0x00], // local.get $at
  ...[0xfd, 0x00, 0x00, offset], // v128.load offset
  ...[0x20, 0x03], // local.get $keys
  ...[0xfd, 0x51], // v128.xor
  ...[0xfd, 0x0b, 0x00, offset], // v128.store offset
];

/** The body of the function, its size left out. */
const BODY: readonly number[] = [
  ...[0x01, 0x01, 0x7b], // one local: $keys, a v128
  ...[0x20, 0x02, 0xfd, 0x11, 0x21, 0x03], // $keys = i32x4.splat($key)
  ...[0x03, 0x40], // loop
  ...[0, 16, 32, 48].flatMap(xorAt),
  ...[0x20, 0x00, 0x41, 0xc0, 0x00, 0x6a, 0x22, 0x00], // $at = $at + 64, which stays on the stack
  ...[0x20, 0x01, 0x49, 0x0d, 0x00], // br_if 0 ($at < $end, unsigned)
  ...[0x0b, 0x0b], // end of loop, end of function
];

/** A module that exports `memory` and `mask($at, $end, $key)`. */
const MODULE: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0], // types: (i32, i32, i32) -> ()
  ...[0x03, 2, 1, 0], // functions: one, of type 0
  ...[0x05, 4, 1, 0x01, PAGES, PAGES], // memories: one, that does not grow
  ...[0x07, 17, 2], // exports:
  ...[6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0], // "memory", memory 0
  ...[4, 0x6d, 0x61, 0x73, 0x6b, 0x00, 0], // "mask", function 0
  ...[0x0a, BODY.length + 2, 1, BODY.length, ...BODY], // code: one function
);
