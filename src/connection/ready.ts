/** Promises that the two halves of a connection share. */

/** What `send` returns below the high-water mark: one promise for all, since it is resolved. */
export const READY: Promise<void> = Promise.resolve();

/** Marks a promise as handled: where nobody looks at it, its rejection is not reported. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
