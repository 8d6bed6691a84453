/** Waiting for what cannot be called off. */

/**
 * Waits for a promise no longer than the signal allows, and rejects with the signal's reason then. What
 * the promise brings after that is given to `release`.
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
