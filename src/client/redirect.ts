/** Where a redirect leads, and what may go along (RFC 9110 section 15.4). */

import { parseWebSocketUrl } from "../handshake/client.ts";
import { fieldValues, type ResponseHead } from "../handshake/http1.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Header fields that are meant for one origin. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization"] as const;

/**
 * The Location of a redirect; `undefined` for another response, and without exactly one Location.
 */
export function redirectLocation(head: ResponseHead): string | undefined {
  if (!REDIRECTS.has(head.status)) return undefined;
  const locations = fieldValues(head.fields, "location");
  return locations.length === 1 ? locations[0] : undefined;
}

/**
 * The URL that a redirect leads to from `url`. The user of a URL stays within its origin and is
 * never taken from the server; a fragment, which HTTP allows here, means nothing to a WebSocket.
 *
 * Throws a `TypeError` that says why if the redirect must not be followed.
 */
export function resolveRedirect(location: string, url: URL): URL {
  const resolved = URL.parse(location, url);
  if (resolved === null) throw new TypeError("its Location is not a URL");
  resolved.hash = "";
  const target = parseWebSocketUrl(resolved);
  if (url.protocol === "wss:" && target.protocol !== "wss:") {
    throw new TypeError("it leads from wss to ws");
  }
  const same = isSameOrigin(target, url);
  target.username = same ? url.username : "";
  target.password = same ? url.password : "";
  return target;
}

/** Whether two WebSocket URLs have scheme, host and port in common. */
export function isSameOrigin(one: URL, other: URL): boolean {
  return one.protocol === other.protocol && one.host === other.host;
}

/** A copy of headers for another origin than the one they were given for. */
export function withoutCredentials(init: HeadersInit | undefined): Headers {
  const headers = new Headers(init);
  for (const name of CREDENTIALS) headers.delete(name);
  return headers;
}
