/**
 * Which hosts a request may name (RFC 9110 section 7.4): a guard against a page whose own name has
 * been made to resolve to this server.
 */

import { type Authority, parseAuthority, portUnder } from "./authority.ts";

/** The request whose host and origin are judged. */
export interface RequestTarget {
  /** The host that the request names. */
  readonly host: Authority;
  /** Whether the request is known to have come by TLS; behind a proxy it is not known. */
  readonly secure: boolean;
}

/** At the start of a host, stands for any subdomain. */
const WILDCARD = "*.";

/** Whether `hostname` is `pattern`, or a subdomain where the pattern begins with `*.`. */
export function matchesHostname(hostname: string, pattern: string): boolean {
  if (!pattern.startsWith(WILDCARD)) return hostname === pattern;
  const suffix = pattern.slice(1);
  return hostname.endsWith(suffix) && hostname.length > suffix.length;
}

/**
 * The hosts that a request may name: an entry without a port stands for the host at any port, and
 * one with a leading `*.` for the subdomains. A Host without a port has the port of the scheme, or
 * that of either scheme where a proxy may have ended TLS.
 */
export class HostPolicy {
  readonly #hosts: readonly Authority[];

  /** Throws a TypeError for an entry that is no host. */
  constructor(allowedHosts: readonly string[]) {
    this.#hosts = allowedHosts.map((entry) => {
      const host = parseAuthority(entry);
      if (host !== undefined) return host;
      throw new TypeError(`Cannot use ${JSON.stringify(entry)} in allowedHosts: it is not a host`);
    });
  }

  /** Whether a request is let in. */
  allows({ host, secure }: RequestTarget): boolean {
    const schemes = secure ? ["https"] : ["http", "https"];
    const ports = schemes.map((scheme) => portUnder(scheme, host));
    return this.#hosts.some(({ hostname, port }) =>
      (port === undefined || ports.includes(port)) && matchesHostname(host.hostname, hostname)
    );
  }
}
