/** Checks of arguments that no type checker may have seen. */

/**
 * Checks that a function is one.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requireFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`${name} must be a function, not ${describe(value)}`);
}

/**
 * Checks that a callback is a function, where it is given.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requireOptionalFunction(name: string, value: unknown): void {
  if (value !== undefined) requireFunction(name, value);
}

/**
 * Checks that a signal is one, where it is given.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requireOptionalSignal(name: string, value: unknown): void {
  if (value === undefined || value instanceof AbortSignal) return;
  throw new TypeError(`${name} must be an AbortSignal, not ${describe(value)}`);
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
