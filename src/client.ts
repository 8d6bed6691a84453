/**
 * The client: dials, makes the opening handshake of RFC 6455 section 4.1, and follows redirects
 * where it is asked to.
 */

import {
  requireArray,
  requireDelay,
  requireInteger,
  requireOptionalFunction,
  requireOptionalPem,
  requirePem,
} from "./arguments.ts";
import { Deadline } from "./client/deadline.ts";
import { ClientExchange, type Refusal } from "./client/exchange.ts";
import {
  isSameOrigin,
  redirectLocation,
  resolveRedirect,
  withoutCredentials,
} from "./client/redirect.ts";
import type { WebSocketConnection } from "./connection/connection.ts";
import type { Dial, DialOptions, DialTarget } from "./connection/dial.ts";
import { resolveConnectionOptions } from "./connection/options.ts";
import { StreamTransport } from "./connection/stream_transport.ts";
import type { ByteTransport } from "./connection/transport.ts";
import { WebSocketHandshakeError } from "./errors.ts";
import {
  ClientHandshake,
  type ClientHandshakeOptions,
  parseWebSocketUrl,
} from "./handshake/client.ts";
import { type HeadLimits, resolveHeadLimits } from "./handshake/head_limits.ts";
import type { ResponseHead } from "./handshake/http1.ts";
import { switchingProtocols } from "./handshake/switching_protocols.ts";
import { quote } from "./quote.ts";
import type { ConnectionOptions } from "./types.ts";
import { unlessAborted } from "./unless_aborted.ts";

/** Options of `connectWebSocket`. Times are milliseconds. */
export interface ConnectOptions<Data = unknown>
  extends ConnectionOptions, ClientHandshakeOptions, DialOptions {
  /**
   * Milliseconds that it may take from the call to the open connection: dialling, TLS, the
   * handshake and redirects, all together; 0 for no limit.
   * @default 20000
   */
  readonly connectTimeout?: number | undefined;
  /** Gives the attempt up when aborted, and later aborts the connection. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How many redirects (301, 302, 303, 307, 308) are followed. One that leads to another origin is
   * followed without Authorization, Cookie and Proxy-Authorization, without the user of the URL,
   * and without the client certificate and `serverName`. One from `wss` to `ws`, or away from a
   * Unix socket, is not followed.
   * @default 0
   */
  readonly maxRedirects?: number | undefined;
  /**
   * Bytes kept of the body of a response that is not 101, for the error's `response`; the rest is
   * not read.
   * @default 65536 (64 KiB)
   */
  readonly maxErrorBodySize?: number | undefined;
  /**
   * Limits on the head of the response.
   * @default { maxHeadSize: 16384, maxFields: 100, maxLineSize: 8192 }
   */
  readonly headLimits?: HeadLimits | undefined;
  /**
   * Called with the server's 101 once that has been checked, so that its headers can be read;
   * awaited before the connection opens.
   */
  readonly onResponse?: ((response: Response) => unknown) | undefined;
  /**
   * What the application wants to find at {@linkcode WebSocketConnection.data}.
   * @default undefined
   */
  readonly data?: Data;
  /** The path of a Unix socket to dial; the URL then only says what to ask for. */
  readonly unixPath?: string | undefined;
  /**
   * Makes the transport.
   * @default the host's sockets
   */
  readonly dial?: Dial | undefined;
}

/** Defaults of {@linkcode ConnectOptions}. */
const CONNECT_TIMEOUT = 20_000;
const MAX_ERROR_BODY_SIZE = 65_536;

/** How much of the body of a refusal an error shows at most, in bytes. */
const SHOWN_OF_BODY = 200;

/**
 * One handshake to be made: at first as the application asked, later as redirects have changed it.
 */
interface Attempt {
  readonly url: URL;
  readonly options: ConnectOptions;
  readonly handshake: ClientHandshake;
}

/**
 * Connects by `dial`; see `connectWebSocket`. All arguments are checked before anything is dialled,
 * and nothing stays open when the promise rejects.
 */
export async function connectBy<Data>(
  dial: Dial,
  source: string | URL | Request,
  given: ConnectOptions<Data>,
): Promise<WebSocketConnection<Data>> {
  const asked = source instanceof Request ? fromRequest(source, given) : given;
  // Read once: they may come from an iterator, and be needed again after a redirect.
  const options = asked.headers === undefined
    ? asked
    : { ...asked, headers: new Headers(asked.headers) };
  const { connectTimeout = CONNECT_TIMEOUT, maxRedirects = 0, signal } = options;
  const { clock } = resolveConnectionOptions(options);
  requireOptionalFunction("dial", options.dial);
  requireOptionalFunction("onResponse", options.onResponse);
  requireDelay("connectTimeout", connectTimeout);
  requireInteger("maxRedirects", maxRedirects);
  resolveHeadLimits(options.headLimits);
  requireInteger("maxErrorBodySize", options.maxErrorBodySize ?? 0);
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new TypeError("Cannot connect: cert and key must be given together");
  }
  requireOptionalPem("cert", options.cert);
  requireOptionalPem("key", options.key);
  const { caCerts = [] } = options;
  requireArray("caCerts", caCerts);
  for (const cert of caCerts) requirePem("each of caCerts", cert);
  const url = parseWebSocketUrl(source instanceof Request ? source.url : source);
  let attempt = createAttempt(url, options);

  using deadline = new Deadline({ timeout: connectTimeout, clock, signal });
  for (let redirects = 0;; redirects++) {
    const mayRedirect = redirects < maxRedirects;
    const result = await make(attempt, { dial, mayRedirect, signal: deadline.signal }).catch(
      (error) => {
        signal?.throwIfAborted();
        throw connectError(attempt.url, error);
      },
    );
    if (!("head" in result)) return result as WebSocketConnection<Data>;
    signal?.throwIfAborted();
    const location = redirectLocation(result.head);
    if (location === undefined || maxRedirects === 0) throw refusalError(result);
    if (!mayRedirect) throw redirectError(result, `there were ${redirects} before it`);
    attempt = followRedirect(attempt, result, location);
  }
}

/** What a `Request` asks for, unless the options do. */
function fromRequest(request: Request, options: ConnectOptions): ConnectOptions {
  if (request.method !== "GET") {
    throw new TypeError(`Cannot connect: the method of the request is ${request.method}, not GET`);
  }
  return {
    ...options,
    headers: options.headers ?? request.headers,
    signal: options.signal ?? request.signal,
  };
}

function createAttempt(url: URL, options: ConnectOptions): Attempt {
  return { url, options, handshake: new ClientHandshake(url, options) };
}

/** Dials, and makes one handshake. */
async function make(
  { url, options, handshake }: Attempt,
  { dial, mayRedirect, signal }: {
    readonly dial: Dial;
    readonly mayRedirect: boolean;
    readonly signal: AbortSignal;
  },
): Promise<WebSocketConnection | Refusal> {
  const transport = await dialWithin(dial, dialTarget(url, options), signal);
  const { maxErrorBodySize = MAX_ERROR_BODY_SIZE } = options;
  return await new ClientExchange(transport, {
    handshake,
    url: withoutUser(url),
    options,
    headLimits: options.headLimits ?? {},
    bodyLimit: (head: ResponseHead) =>
      mayRedirect && redirectLocation(head) !== undefined ? 0 : maxErrorBodySize,
    onAccepted: async (head: ResponseHead) =>
      void await options.onResponse?.(switchingProtocols(toHeaders(head))),
    signal,
  }).run();
}

function dialTarget(url: URL, options: ConnectOptions): DialTarget {
  const { caCerts, cert, key, serverName, unixPath, noDelay = true } = options;
  const secure = url.protocol === "wss:";
  const defaultPort = secure ? 443 : 80;
  return {
    hostname: url.hostname,
    port: url.port === "" ? defaultPort : Number(url.port),
    secure,
    noDelay,
    ...unixPath !== undefined && { unixPath },
    ...serverName !== undefined && { serverName },
    ...caCerts !== undefined && { caCerts },
    ...cert !== undefined && { cert },
    ...key !== undefined && { key },
  };
}

/** Dials, and does not wait for a dial that does not heed the signal. */
async function dialWithin(
  dial: Dial,
  target: DialTarget,
  signal: AbortSignal,
): Promise<ByteTransport> {
  signal.throwIfAborted();
  const dialling = (async () => {
    const dialled = await dial(target, signal);
    return "readable" in dialled ? new StreamTransport(dialled) : dialled;
  })();
  return await unlessAborted(dialling, signal, (transport) => transport.close());
}

function followRedirect({ url, options }: Attempt, refusal: Refusal, location: string): Attempt {
  try {
    const target = resolveRedirect(location, url);
    if (isSameOrigin(target, url)) return createAttempt(target, options);
    if (options.unixPath !== undefined) throw new TypeError("it leads away from the Unix socket");
    const { cert: _cert, key: _key, serverName: _serverName, ...rest } = options;
    return createAttempt(target, { ...rest, headers: withoutCredentials(options.headers) });
  } catch (error) {
    throw redirectError(refusal, (error as TypeError).message);
  }
}

/** A URL as connections and errors show it. */
function withoutUser(url: URL): string {
  const shown = new URL(url);
  shown.username = shown.password = "";
  return shown.href;
}

function connectError(url: URL, cause: unknown): WebSocketHandshakeError {
  if (cause instanceof WebSocketHandshakeError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  // Not the whole URL: a query often carries a secret.
  const message = `Cannot connect to ${url.protocol}//${url.host}: ${reason}`;
  return new WebSocketHandshakeError(message, { cause });
}

function refusalError(refusal: Refusal): WebSocketHandshakeError {
  const { status, statusText } = refusal.head;
  const answer = `${status} ${statusText}`.trimEnd() + firstLine(refusal);
  return new WebSocketHandshakeError(`Cannot open the WebSocket: the server answered ${answer}`, {
    response: toResponse(refusal),
    cause: refusal.cause,
  });
}

/** What a server has written of its refusal; quoted, so that a log takes nothing else from it. */
function firstLine({ head, body }: Refusal): string {
  if (!/^text\/plain\b/i.test(toHeaders(head).get("content-type") ?? "")) return "";
  const [line = ""] = new TextDecoder().decode(body.subarray(0, SHOWN_OF_BODY)).split(/[\r\n]/, 1);
  return line === "" ? "" : `: ${quote(line)}`;
}

function redirectError(refusal: Refusal, reason: string): WebSocketHandshakeError {
  const message = `Cannot follow the redirect with status ${refusal.head.status}: ${reason}`;
  return new WebSocketHandshakeError(message, {
    response: toResponse(refusal),
    cause: refusal.cause,
  });
}

function toResponse({ head, body }: Refusal): Response {
  const { status, statusText } = head;
  const headers = toHeaders(head);
  const isNullBody = status === 204 || status === 205 || status === 304;
  return new Response(isNullBody ? null : body, { status, statusText, headers });
}

function toHeaders({ fields }: ResponseHead): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}
