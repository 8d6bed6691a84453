/** Waiting for what cannot be cancelled. */

/**
 * Waits for a promise until the signal is aborted, and then rejects with the signal's reason. What
 * the promise resolves with after that is given to `release`.
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  release?: (value: T) => void,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([aborted, promise]);
  } catch (error) {
    promise.then(release, () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
