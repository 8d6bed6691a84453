/**
 * Who may connect: the check of `Origin` against the host that was asked for (RFC 6455 section
 * 10.2).
 *
 * A browser sends cookies along with a WebSocket handshake to any host and lets any page read the
 * answer; the same-origin rule of `fetch` does not apply. So unless the server compares the origin
 * of the page with its own, any page on the web can act here as the user who has it open.
 */

import { wholeMatch } from "../whole_match.ts";
import {
  formatAuthority,
  formatOrigin,
  isSameAuthority,
  type Origin,
  parseOrigin,
} from "./authority.ts";
import { matchesHostname, type RequestTarget } from "./host_policy.ts";

/** What {@linkcode OriginPolicy} is made of; the members are those of `HandshakeOptions`. */
export interface OriginPolicyOptions {
  /** Origins allowed besides the server's own. */
  readonly allowedOrigins?: readonly (string | RegExp)[] | "*" | undefined;
  /** The server's own origin as browsers see it. */
  readonly publicOrigin?: string | undefined;
}

/**
 * The scheme of a page, by the scheme of the WebSockets that it opens. An origin that has the
 * latter is a mistake.
 */
const PAGE_SCHEMES: ReadonlyMap<string, string> = new Map([["ws", "http"], ["wss", "https"]]);

/**
 * The policy for requests that carry an `Origin`: the same origin, and what the options add to it.
 *
 * The scheme counts as far as it is known. A request that came by TLS has the scheme `https`, so a
 * page of plain `http`, which anyone on its way may have changed, is not of the same origin. A
 * request in the clear may have come by TLS to a proxy, so there only host and port are compared.
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
