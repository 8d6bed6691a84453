/**
 * Contests: several ways of doing the same, side by side. `deno bench` runs each file by itself;
 * `ratios.ts` runs all of them, under Bun as well.
 */

/** One way of doing it. */
export interface Contender {
  /** Does it once. */
  readonly work: () => unknown;
  /** What is worth saying about the result. */
  readonly note?: string;
}

/** Several ways of doing the same. */
export interface Contest {
  /** What is done, and on what. */
  readonly name: string;
  /** By name; the first is the one that the others are compared with. */
  readonly contenders: Readonly<Record<string, Contender>>;
}

/** The contests of all files loaded. */
export const contests: Contest[] = [];

/** Adds a contest, and registers it with `deno bench`. */
export function contest(name: string, contenders: Readonly<Record<string, Contender>>): void {
  contests.push({ name, contenders });
  if (!("Deno" in globalThis)) return;
  Object.entries(contenders).forEach(([contender, { work, note }], index) => {
    const title = note === undefined ? contender : `${contender} (${note})`;
    Deno.bench(title, { group: name, baseline: index === 0 }, async () => {
      await work();
    });
  });
}

/** Calls `work` with one item after the other, from the first again after the last. */
export function inTurn<T>(items: readonly T[], work: (item: T) => unknown): () => unknown {
  let next = 0;
  return () => {
    const result = work(items[next]!);
    next = (next + 1) % items.length;
    return result;
  };
}
