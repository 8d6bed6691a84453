/** Promises that the two halves of a connection share. */

/** What `send` returns below the high-water mark: one promise for all, since it is resolved. */
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
