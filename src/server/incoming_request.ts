/**
 * From the head of an HTTP/1 request to what a `Request` is made of (RFC 9112 sections 3.2 and 6).
 */

import { trimSpace } from "../handshake/header_values.ts";
import { fieldValues, type HeadViolation, type RequestHead } from "../handshake/http1.ts";
import type { BodyFraming } from "../http/body_decoder.ts";

/** A head that was understood. */
export interface IncomingRequest {
  /** The method. */
  readonly method: string;
  /** The absolute URL. */
  readonly url: string;
  /**
   * All fields, as pairs: from these Deno makes the headers of a `Request` in half the time that it
   * takes from `Headers`.
   */
  readonly headers: [name: string, value: string][];
  /** How the body is delimited; 0 where there is none. */
  readonly framing: BodyFraming;
  /** Whether the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
}

/**
 * The methods that every runtime's `Request` carries as they are. Some of the others are forbidden,
 * and some runtimes turn the rest into GET, which would answer another request than the one
 * received.
 */
const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/** An authority: no userinfo, no path, no blanks (RFC 9110 section 4.2). */
const AUTHORITY = /^[^\s/?#@\\]+$/;

/** The host of an HTTP/1.0 request without a Host field whose target names none. */
const DEFAULT_HOST = "localhost";

/**
 * Reads a request head, or says what status it is to be refused with, and why.
 *
 * @param secure Whether TLS carries it, so that the URL is `https:`.
 */
export function interpretHead(
  head: RequestHead,
  secure: boolean,
): IncomingRequest | HeadViolation {
  if (!METHODS.includes(head.method)) {
    return refused(501, `The method ${head.method} is not implemented`);
  }
  const url = requestUrl(head, secure);
  if (typeof url !== "string") return url;
  const framing = bodyFraming(head);
  if (typeof framing === "object") return framing;
  const expectation = fieldValues(head.fields, "expect")[0]?.toLowerCase();
  if (expectation !== undefined && expectation !== "100-continue") {
    return refused(417, "The only expectation understood is 100-continue");
  }
  return {
    method: head.method,
    url,
    headers: collectHeaders(head),
    framing,
    expectsContinue: expectation !== undefined && head.minorVersion === 1,
  };
}

function requestUrl(head: RequestHead, secure: boolean): string | HeadViolation {
  const [field] = fieldValues(head.fields, "host");
  if (field === undefined && head.minorVersion === 1) {
    return refused(400, "The request has no Host field");
  }
  const scheme = secure ? "https" : "http";
  const host = field ?? DEFAULT_HOST;
  const base = AUTHORITY.test(host) ? URL.parse(`${scheme}://${host}`) : null;
  if (base === null) return refused(400, "The Host field is not a host and port");

  const target = head.target;
  if (target.startsWith("/")) return base.origin + target;
  // This means the server as a whole (RFC 9112 3.2.4), which no URL can say. The function is not
  // asked, since it would take this for a request for some resource. Only GET and HEAD have to be
  // implemented (RFC 9110 9.1).
  if (target === "*" && head.method === "OPTIONS") {
    return refused(501, "OPTIONS is implemented for resources only, not for the server as a whole");
  }
  // The absolute form is for proxies; a server takes it, but only for itself (RFC 9112 3.2.2).
  if (!/^https?:\/\//i.test(target)) {
    return refused(400, "The request target is neither a path nor an absolute URL");
  }
  const absolute = URL.parse(target);
  if (absolute === null || absolute.username !== "" || absolute.password !== "") {
    return refused(400, "The request target is not a valid URL");
  }
  const authority = URL.parse(`${scheme}://${absolute.host}`);
  if (authority === null || field !== undefined && authority.host !== base.host) {
    return refused(400, "The request target and the Host field name different hosts");
  }
  return authority.origin + absolute.pathname + absolute.search;
}

function bodyFraming(head: RequestHead): BodyFraming | HeadViolation {
  const lengths = fieldValues(head.fields, "content-length");
  const codings = fieldValues(head.fields, "transfer-encoding");
  if (codings.length > 0) {
    // Two recipients that choose differently see two different requests (RFC 9112 11.2).
    if (lengths.length > 0) {
      return refused(400, "The request has both Content-Length and Transfer-Encoding");
    }
    if (head.minorVersion === 0) {
      return refused(400, "HTTP/1.0 has no Transfer-Encoding");
    }
    const names = codings.join(",").toLowerCase().split(",").map(trimSpace);
    // Without it nothing tells where the body ends (RFC 9112 6.3).
    if (names.at(-1) !== "chunked") {
      return refused(400, "The last transfer coding is not chunked");
    }
    if (names.length > 1) {
      return refused(501, "The only transfer coding understood is chunked");
    }
    return "chunked";
  }
  if (lengths.length === 0) return 0;
  const length = Number(lengths[0]);
  if (lengths.length > 1 || !/^[0-9]+$/.test(lengths[0]!) || !Number.isSafeInteger(length)) {
    return refused(400, "The Content-Length field is not one decimal number");
  }
  return length;
}

function collectHeaders(head: RequestHead): [name: string, value: string][] {
  const headers: [name: string, value: string][] = [];
  const cookies: string[] = [];
  for (const [name, value] of head.fields) {
    if (name.toLowerCase() === "cookie") cookies.push(value);
    else headers.push([name, value]);
  }
  // A comma, which `Headers` would join them with, is no separator there (RFC 6265 4.2.1).
  if (cookies.length > 0) headers.push(["cookie", cookies.join("; ")]);
  return headers;
}

function refused(status: number, message: string): HeadViolation {
  return { status, message };
}
