/**
 * Who may connect: the check of `Origin` against the host that was asked for (RFC 6455 section 10.2).
 *
 * A browser sends cookies along with a WebSocket handshake to any host and lets any page read the
 * answer; the same-origin rule of `fetch` does not apply. So unless the server compares the origin of
 * the page with its own, any page on the web can act here as the user who has it open.
 */

import { wholeMatch } from "../whole_match.ts";
import {
  type Authority,
  formatAuthority,
  formatOrigin,
  isSameAuthority,
  type Origin,
  parseAuthority,
  parseOrigin,
  portUnder,
} from "./authority.ts";

/** What {@linkcode OriginPolicy} is made of; the members are those of `HandshakeOptions`. */
export interface OriginPolicyOptions {
  /** Origins allowed besides the server's own. */
  readonly allowedOrigins?: readonly (string | RegExp)[] | "*" | undefined;
  /** The server's own origin as browsers see it. */
  readonly publicOrigin?: string | undefined;
}

/** The request whose host and origin are judged. */
export interface RequestTarget {
  /** The host that the request names. */
  readonly host: Authority;
  /** Whether the request is known to have come by TLS; behind a proxy it is not known. */
  readonly secure: boolean;
}

/** Stands first in a host for any subdomain. */
const WILDCARD = "*.";

/** What pages are loaded by that open a WebSocket; an origin with the latter's scheme is a mistake. */
const PAGE_SCHEMES: ReadonlyMap<string, string> = new Map([["ws", "http"], ["wss", "https"]]);

/** Whether `hostname` is `pattern`, or a subdomain where the pattern begins with `*.`. */
function matchesHostname(hostname: string, pattern: string): boolean {
  if (!pattern.startsWith(WILDCARD)) return hostname === pattern;
  const suffix = pattern.slice(1);
  return hostname.endsWith(suffix) && hostname.length > suffix.length;
}

/**
 * The hosts that a request may name: an entry without a port stands for the host at any port, and one
 * with a leading `*.` for the subdomains. A Host without a port has that of the scheme; where a proxy
 * may have ended TLS, that of either.
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

/**
 * The policy for requests that carry an `Origin`: same origin, and what the options add to it.
 *
 * The scheme counts as far as it is known. A request that came by TLS has the scheme `https`, so a page
 * of plain `http`, which anyone on its way may have changed, is not of the same origin. A request in
 * the clear may have come by TLS to a proxy, so there only host and port are compared.
 */
export class OriginPolicy {
  readonly #allowAny: boolean;
  readonly #allowNull: boolean;
  readonly #publicOrigin: Origin | undefined;
  readonly #origins: readonly Origin[];
  readonly #patterns: readonly RegExp[];

  /** Throws a TypeError for an option that is no origin. */
  constructor({ allowedOrigins = [], publicOrigin }: OriginPolicyOptions) {
    this.#allowAny = allowedOrigins === "*";
    const allowed = allowedOrigins === "*" ? [] : requireList(allowedOrigins);
    this.#allowNull = allowed.includes("null");
    this.#publicOrigin = publicOrigin === undefined
      ? undefined
      : requireOrigin(publicOrigin, "as publicOrigin");
    this.#origins = allowed
      .filter((origin) => typeof origin === "string" && origin !== "null")
      .map((origin) => requireOrigin(origin as string, "in allowedOrigins"));
    this.#patterns = allowed.filter((origin) => origin instanceof RegExp).map(wholeMatch);
  }

  /** `undefined` when `text`, the value of `Origin`, is allowed; otherwise the reason why not. */
  judge(text: string, target: RequestTarget): string | undefined {
    if (this.#allowAny) return undefined;
    if (text === "null") {
      return this.#allowNull ? undefined : 'The origin "null" is not allowed';
    }
    const origin = parseOrigin(text);
    if (origin === undefined) return "The Origin header is malformed";
    if (this.#isOwn(origin, target) || this.#isListed(origin)) return undefined;
    return `The origin "${formatOrigin(origin)}" is not allowed: ` +
      `the request is for "${this.#describeOwn(target)}"`;
  }

  #isOwn(origin: Origin, { host, secure }: RequestTarget): boolean {
    if (this.#publicOrigin !== undefined) {
      return formatOrigin(origin) === formatOrigin(this.#publicOrigin);
    }
    const { scheme } = origin;
    return (scheme === "https" || (scheme === "http" && !secure)) &&
      isSameAuthority(origin, host, scheme);
  }

  #isListed(origin: Origin): boolean {
    const text = formatOrigin(origin);
    return this.#patterns.some((pattern) => pattern.test(text)) ||
      this.#origins.some(({ scheme, hostname, port }) =>
        scheme === origin.scheme && port === origin.port &&
        matchesHostname(origin.hostname, hostname)
      );
  }

  #describeOwn({ host, secure }: RequestTarget): string {
    if (this.#publicOrigin !== undefined) return formatOrigin(this.#publicOrigin);
    const authority = formatAuthority(host);
    return secure ? `https://${authority}` : authority;
  }
}

function requireList(origins: readonly (string | RegExp)[]): readonly (string | RegExp)[] {
  const isOne = (origin: unknown) => typeof origin === "string" || origin instanceof RegExp;
  if (!Array.isArray(origins) || !origins.every(isOne)) {
    throw new TypeError(
      'allowedOrigins must be "*" or an array of strings and regular expressions',
    );
  }
  if (origins.includes("*")) {
    throw new TypeError(
      'Cannot use "*" in allowedOrigins: to allow all origins, give "*" in place of the array',
    );
  }
  return origins;
}

function requireOrigin(text: string, where: string): Origin {
  const origin = parseOrigin(text);
  if (origin === undefined) {
    throw new TypeError(
      `Cannot use ${
        JSON.stringify(text)
      } ${where}: an origin is a scheme, a host and at most a port`,
    );
  }
  const scheme = PAGE_SCHEMES.get(origin.scheme);
  if (scheme === undefined) return origin;
  throw new TypeError(
    `Cannot use ${JSON.stringify(text)} ${where}: ` +
      `an origin is that of the page, whose scheme is ${scheme}, not ${origin.scheme}`,
  );
}
