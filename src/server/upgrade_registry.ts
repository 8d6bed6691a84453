/**
 * The requests that servers of ours have read, so that `upgradeWebSocket` of an entry point
 * recognises them without loading what serves them.
 */

import type { UpgradeOptions, UpgradeResult } from "./upgrade.ts";

/** Upgrades the one request that it was registered for. */
export type Upgrader = <Data>(options: UpgradeOptions<Data>) => UpgradeResult<Data>;

const ANSWERED = "answered";

const upgraders = new WeakMap<Request, Upgrader | typeof ANSWERED>();

/** Makes a request known to {@linkcode upgradeRaw}. */
export function registerUpgrader(request: Request, upgrader: Upgrader): void {
  upgraders.set(request, upgrader);
}

/** Lets go of the upgrader of a request that has been answered; the request may live on. */
export function retireRequest(request: Request): void {
  upgraders.set(request, ANSWERED);
}

/**
 * Upgrades a request that came over a byte transport; `undefined` when it did not.
 *
 * Throws a `TypeError` if the request has been upgraded or answered already, or if an option is
 * wrong.
 */
export function upgradeRaw<Data>(
  request: Request,
  options: UpgradeOptions<Data> = {},
): UpgradeResult<Data> | undefined {
  const upgrader = upgraders.get(request);
  if (upgrader === ANSWERED) {
    throw new TypeError("Cannot upgrade the request: it has been answered already");
  }
  return upgrader?.(options);
}
