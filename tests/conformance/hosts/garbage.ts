/** The garbage collector, where the process was started with it at hand. */

interface WithCollector {
  /** V8's, with `--expose-gc`. */
  readonly gc?: () => void;
  readonly Bun?: { gc(synchronously: boolean): void };
}

/** Collects now. */
export function collectGarbage(): void {
  const { Bun: bun, gc } = globalThis as WithCollector;
  if (bun !== undefined) bun.gc(true);
  else gc?.();
}
