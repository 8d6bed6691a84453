/** What dialling has in common on every host. */

import type { DialTarget } from "../connection/dial.ts";

/** A host name as sockets take it: an IPv6 address without the brackets it has in a URL. */
export function unbracketed(hostname: string): string {
  return hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : hostname;
}

/** The name that the server's certificate must bear. */
export function certifiedName(target: DialTarget): string {
  return unbracketed(target.serverName ?? target.hostname);
}
