/** Counts the memory that code takes for bytes, so that a test can compare it with a formula. */

/** The classes whose instances hold bytes. */
const CLASSES = ["ArrayBuffer", "Uint8Array", "Uint16Array", "Int32Array", "Uint32Array"] as const;

interface Allocated {
  readonly byteLength: number;
}

/**
 * The bytes of all buffers that `run` makes, whether or not they are let go again: an upper bound of
 * what it holds at any time. Text is not counted.
 */
export function allocatedBy(run: () => void): number {
  let bytes = 0;
  const globals = globalThis as unknown as Record<string, unknown>;
  const originals = CLASSES.map((name) => globals[name]);
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as { slice: unknown };
  const slice = typedArray.slice as (...args: unknown[]) => Allocated;
  CLASSES.forEach((name, i) => {
    globals[name] = new Proxy(originals[i] as new (...args: unknown[]) => Allocated, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget) as Allocated;
        // Over a buffer that is there already, an array is a view.
        if (!(args[0] instanceof ArrayBuffer)) bytes += made.byteLength;
        return made;
      },
    });
  });
  typedArray.slice = function (this: unknown, ...args: unknown[]): Allocated {
    const made = Reflect.apply(slice, this, args) as Allocated;
    bytes += made.byteLength;
    return made;
  };
  try {
    run();
  } finally {
    CLASSES.forEach((name, i) => globals[name] = originals[i]);
    typedArray.slice = slice;
  }
  return bytes;
}
