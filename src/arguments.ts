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
 * Checks that an array is one.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requireArray(name: string, value: unknown): void {
  if (!Array.isArray(value)) {
    throw new TypeError(`${name} must be an array, not ${describe(value)}`);
  }
}

/**
 * Checks that something can be iterated over, and is no string, whose letters nobody means.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requireIterable(name: string, value: unknown): void {
  const isIterable = typeof value === "object" && value !== null && Symbol.iterator in value;
  if (!isIterable) throw new TypeError(`${name} must be an array, not ${describe(value)}`);
}

/**
 * Checks that a text holds something in PEM, where it is given.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requireOptionalPem(name: string, value: unknown): void {
  if (value !== undefined) requirePem(name, value);
}

/**
 * Checks that a text holds something in PEM: the name of a file is a likely mistake.
 *
 * @throws {TypeError} otherwise, naming it.
 */
export function requirePem(name: string, value: unknown): void {
  if (typeof value === "string" && value.includes("-----BEGIN ")) return;
  // What a text is taken for is not shown: it may be a key.
  const what = typeof value === "string" ? "another text" : describe(value);
  throw new TypeError(`${name} must be a text in PEM, not ${what}; the name of a file is none`);
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

/**
 * Checks that a byte stream has both sides.
 *
 * @throws {TypeError} otherwise. For a URL, which WHATWG's WebSocket takes, the message names the
 * function that takes one here.
 */
export function requireByteStream(value: unknown): void {
  if (typeof value === "object" && value !== null && "readable" in value && "writable" in value) {
    return;
  }
  throw new TypeError(
    `stream must have a readable and a writable side, and is ${describe(value)}; ` +
      "use connectWebSocket to connect to a URL",
  );
}

/**
 * Checks that a source of time tells the time and sets timeouts, where it is given.
 *
 * @throws {TypeError} otherwise, naming what it lacks.
 */
export function requireOptionalClock(value: unknown): void {
  if (value === undefined) return;
  for (const name of ["now", "setTimeout", "clearTimeout"]) {
    requireFunction(`clock.${name}`, (value as Record<string, unknown> | null)?.[name]);
  }
}

/** Options with every default filled in. */
export type Resolved<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>;
};

/**
 * The options without those that are `undefined`. An option that is `undefined` counts as not
 * given, but when options are spread over others it would replace one of them.
 */
export function withoutUndefined<Options extends object>(options: Options | undefined): Options {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}

/** The largest delay that the platforms' timers take, in milliseconds. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * Checks that a number is an integer from `from` to `to`, and returns it.
 *
 * @throws {RangeError} otherwise, naming it.
 */
export function requireInteger(
  name: string,
  value: number,
  { from = 0, to = Number.MAX_SAFE_INTEGER }: { readonly from?: number; readonly to?: number } = {},
): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new RangeError(`${name} must be an integer from ${from} to ${to}, not ${describe(value)}`);
}

/**
 * Checks that a number of milliseconds is one that a timer takes, and returns it.
 *
 * @throws {RangeError} otherwise, naming it.
 */
export function requireDelay(name: string, value: number): number {
  return requireInteger(name, value, { to: MAX_DELAY });
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
