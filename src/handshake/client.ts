/**
 * The client's side of the opening handshake (RFC 6455 section 4.1): the request, and the judgement
 * of the answer.
 */

import { WebSocketHandshakeError } from "../errors.ts";
import type { PermessageDeflateInit } from "../extensions/permessage_deflate.ts";
import {
  checkResponse,
  createOffer,
  resolveCompression,
  type ResolvedCompression,
} from "../extensions/permessage_deflate_negotiation.ts";
import type { CompressionOptions } from "../types.ts";
import { copyExtraHeaders } from "./extra_headers.ts";
import { listIncludes, parseExtensions } from "./header_values.ts";
import { encodeRequestHead, fieldValues, type ResponseHead } from "./http1.ts";
import { computeAccept, createKey } from "./key.ts";
import { decodeLatin1 } from "./latin1.ts";
import { requireSubprotocols } from "./subprotocols.ts";

/** What a client asks for in its handshake. */
export interface ClientHandshakeOptions {
  /** The subprotocols that the client speaks, in its order of preference. */
  readonly subprotocols?: readonly string[] | undefined;
  /**
   * Further headers of the request, such as Cookie or User-Agent. Those of the handshake itself are
   * a TypeError. An Authorization here takes precedence over the user of the URL.
   */
  readonly headers?: HeadersInit | undefined;
  /**
   * Whether to offer permessage-deflate (RFC 7692), and how.
   * @default false
   */
  readonly compression?: boolean | CompressionOptions | undefined;
  /**
   * Whether the handshake fails when subprotocols were offered and the server selects none, as it
   * does in browsers. RFC 6455 section 4.1 lets the connection open.
   * @default false
   */
  readonly requireSubprotocol?: boolean | undefined;
  /**
   * The value of Origin; clients that are not browsers need none.
   * @default none
   */
  readonly origin?: string | undefined;
}

/** What client and server agree on. */
export interface ClientHandshakeAgreement {
  /** The subprotocol that the server selected, or the empty string. */
  readonly protocol: string;
  /** The value of `Sec-WebSocket-Extensions` in the response, or the empty string. */
  readonly extensions: string;
  /** How messages are compressed; `undefined` for not at all. */
  readonly compression: PermessageDeflateInit | undefined;
}

/** The schemes that a WebSocket URL may have, and what each stands for. */
const SCHEMES: ReadonlyMap<string, string> = new Map([
  ["ws:", "ws:"],
  ["wss:", "wss:"],
  ["http:", "ws:"],
  ["https:", "wss:"],
]);

/**
 * Reads the URL of a WebSocket (RFC 6455 section 3), as a new URL whose scheme is `ws` or `wss`;
 * `http` and `https` are taken for them, as in the WHATWG standard. Throws a TypeError for a URL
 * that is not absolute, has another scheme or a fragment.
 */
export function parseWebSocketUrl(url: string | URL): URL {
  const parsed = URL.parse(url);
  if (parsed === null) throw invalidUrl(null, "what is given is not an absolute URL");
  const scheme = SCHEMES.get(parsed.protocol);
  if (scheme === undefined) {
    throw invalidUrl(parsed, "its scheme is not ws or wss; a URL begins with ws:// or wss://");
  }
  // An empty fragment shows in the whole URL only.
  if (parsed.href.includes("#")) throw invalidUrl(parsed, "it has a fragment");
  parsed.protocol = scheme;
  return parsed;
}

/** Names no more of a URL than scheme and host: what else it has is often a secret. */
function invalidUrl(url: URL | null, reason: string): TypeError {
  const named = url === null ? "" : ` to ${url.protocol}//${url.host}`;
  return new TypeError(`Cannot connect${named}: ${reason}`);
}

/**
 * One opening handshake. The constructor validates all arguments, so that nothing is dialled for a
 * request that cannot be made.
 */
export class ClientHandshake {
  readonly #key: string;
  readonly #subprotocols: readonly string[];
  readonly #requireSubprotocol: boolean;
  readonly #compression: ResolvedCompression | undefined;
  readonly #request: Uint8Array;

  /**
   * Prepares the handshake for a URL of {@linkcode parseWebSocketUrl}. `key` is for tests; a
   * handshake draws its own. Throws a TypeError or RangeError for what cannot be asked for.
   */
  constructor(url: URL, options: ClientHandshakeOptions, key: string = createKey()) {
    this.#key = key;
    const { subprotocols = [] } = options;
    // Checked before it is copied: the copy of a string would be an array of its letters.
    requireSubprotocols(subprotocols);
    this.#subprotocols = [...subprotocols];
    this.#requireSubprotocol = options.requireSubprotocol ?? false;
    this.#compression = resolveCompression(options.compression);
    this.#request = encodeRequestHead(url.pathname + url.search, this.#requestFields(url, options));
  }

  #requestFields(url: URL, options: ClientHandshakeOptions): [string, string][] {
    const headers = copyExtraHeaders(options.headers);
    const fields: [string, string][] = [
      ["Host", url.host],
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Key", this.#key],
      ["Sec-WebSocket-Version", "13"],
    ];
    if (this.#subprotocols.length > 0) {
      fields.push(["Sec-WebSocket-Protocol", this.#subprotocols.join(", ")]);
    }
    if (this.#compression !== undefined) {
      fields.push(["Sec-WebSocket-Extensions", createOffer(this.#compression)]);
    }
    if (options.origin !== undefined) {
      if (headers.has("origin")) {
        throw new TypeError('Cannot set the header "origin": the option origin is there as well');
      }
      fields.push(["Origin", options.origin]);
    }
    if ((url.username !== "" || url.password !== "") && !headers.has("authorization")) {
      fields.push(["Authorization", basicCredentials(url)]);
    }
    fields.push(...headers);
    return fields;
  }

  /** The bytes of the request, the same at each call. */
  encodeRequest(): Uint8Array {
    return this.#request.slice();
  }

  /**
   * Checks a 101 response (RFC 6455 section 4.1).
   *
   * @throws {WebSocketHandshakeError} that says what is wrong; the connection is then to be dropped.
   */
  check(head: ResponseHead): ClientHandshakeAgreement {
    if (head.status !== 101 || head.minorVersion !== 1) {
      throw failure(
        `the response is not HTTP/1.1 101 but HTTP/1.${head.minorVersion} ${head.status}`,
      );
    }
    const upgrade = fieldValues(head.fields, "upgrade");
    if (upgrade.length !== 1 || upgrade[0]!.toLowerCase() !== "websocket") {
      throw failure("the Upgrade header is not websocket");
    }
    if (!listIncludes(fieldValues(head.fields, "connection").join(), "upgrade")) {
      throw failure("the Connection header does not contain upgrade");
    }
    if (singleValue(head, "Sec-WebSocket-Accept") !== computeAccept(this.#key)) {
      throw failure("the Sec-WebSocket-Accept header does not answer the key");
    }
    return { protocol: this.#checkProtocol(head), ...this.#checkExtensions(head) };
  }

  #checkProtocol(head: ResponseHead): string {
    const protocol = singleValue(head, "Sec-WebSocket-Protocol");
    if (protocol === undefined) {
      if (this.#requireSubprotocol && this.#subprotocols.length > 0) {
        throw failure("the server selected none of the subprotocols offered");
      }
      return "";
    }
    if (this.#subprotocols.includes(protocol)) return protocol;
    throw failure(`the subprotocol ${JSON.stringify(protocol)} was not offered`);
  }

  #checkExtensions(head: ResponseHead): Omit<ClientHandshakeAgreement, "protocol"> {
    const extensions = singleValue(head, "Sec-WebSocket-Extensions") ?? "";
    const agreed = parseExtensions(extensions);
    if (agreed === undefined) throw failure("the Sec-WebSocket-Extensions header is malformed");
    const [first, second] = agreed;
    if (first === undefined) return { extensions: "", compression: undefined };
    if (this.#compression === undefined) {
      throw failure(`the extension "${first.name}" was not offered`);
    }
    if (second !== undefined) throw failure("the server accepted more than one extension");
    const parameters = checkResponse(first, this.#compression);
    if (typeof parameters === "string") throw failure(parameters);
    const { level, threshold } = this.#compression;
    return { extensions, compression: { parameters, level, threshold } };
  }
}

/** The value of a field that may be there once at most (RFC 6455 section 11.3). */
function singleValue(head: ResponseHead, name: string): string | undefined {
  const values = fieldValues(head.fields, name.toLowerCase());
  if (values.length > 1) throw failure(`the header ${name} appears twice`);
  return values[0];
}

function failure(reason: string): WebSocketHandshakeError {
  return new WebSocketHandshakeError(`Cannot open the WebSocket: ${reason}`);
}

/** The user and password of a URL as Basic credentials, in UTF-8 (RFC 7617). */
function basicCredentials(url: URL): string {
  const user = decodeUserinfo(url.username);
  if (user.includes(":")) {
    throw new TypeError("Cannot authenticate: a user name for Basic authentication has no colon");
  }
  const password = decodeUserinfo(url.password);
  // deno-lint-ignore no-control-regex -- RFC 7617 section 2 forbids them
  if (/[\0-\x1f\x7f]/.test(user + password)) {
    throw new TypeError("Cannot authenticate: Basic authentication has no control characters");
  }
  const pair = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(decodeLatin1(pair))}`;
}

function decodeUserinfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TypeError("Cannot authenticate: the user of the URL is not percent-encoded UTF-8", {
      cause,
    });
  }
}
