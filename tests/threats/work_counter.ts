/**
 * Counts what code that handles frames does with memory: bytes allocated, copied and decoded. The
 * number is the same on every machine, so that a test can tell linear work from quadratic.
 */

/** What a call costs. */
type Cost = (self: { readonly length: number }, args: readonly unknown[]) => number;

const lengthOf = (value: unknown): number =>
  (value as { readonly length?: number; readonly byteLength?: number } | undefined)?.length ??
    (value as { readonly byteLength?: number } | undefined)?.byteLength ?? 0;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);

const METHODS: readonly (readonly [owner: object, name: string, cost: Cost])[] = [
  [typedArray, "set", (_self, [source]) => lengthOf(source)],
  [typedArray, "slice", (self, [from = 0, to = self.length]) => Number(to) - Number(from)],
  [typedArray, "fill", (self) => self.length],
  [typedArray, "copyWithin", (self) => self.length],
  [TextDecoder.prototype, "decode", (_self, [source]) => lengthOf(source)],
];

/** The bytes that `run` allocates in arrays, copies and decodes. */
export function countBytes(run: () => void): number {
  let bytes = 0;
  const { Uint8Array: Original, ArrayBuffer: OriginalBuffer } = globalThis;
  const counting = <T extends object>(constructor: T): T =>
    new Proxy(constructor, {
      construct(target, args, newTarget) {
        if (typeof args[0] === "number") bytes += args[0];
        return Reflect.construct(target as never, args, newTarget);
      },
    });
  const originals = METHODS.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name)!);
  METHODS.forEach(([owner, name, cost], index) => {
    const { value } = originals[index]!;
    Object.defineProperty(owner, name, {
      ...originals[index]!,
      value(this: { readonly length: number }, ...args: unknown[]): unknown {
        bytes += cost(this, args);
        return Reflect.apply(value, this, args);
      },
    });
  });
  globalThis.Uint8Array = counting(Original);
  globalThis.ArrayBuffer = counting(OriginalBuffer);
  try {
    run();
  } finally {
    globalThis.Uint8Array = Original;
    globalThis.ArrayBuffer = OriginalBuffer;
    METHODS.forEach(([owner, name], index) => {
      Object.defineProperty(owner, name, originals[index]!);
    });
  }
  return bytes;
}
