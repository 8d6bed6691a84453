/**
 * What a fuzzer is, how cases are run, and how a failing one is made small.
 *
 * An input is bytes and nothing else, settings included: {@linkcode Settings} reads them from its
 * front. So one shrinker serves all fuzzers, and a failure is repeated from the bytes alone.
 */

import { assertEquals } from "@std/assert";
import { Random } from "./random.ts";

/** Checks one part of the library. */
export interface Fuzzer {
  /** Names it on the command line and in failures. */
  readonly name: string;
  /** A random input. */
  generate(random: Random): Uint8Array;
  /** Throws or rejects where what the library makes of the input is wrong. Takes every input. */
  check(input: Uint8Array): void | Promise<void>;
}

/** Reads settings from the front of an input; what is not there counts as zeros. */
export class Settings {
  readonly #input: Uint8Array;
  #at = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  /** The next byte. */
  byte(): number {
    return this.#input[this.#at++] ?? 0;
  }

  /** The next two bytes, as one number. */
  word(): number {
    return this.byte() << 8 | this.byte();
  }

  /** One of the values, the first one for a byte of 0. */
  pick<T>(values: readonly T[]): T {
    return values[this.byte() % values.length]!;
  }

  /** Whether bytes are left. */
  get more(): boolean {
    return this.#at < this.#input.length;
  }

  /** A copy of what is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#input.subarray(this.#at));
  }
}

/**
 * How an input is cut into pieces, read from two bytes of settings: whole, or in pieces of random
 * sizes up to the first byte's square.
 */
export class Chunking {
  readonly #most: number;
  readonly #seed: number;

  constructor(settings: Settings) {
    this.#most = settings.byte() ** 2;
    this.#seed = settings.byte();
  }

  /** Copies of the pieces. */
  cut(bytes: Uint8Array): Iterable<Uint8Array<ArrayBuffer>> {
    if (this.#most === 0) return bytes.length === 0 ? [] : [new Uint8Array(bytes)];
    return new Random(this.#seed).pieces(bytes, this.#most);
  }
}

/** Makes settings for {@linkcode Chunking}: whole often, single bytes often. */
export function randomChunking(random: Random): number[] {
  return [random.pick([0, 1, 2, 3, random.below(16), random.below(256)]), random.below(256)];
}

/** An input that failed. */
export interface Failure {
  /** Which fuzzer failed. */
  readonly name: string;
  /** The seed that gives the input as the first case. */
  readonly seed: number;
  /** The smallest input found that fails as well. */
  readonly input: Uint8Array;
  /** What it failed with. */
  readonly error: unknown;
}

/** Runs the case of a seed. */
export async function runCase(fuzzer: Fuzzer, seed: number): Promise<Failure | undefined> {
  const input = fuzzer.generate(new Random(seed));
  if (await failureOf(fuzzer, input) === undefined) return undefined;
  const fails = async (smaller: Uint8Array) => await failureOf(fuzzer, smaller) !== undefined;
  const shrunk = await shrink(input, fails);
  const { error } = (await failureOf(fuzzer, shrunk))!;
  return { name: fuzzer.name, seed, input: shrunk, error };
}

async function failureOf(
  fuzzer: Fuzzer,
  input: Uint8Array,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    await fuzzer.check(input.slice());
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** How often a shrinker tries, at most, and with how many bytes in all. */
const MAX_TRIES = 4000;
const MAX_TRIED_BYTES = 4_000_000;

/**
 * The smallest input found that `fails`: parts are left out, from halves down to single bytes, then
 * bytes are set to zero, until nothing of that fails any more.
 */
export async function shrink(
  input: Uint8Array,
  fails: (input: Uint8Array) => boolean | Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let tries = 0;
  let bytes = 0;
  const isTired = (): boolean => tries >= MAX_TRIES || bytes >= MAX_TRIED_BYTES;
  const attempt = async (candidate: Uint8Array): Promise<boolean> => {
    if (isTired()) return false;
    tries++;
    bytes += candidate.length;
    if (!await fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let before = undefined as Uint8Array | undefined; before !== best && !isTired();) {
    before = best;
    for (let size = best.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at < best.length;) {
        if (!await attempt(without(best, at, size))) at += size;
      }
    }
    for (let at = 0; at < best.length; at++) {
      if (best[at] !== 0) await attempt(best.with(at, 0));
    }
  }
  return best;
}

function without(bytes: Uint8Array, at: number, size: number): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + size)]);
}

/** Bytes as hexadecimal numbers. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** A failure in words, with what is needed to see it again. */
export function describeFailure({ name, seed, input, error }: Failure): string {
  const reason = error instanceof Error ? error.stack ?? error.message : String(error);
  return [
    `${name} fails with seed ${seed} (task fuzz --only ${name} --seed ${seed})`,
    `shrunk to ${input.length} bytes: ${toHex(input)}`,
    reason,
  ].join("\n");
}

/** `assertEquals` for plain values that are mostly equal and may be large: quick unless they differ. */
export function assertSame(actual: unknown, expected: unknown, message?: string): void {
  if (serialize(actual) !== serialize(expected)) assertEquals(actual, expected, message);
}

function serialize(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) => typeof part === "bigint" ? String(part) : part === undefined ? null : part,
  );
}

/** Compares bytes. */
export function assertSameBytes(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  message: string = "bytes",
): void {
  assertEquals(actual.length, expected.length, `${message}: length`);
  for (let i = 0; i < actual.length; i++) {
    if (actual[i] !== expected[i]) {
      assertEquals(actual[i], expected[i], `${message}: byte ${i} of ${actual.length}`);
    }
  }
}
