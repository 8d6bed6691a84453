/** Limits on the heads of HTTP/1 requests and responses. */

import { requireInteger, type Resolved } from "../arguments.ts";

/** What a head may cost, whatever the peer sends. */
export interface HeadLimits {
  /**
   * Bytes of the whole head, its empty line included.
   * @default 16384
   */
  readonly maxHeadSize?: number | undefined;
  /**
   * Field lines.
   * @default 100
   */
  readonly maxFields?: number | undefined;
  /**
   * Bytes of one line, its CRLF not counted.
   * @default 8192
   */
  readonly maxLineSize?: number | undefined;
}

/** {@linkcode HeadLimits} with the defaults filled in. */
export type ResolvedHeadLimits = Resolved<HeadLimits>;

const DEFAULTS: ResolvedHeadLimits = { maxHeadSize: 16_384, maxFields: 100, maxLineSize: 8_192 };

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} if `limits` is no object.
 * @throws {RangeError} if one of them is not a positive integer, naming it.
 */
export function resolveHeadLimits(limits: HeadLimits = DEFAULTS): ResolvedHeadLimits {
  if (limits === DEFAULTS) return DEFAULTS;
  if (typeof limits !== "object" || limits === null) {
    throw new TypeError(`headLimits must be an object, not ${limits}`);
  }
  const resolve = (name: keyof HeadLimits): number =>
    requireInteger(`headLimits.${name}`, limits[name] ?? DEFAULTS[name], { from: 1 });
  return {
    maxHeadSize: resolve("maxHeadSize"),
    maxFields: resolve("maxFields"),
    maxLineSize: resolve("maxLineSize"),
  };
}
