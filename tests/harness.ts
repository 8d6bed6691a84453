/**
 * `test` of the runtime that runs the file, so that one suite serves Deno and Bun.
 */

type TestFunction = () => void | Promise<void>;

interface BunTest {
  (name: string, fn: TestFunction, timeout?: number): void;
  skip(name: string, fn: TestFunction): void;
}

/** The runtime that runs the tests. */
export const runtime: "deno" | "bun" = "Bun" in globalThis ? "bun" : "deno";

const bunTest: BunTest | undefined = runtime === "bun"
  ? (await import("bun:" + "test")).test
  : undefined;

/** What a test may say of itself. */
export interface TestOptions {
  /** Why the test cannot run here; it is then reported as skipped, with the reason. */
  readonly skip?: string | undefined;
  /** Milliseconds until Bun gives the test up (Deno has no limit). */
  readonly timeout?: number;
}

/** Registers a test. */
export function test(name: string, fn: TestFunction, options: TestOptions = {}): void {
  const title = options.skip === undefined ? name : `${name} (skipped: ${options.skip})`;
  if (bunTest === undefined) {
    Deno.test({ name: title, ignore: options.skip !== undefined, fn });
  } else if (options.skip !== undefined) {
    bunTest.skip(title, fn);
  } else {
    bunTest(title, fn, options.timeout ?? 30_000);
  }
}

/** Every way of cutting `bytes` that inbound vectors are fed in: whole, in single bytes, and in two at every point. */
export function* chunkings(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes.slice()];
  yield Array.from(bytes, (byte) => Uint8Array.of(byte));
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
}

/** A seeded generator of pseudo-random integers (mulberry32); tests that use it name the seed in their failure. */
export function randomSource(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
