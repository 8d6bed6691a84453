/**
 * What the upgrade of a request has in common on every host: how it is agreed, and how long it
 * waits.
 */

import { resolveConnectionOptions, type ResolvedConnectionOptions } from "../connection/options.ts";
import type { RequestHead } from "../handshake/http1.ts";
import { type HandshakeAgreement, negotiateUpgrade } from "../handshake/server.ts";
import type { UpgradeOptions, UpgradeResult } from "./upgrade.ts";

/** A request that is to be upgraded. */
export interface AgreedUpgrade {
  /** The URL of the connection, `ws:` or `wss:`. */
  readonly url: string;
  /** What the handshake settled. */
  readonly agreement: HandshakeAgreement;
  /** The options of the connection, with every default filled in. */
  readonly resolved: ResolvedConnectionOptions;
}

/** What `upgradeWebSocket` returns for a request that is not to be upgraded. */
export type RefusedUpgrade = Extract<UpgradeResult, { readonly connection: undefined }>;

/**
 * Milliseconds from the call until the response must have been returned; then the upgrade is given
 * up.
 */
export const RETURN_TIMEOUT = 30_000;

/**
 * Judges a request by the options. `head` is the request as it was read from the wire, if it was.
 *
 * Throws a `TypeError` or `RangeError` if an option is wrong, whatever the request.
 */
export function agreeOnUpgrade(
  request: Request,
  options: UpgradeOptions,
  head?: RequestHead,
): AgreedUpgrade | RefusedUpgrade {
  const resolved = resolveConnectionOptions(options);
  const agreement = negotiateUpgrade(request, options, head);
  if (agreement instanceof Response) return { response: agreement, connection: undefined, request };
  // Deno has a scheme of its own for requests over a Unix socket.
  const url = request.url.replace(/^http(s?)(?:\+unix)?:/, "ws$1:");
  return { url, agreement, resolved };
}

/** Why an upgrade was given up after {@linkcode RETURN_TIMEOUT}. */
export function returnTimeoutError(): Error {
  return new Error(
    `The response of the upgrade was not returned within ${RETURN_TIMEOUT / 1_000} seconds. The ` +
      "connection opens only when it is returned, so the request function must not wait for a " +
      "message first",
  );
}
