/**
 * The server's side of the opening handshake (RFC 6455 section 4.2): judges a request, whichever
 * host read it, and says what to answer.
 */

import { requireOptionalFunction } from "../arguments.ts";
import type { PermessageDeflateInit } from "../extensions/permessage_deflate.ts";
import {
  acceptOffer,
  resolveCompression,
  type ResolvedCompression,
} from "../extensions/permessage_deflate_negotiation.ts";
import type { CompressionOptions } from "../types.ts";
import { formatAuthority, isSameAuthority, parseAuthority, parseOrigin } from "./authority.ts";
import { copyExtraHeaders } from "./extra_headers.ts";
import {
  type ExtensionOffer,
  listIncludes,
  parseExtensions,
  parseTokenList,
} from "./header_values.ts";
import type { RequestHead } from "./http1.ts";
import { HostPolicy } from "./host_policy.ts";
import { isKey } from "./key.ts";
import { OriginPolicy } from "./origin_policy.ts";
import { requireSubprotocols } from "./subprotocols.ts";

/** What a server makes of a handshake. */
export interface HandshakeOptions {
  /**
   * The subprotocols of the server, in its order of preference: the first one that the client
   * offers is selected. If none is, the connection opens without a subprotocol (RFC 6455 section
   * 4.2.2).
   */
  readonly subprotocols?: readonly string[] | undefined;
  /**
   * Selects among the subprotocols that the client offers, in the client's order, instead of
   * `subprotocols`; called with an empty list when it offers none. What it returns must be on the
   * list, or `undefined` for none; anything else is a TypeError to the caller.
   */
  readonly selectSubprotocol?: ((offered: readonly string[]) => string | undefined) | undefined;
  /**
   * The origins whose pages may connect, besides the server's own; `"*"` for all.
   *
   * Without this, a browser is let in only from pages of the host and port it connects to, and,
   * where this server does TLS itself, only from `https` ones. Widen that with care: the browser
   * sends the user's cookies along, no matter who wrote the page.
   *
   * A string is an origin, `"https://example.com"`, or has a host that begins with `*.` and stands
   * for all its subdomains, so that the sites of one domain share a server:
   * `"https://*.example.com"`. A regular expression must match the whole of an origin, which has
   * its host in lower case and no default port. `"null"`, the origin of sandboxed frames, is
   * refused unless listed; `"*"` lets in that one, and malformed ones.
   * @default []
   */
  readonly allowedOrigins?: readonly (string | RegExp)[] | "*" | undefined;
  /**
   * The server's own origin as the browser sees it, scheme included; for a server behind a proxy
   * that does not pass Host on. It is compared with `Origin` instead of Host.
   */
  readonly publicOrigin?: string | undefined;
  /**
   * Decides about an origin instead of the policy above. Called with the value of `Origin`, which
   * is either well-formed or `"null"`; not called when there is none, since then the client is not
   * a browser. What it throws reaches the caller. It decides at once: a promise, or anything else
   * that is neither `true` nor `false`, is a `TypeError`.
   */
  readonly checkOrigin?: ((origin: string, request: Request) => boolean) | undefined;
  /**
   * The hosts that a request may name in Host, with `*.` for subdomains. One without a port allows
   * any; `:443` also allows a Host that has none, and so does `:80` unless this server does TLS
   * itself. Guards a server on a private network against a page whose own name has been made to
   * resolve to it (DNS rebinding), which the comparison of origins cannot tell.
   * @default any
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * Whether to accept permessage-deflate where it is offered (RFC 7692), and how. Costs memory for
   * each connection. A secret and text of a stranger's choice in one compressed message can leak
   * the secret by the message's length.
   * @default false
   */
  readonly compression?: boolean | CompressionOptions | undefined;
  /** Further headers of the 101 response. Those of the handshake itself are a TypeError. */
  readonly headers?: HeadersInit | undefined;
}

/** A handshake that both sides agree on. */
export interface HandshakeAgreement {
  /** The client's `Sec-WebSocket-Key`. */
  readonly key: string;
  /** The subprotocol selected, or the empty string. */
  readonly protocol: string;
  /** The value of `Sec-WebSocket-Extensions` in the response, or the empty string. */
  readonly extensions: string;
  /** How messages are compressed; `undefined` for not at all. */
  readonly compression: PermessageDeflateInit | undefined;
  /** The application's own headers for the response. */
  readonly headers: Headers;
}

/** The one version of the protocol (RFC 6455 section 4.1). */
const VERSION = "13";

/** Fields that a request may have once at most, besides those that HTTP itself says so of. */
const SINGLE_FIELDS: ReadonlySet<string> = new Set([
  "origin",
  "sec-websocket-key",
  "sec-websocket-version",
]);

/** Whether the request asks for an upgrade to WebSocket at all, be it a valid one or not. */
export function isUpgradeRequest(request: Request): boolean {
  return listIncludes(field(request, "upgrade"), "websocket");
}

/**
 * Refuses a request whose URL may not be what was asked for: hosts make it of the Host field without
 * a look at that, so that a malformed one may hold a path of its own, or make no URL at all.
 */
export function judgeUrl(request: Request): Response | undefined {
  const host = request.headers.get("host");
  if (host !== null && parseAuthority(host) === undefined) return refuse(400, BAD_HOST);
  return URL.canParse(request.url) ? undefined : refuse(400, BAD_TARGET);
}

/**
 * Refuses a request of which a host has taken an absolute target as it came: its authority must be
 * Host's, and has no user (RFC 9112 section 3.2.2, RFC 9110 section 4.2.4).
 */
export function judgeAbsoluteTarget(request: Request): Response | undefined {
  const url = URL.parse(request.url);
  if (url === null || url.username !== "" || url.password !== "") return refuse(400, BAD_TARGET);
  // Those of Deno's requests over a Unix or a VM's socket, which it makes of Host.
  if (url.protocol === "http+unix:" || url.protocol === "http+vsock:") return undefined;
  if (url.protocol !== "http:" && url.protocol !== "https:") return refuse(400, BAD_TARGET);
  const host = parseAuthority(field(request, "host"));
  const authority = parseAuthority(url.host);
  if (host === undefined || authority === undefined) return refuse(400, BAD_HOST);
  if (isSameAuthority(host, authority, url.protocol.slice(0, -1))) return undefined;
  return refuse(400, "The request target and the Host header name different hosts.");
}

const BAD_HOST = "The Host header is missing or malformed.";
const BAD_TARGET = "The request target is not a valid URL.";

/** What the options come to. */
interface HandshakeTerms {
  readonly compression: ResolvedCompression | undefined;
  readonly headers: Headers;
  readonly originPolicy: OriginPolicy;
  readonly hostPolicy: HostPolicy | undefined;
}

/**
 * Checks the options, and makes of them what a request is judged by.
 *
 * @throws {TypeError} if one is of a wrong type or malformed, naming it.
 * @throws {RangeError} if a number of `compression` is out of its range, naming it.
 */
export function resolveHandshakeOptions(options: HandshakeOptions): HandshakeTerms {
  const { subprotocols = [], allowedHosts } = options;
  requireSubprotocols(subprotocols);
  requireOptionalFunction("selectSubprotocol", options.selectSubprotocol);
  requireOptionalFunction("checkOrigin", options.checkOrigin);
  return {
    compression: resolveCompression(options.compression),
    headers: copyExtraHeaders(options.headers),
    originPolicy: new OriginPolicy(options),
    hostPolicy: allowedHosts === undefined ? undefined : new HostPolicy(allowedHosts),
  };
}

/**
 * Judges a request by RFC 6455 section 4.2.1 and the options. Returns what is agreed, or the
 * response that refuses: status 400, 403, 405, 426 or 505, and a body that says why.
 *
 * `head` is the request as it was read from the wire, if it was: it tells what a `Request` does not
 * (the HTTP version, the method as written, fields that appear twice). Its target, Host and length
 * are taken as judged by whoever has made a `Request` of it.
 *
 * Nothing in a request makes this throw. Options do: a TypeError or RangeError says which is wrong.
 */
export function negotiateUpgrade(
  request: Request,
  options: HandshakeOptions,
  head?: RequestHead,
): HandshakeAgreement | Response {
  const { compression, headers, originPolicy, hostPolicy } = resolveHandshakeOptions(options);

  const fault = checkRequest(request, head);
  if (fault !== undefined) return fault;

  const host = parseAuthority(field(request, "host"));
  if (host === undefined) return refuse(400, BAD_HOST);
  const target = { host, secure: request.url.startsWith("https:") };
  if (hostPolicy?.allows(target) === false) {
    return refuse(403, `The host "${formatAuthority(host)}" is not allowed.`);
  }
  const origin = request.headers.get("origin");
  if (origin !== null) {
    const reason = options.checkOrigin === undefined
      ? originPolicy.judge(origin, target)
      : judgeBy(options.checkOrigin, origin, request);
    if (reason !== undefined) return refuse(403, `${reason}.`);
  }

  const offered = parseTokenList(field(request, "sec-websocket-protocol"));
  if (offered === undefined || new Set(offered).size < offered.length) {
    return refuse(400, "The Sec-WebSocket-Protocol header is malformed.");
  }
  const offers = parseExtensions(field(request, "sec-websocket-extensions"));
  if (offers === undefined) {
    return refuse(400, "The Sec-WebSocket-Extensions header is malformed.");
  }
  return {
    key: field(request, "sec-websocket-key"),
    protocol: selectSubprotocol(offered, options),
    ...agreeOnExtensions(offers, compression),
    headers,
  };
}

/** The fields of the 101 response, in their order. */
export function upgradeFields(
  agreement: HandshakeAgreement,
  accept: string,
): [name: string, value: string][] {
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", accept],
  ];
  if (agreement.protocol !== "") fields.push(["Sec-WebSocket-Protocol", agreement.protocol]);
  if (agreement.extensions !== "") fields.push(["Sec-WebSocket-Extensions", agreement.extensions]);
  agreement.headers.forEach((value, name) => fields.push([name, value]));
  return fields;
}

/** The rules of RFC 6455 section 4.2.1 that need no option. */
function checkRequest(request: Request, head: RequestHead | undefined): Response | undefined {
  // `Request` turns "get" into "GET", which the wire does not.
  if ((head?.method ?? request.method) !== "GET") {
    return refuse(405, "A WebSocket is opened with the method GET.", { allow: "GET" });
  }
  if (head?.minorVersion === 0) {
    return refuse(505, "A WebSocket is opened with HTTP/1.1.");
  }
  if (!isUpgradeRequest(request)) {
    return requireUpgrade("This is a WebSocket endpoint: the Upgrade header must be websocket.");
  }
  if (!listIncludes(field(request, "connection"), "upgrade")) {
    return refuse(400, "The Connection header does not contain upgrade.");
  }
  const repeated = head && findRepeated(head);
  if (repeated !== undefined) return refuse(400, `The header ${repeated} appears twice.`);
  if (field(request, "sec-websocket-version") !== VERSION) {
    return requireUpgrade(`The Sec-WebSocket-Version header must be ${VERSION}.`);
  }
  if (!isKey(field(request, "sec-websocket-key"))) {
    return refuse(400, "The Sec-WebSocket-Key header is not the base64 of 16 bytes.");
  }
  const { headers } = request;
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") {
    return refuse(400, "A request that opens a WebSocket has no body.");
  }
  return undefined;
}

/**
 * The value of a field, several of them joined with commas; the empty string where there is none.
 */
function field(request: Request, name: string): string {
  return request.headers.get(name) ?? "";
}

/** The name of a field that may be there once at most and appears twice. */
function findRepeated(head: RequestHead): string | undefined {
  const seen = new Set<string>();
  for (const [fieldName] of head.fields) {
    const name = fieldName.toLowerCase();
    if (!SINGLE_FIELDS.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** Lets the application's own function judge an origin. */
function judgeBy(
  checkOrigin: NonNullable<HandshakeOptions["checkOrigin"]>,
  origin: string,
  request: Request,
): string | undefined {
  if (origin !== "null" && parseOrigin(origin) === undefined) {
    return "The Origin header is malformed";
  }
  const allowed: unknown = checkOrigin(origin, request);
  // A promise is truthy: it would let everybody in.
  if (typeof allowed !== "boolean") {
    quiet(allowed);
    throw new TypeError("checkOrigin must return true or false, and cannot be async");
  }
  return allowed ? undefined : `The origin "${origin}" is not allowed`;
}

/**
 * Keeps a promise that was returned by mistake from also being reported as an unhandled rejection:
 * the `TypeError` already says what is wrong.
 */
function quiet(decision: unknown): void {
  Promise.resolve(decision).catch(() => {});
}

/** The subprotocol for a client that offers these, or the empty string. */
function selectSubprotocol(offered: readonly string[], options: HandshakeOptions): string {
  const { selectSubprotocol, subprotocols = [] } = options;
  if (selectSubprotocol === undefined) {
    return subprotocols.find((subprotocol) => offered.includes(subprotocol)) ?? "";
  }
  const selected = selectSubprotocol(offered);
  if (selected !== undefined && !offered.includes(selected)) {
    quiet(selected);
    throw new TypeError(
      `Cannot select the subprotocol ${JSON.stringify(selected)}: the client did not offer it`,
    );
  }
  return selected ?? "";
}

/** Accepts compression where both sides want it. */
function agreeOnExtensions(
  offers: readonly ExtensionOffer[],
  compression: ResolvedCompression | undefined,
): Pick<HandshakeAgreement, "extensions" | "compression"> {
  const accepted = compression && acceptOffer(offers, compression);
  if (compression === undefined || accepted === undefined) {
    return { extensions: "", compression: undefined };
  }
  const { header, parameters } = accepted;
  const { level, threshold } = compression;
  return { extensions: header, compression: { parameters, level, threshold } };
}

/** The answer to a client that should ask for an upgrade to this version (RFC 6455 section 4.4). */
function requireUpgrade(message: string): Response {
  return refuse(426, message, {
    // Upgrade goes with a Connection that names it (RFC 9110 section 7.8).
    "connection": "close, upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": VERSION,
  });
}

/**
 * A refusal. The connection ends with it, so that what follows is not taken for another request.
 */
function refuse(status: number, message: string, headers: Record<string, string> = {}): Response {
  return new Response(`${message}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "connection": "close", ...headers },
  });
}
