/** The application's function that is told of what is answered without it. */

/** Told of the payload of a ping or a pong. */
export type Observer = (payload: Uint8Array) => void;

/** An observer of the application's must not disturb the protocol: what it throws is reported. */
export function observe(observer: Observer | undefined, payload: Uint8Array): void {
  if (observer === undefined) return;
  try {
    observer(payload);
  } catch (error) {
    console.error(error);
  }
}
