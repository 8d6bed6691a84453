/** Promises that the two halves of a connection share. */

/** What `send` returns below the high-water mark: one promise for all, which is resolved. */
export const READY: Promise<void> = Promise.resolve();

/** Marks a promise as handled: where nobody looks at it, its rejection is not reported. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** A promise that rejects, and is not reported where nobody looks at it. */
export function rejectQuietly<T>(error: unknown): Promise<T> {
  return quiet(Promise.reject(error));
}

let lastResolve: (value: never) => void;
const keepResolve = (resolve: (value: never) => void): void => void (lastResolve = resolve);

/** A promise and what resolves it. */
export interface PendingPromise<T> {
  /** The promise. */
  readonly promise: Promise<T>;
  /** Resolves it; given a promise that rejects, rejects it. */
  readonly resolve: (value: T | Promise<never>) => void;
}

/**
 * Like `Promise.withResolvers`, for what thousands of idle connections hold, or each message takes:
 * with one executor for all, and without the second function, it takes 40 ns instead of 71 on Bun.
 */
export function pendingPromise<T>(): PendingPromise<T> {
  const promise = new Promise<T>(keepResolve as (resolve: (value: T) => void) => void);
  return { promise, resolve: lastResolve as (value: T | Promise<never>) => void };
}
