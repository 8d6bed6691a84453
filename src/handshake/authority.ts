/**
 * Hosts with ports, as Host and request targets name them, and origins, as browsers name the page
 * that asks. All of it is text from strangers: nothing here throws.
 */

/** A host and port, in the forms in which they are compared. */
export interface Authority {
  /** The host in lower case, IPv6 addresses in brackets and canonical. */
  readonly hostname: string;
  /** The port; `undefined` where none is written. */
  readonly port: number | undefined;
}

/** An origin as a browser serializes it (RFC 6454 section 6.2). */
export interface Origin extends Authority {
  /** The scheme in lower case, without its colon. */
  readonly scheme: string;
}

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ["http", 80],
  ["https", 443],
  ["ws", 80],
  ["wss", 443],
]);

/** What was read last: a request names its host several times, and the next one names the same. */
let last: { readonly text: string; readonly authority: Authority | undefined } | undefined;

/**
 * Reads `host [ ":" port ]`, as in Host (RFC 9110 section 7.2). `undefined` when it is malformed or
 * the host is empty; never throws.
 */
export function parseAuthority(text: string): Authority | undefined {
  if (last?.text !== text) last = { text, authority: readAuthority(text) };
  return last.authority;
}

function readAuthority(text: string): Authority | undefined {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\\[\]]+)(?::([0-9]{0,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, host = "", digits = ""] = match;
  const port = digits === "" ? undefined : Number(digits);
  if (port !== undefined && port > 65_535) return undefined;
  const url = URL.parse(`http://${host}`);
  return url === null ? undefined : { hostname: url.hostname, port };
}

/**
 * Reads an origin; `undefined` for "null" and for what is malformed. Never throws. A default port
 * is taken as none.
 */
export function parseOrigin(text: string): Origin | undefined {
  const separator = text.indexOf("://");
  const scheme = text.slice(0, Math.max(separator, 0)).toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return undefined;
  const rest = text.slice(separator + 3);
  // Pages of a local file, in some web views.
  if (rest === "" && scheme === "file") return { scheme, hostname: "", port: undefined };
  const authority = parseAuthority(rest);
  if (authority === undefined) return undefined;
  const { hostname, port } = authority;
  return { scheme, hostname, port: port === DEFAULT_PORTS.get(scheme) ? undefined : port };
}

/** Writes a host, with its port where it has one. */
export function formatAuthority({ hostname, port }: Authority): string {
  return port === undefined ? hostname : `${hostname}:${port}`;
}

/** Writes an origin as a browser does (RFC 6454 section 6.2). */
export function formatOrigin(origin: Origin): string {
  return `${origin.scheme}://${formatAuthority(origin)}`;
}

/** Whether two authorities are the same under a scheme, whose default port may be left out. */
export function isSameAuthority(one: Authority, other: Authority, scheme: string): boolean {
  return one.hostname === other.hostname && portUnder(scheme, one) === portUnder(scheme, other);
}

/** The port under a scheme: the scheme's own where none is written. */
export function portUnder(scheme: string, { port }: Authority): number | undefined {
  return port ?? DEFAULT_PORTS.get(scheme);
}
