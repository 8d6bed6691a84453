/**
 * Counts the work that code does on text and bytes, so that a test can tell linear time from
 * quadratic by a number which is the same on every machine.
 */

/** What a call of a method costs; `result` is what it returned. */
type Cost = (self: { readonly length: number }, args: unknown[], result: unknown) => number;

const whole: Cost = (self) => self.length;
const ofResult: Cost = (_self, _args, result) => (result as { length: number }).length;

/** The methods by which readers look at text and bytes, and what each call of them costs. */
const METHODS: readonly (readonly [owner: object, name: string, cost: Cost])[] = [
  [String, "fromCharCode", (_self, args) => args.length],
  [String.prototype, "charCodeAt", () => 1],
  [String.prototype, "indexOf", whole],
  [String.prototype, "slice", ofResult],
  [String.prototype, "split", whole],
  [String.prototype, "toLowerCase", whole],
  [
    Object.getPrototypeOf(Uint8Array.prototype),
    "set",
    (_self, [source]) => whole(source as [], [], 0),
  ],
  [Object.getPrototypeOf(Uint8Array.prototype), "slice", ofResult],
];

/**
 * The characters and bytes that `run` has the methods above go through. `run` may add to it, with the
 * function it is given, what it can count itself.
 */
export function countWork(run: (add: (steps: number) => void) => void): number {
  let steps = 0;
  const originals = METHODS.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name)!);
  METHODS.forEach(([owner, name, cost], index) => {
    const original = originals[index]!;
    const counted = function (this: never, ...args: unknown[]): unknown {
      const result = Reflect.apply(original.value, this, args);
      steps += cost(this, args, result);
      return result;
    };
    Object.defineProperty(owner, name, { ...original, value: counted });
  });
  try {
    run((more) => steps += more);
  } finally {
    METHODS.forEach(([owner, name], index) => {
      Object.defineProperty(owner, name, originals[index]!);
    });
  }
  return steps;
}

/**
 * `bytes` as an array that reports each look at one of them. What is done with a part of it is for
 * {@linkcode countWork} to count.
 */
export function watched(bytes: Uint8Array, report: (steps: number) => void): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      if (key === "length") return target.length;
      if (key === "subarray") return target.subarray.bind(target);
      if (typeof key === "symbol" || Number.isNaN(Number(key))) {
        throw new Error(`A look at ${String(key)} would not be counted`);
      }
      report(1);
      return target[Number(key)];
    },
  });
}
