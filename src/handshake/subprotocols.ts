/**
 * Subprotocols: names that the client lists by preference and of which the server takes one or none
 * (RFC 6455 section 1.9).
 */

import { isToken } from "./header_values.ts";

/**
 * Throws a TypeError unless this is an array of tokens, none of which appears twice, as RFC 6455
 * section 4.1 demands.
 */
export function requireSubprotocols(subprotocols: readonly string[]): void {
  // A browser's `WebSocket` takes a single string: here its letters would become subprotocols.
  if (!Array.isArray(subprotocols)) {
    throw new TypeError(
      `Cannot use the subprotocols ${JSON.stringify(subprotocols)}: they must be an array`,
    );
  }
  const seen = new Set<string>();
  for (const subprotocol of subprotocols) {
    if (typeof subprotocol !== "string" || !isToken(subprotocol)) {
      throw new TypeError(
        `Cannot use the subprotocol ${JSON.stringify(subprotocol)}: it is not a token`,
      );
    }
    if (seen.has(subprotocol)) {
      throw new TypeError(`Cannot use the subprotocol "${subprotocol}": it appears twice`);
    }
    seen.add(subprotocol);
  }
}
