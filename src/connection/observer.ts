/** The application's function that is told of what is answered without it. */

/** Told of the payload of a ping or a pong. */
export type Observer = (payload: Uint8Array) => void;

/**
 * An observer of the application's must not disturb the protocol: what it throws, or its promise rejects
 * with, is reported.
 */
export function observe(observer: Observer | undefined, payload: Uint8Array): void {
  if (observer === undefined) return;
  try {
    const result: unknown = observer(payload);
    // An async function will do as well, and its rejection would end the process.
    if (result instanceof Promise) result.catch((error) => console.error(error));
  } catch (error) {
    console.error(error);
  }
}
