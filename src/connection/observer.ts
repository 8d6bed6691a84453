/** Functions of the application that are told of something and have no part in it. */

/** Told of the payload of a ping or a pong. */
export type Observer = (payload: Uint8Array) => unknown;

/**
 * Tells a function of the application, async or not. What it throws, or its promise rejects with,
 * goes to the console: it must neither disturb the caller nor end the process. Never rejects.
 */
export async function tell<Value>(
  listener: (value: Value) => unknown,
  value: Value,
): Promise<void> {
  try {
    await listener(value);
  } catch (error) {
    console.error(error);
  }
}

/** Tells an observer, where there is one. */
export function observe(observer: Observer | undefined, payload: Uint8Array): void {
  if (observer !== undefined) void tell(observer, payload);
}
