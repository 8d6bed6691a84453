/**
 * The heads of HTTP/1 messages, which is all of HTTP that a WebSocket handshake needs (RFC 9112).
 *
 * Reading is strict where leniency has let requests be smuggled: folded fields, a bare LF or CR,
 * whitespace before the colon, two Host fields.
 */

import type { HeadLimits } from "./head_limits.ts";
import { badHead, type HeadField, HeadReader, type HeadViolation } from "./head_reader.ts";
import { isToken } from "./header_values.ts";
import { encodeLatin1 } from "./latin1.ts";

export type { HeadField, HeadLimits, HeadViolation };

/** The head of a request. */
export interface RequestHead {
  /** The method; its case counts. */
  readonly method: string;
  /** The request target: a path, an absolute URL, or `*` with OPTIONS (RFC 9112 section 3.2). */
  readonly target: string;
  /** The x of HTTP/1.x; a minor version above 1 is read as 1 (RFC 9110 section 2.5). */
  readonly minorVersion: 0 | 1;
  /** The header fields in their order. */
  readonly fields: readonly HeadField[];
}

/** The head of a response. */
export interface ResponseHead {
  /** The status code, 100 to 599. */
  readonly status: number;
  /** The reason phrase, often empty. */
  readonly statusText: string;
  /** The x of HTTP/1.x; a minor version above 1 is read as 1 (RFC 9110 section 2.5). */
  readonly minorVersion: 0 | 1;
  /** The header fields in their order. */
  readonly fields: readonly HeadField[];
}

/** Empty lines passed over before a request line (RFC 9112 section 2.2). */
const LEADING_EMPTY_LINES = 2;

/** The values of all fields of a name, given in lower case. */
export function fieldValues(fields: readonly HeadField[], name: string): string[] {
  const values: string[] = [];
  for (const [fieldName, value] of fields) {
    if (fieldName.length === name.length && fieldName.toLowerCase() === name) values.push(value);
  }
  return values;
}

/**
 * Reads the head of a request as its bytes arrive.
 *
 * A missing Host is left to the handshake; a second one is refused here.
 */
export class RequestHeadReader extends HeadReader {
  #start: Omit<RequestHead, "fields"> | undefined;
  #head: RequestHead | undefined;

  /** Creates a reader for one head. */
  constructor(limits: HeadLimits = {}) {
    super(limits, LEADING_EMPTY_LINES);
  }

  /** The head, once it is complete. */
  get head(): RequestHead | undefined {
    return this.#head;
  }

  protected override get startLineTooLongStatus(): number {
    return 414;
  }

  protected override readStartLine(line: string): HeadViolation | undefined {
    const [method = "", target = "", version, ...rest] = line.split(" ", 4);
    if (version === undefined || rest.length > 0) {
      return badHead("The request line is not a method, a target and a version");
    }
    const minorVersion = parseVersion(version);
    if (typeof minorVersion === "object") return minorVersion;
    if (!isToken(method)) return badHead("The method is not a token");
    if (!isTarget(target, method)) return badHead("The request target is malformed");
    this.#start = { method, target, minorVersion };
    return undefined;
  }

  protected override finish(fields: readonly HeadField[]): HeadViolation | undefined {
    if (fieldValues(fields, "host").length > 1) return badHead("There is more than one Host");
    this.#head = { ...this.#start!, fields };
    return undefined;
  }
}

/** Reads the head of a response as its bytes arrive. */
export class ResponseHeadReader extends HeadReader {
  #start: Omit<ResponseHead, "fields"> | undefined;
  #head: ResponseHead | undefined;

  /** Creates a reader for one head. */
  constructor(limits: HeadLimits = {}) {
    super(limits, 0);
  }

  /** The head, once it is complete. */
  get head(): ResponseHead | undefined {
    return this.#head;
  }

  protected override get startLineTooLongStatus(): number {
    return 431;
  }

  protected override readStartLine(line: string): HeadViolation | undefined {
    const [version = "", status = ""] = line.split(" ", 2);
    const minorVersion = parseVersion(version);
    if (typeof minorVersion === "object") return minorVersion;
    if (!/^[1-5][0-9][0-9]$/.test(status)) return badHead("The status code is malformed");
    const statusText = line.slice(version.length + status.length + 2);
    this.#start = { status: Number(status), statusText, minorVersion };
    return undefined;
  }

  protected override finish(fields: readonly HeadField[]): HeadViolation | undefined {
    this.#head = { ...this.#start!, fields };
    return undefined;
  }
}

function parseVersion(version: string): 0 | 1 | HeadViolation {
  if (!/^HTTP\/[0-9]\.[0-9]$/.test(version)) return badHead("The HTTP version is malformed");
  if (version[5] !== "1") return { status: 505, message: "The HTTP version is not 1.x" };
  return version[7] === "0" ? 0 : 1;
}

/**
 * Whether `target` is one that `method` may have: no fragment, no user, an authority for CONNECT
 * alone. Nor a backslash, which some take for a slash and others do not; in queries browsers send
 * it.
 */
function isTarget(target: string, method: string): boolean {
  if (!isVisibleAscii(target) || target.includes("#")) return false;
  if (/^[^?]*\\/.test(target)) return false;
  if (target.startsWith("/")) return true;
  if (target === "*") return method === "OPTIONS";
  if (method === "CONNECT") return /^[^/?@]+:[0-9]+$/.test(target);
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?@]+(?:[/?]|$)/.test(target);
}

function isVisibleAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text.length > 0;
}

/**
 * Writes the head of a GET request. Throws a TypeError, before anything is written, when the target
 * or a field has characters that would end it early.
 */
export function encodeRequestHead(target: string, fields: Iterable<HeadField>): Uint8Array {
  if (!isVisibleAscii(target)) {
    throw new TypeError(`Cannot encode the request: ${JSON.stringify(target)} is not a target`);
  }
  return encodeHead(`GET ${target} HTTP/1.1`, fields);
}

/**
 * Writes the head of a response. Throws a RangeError when the status is not an integer from 100 to
 * 599, and a TypeError when the reason or a field has characters that would end it early.
 */
export function encodeResponseHead(
  status: number,
  statusText: string,
  fields: Iterable<HeadField>,
): Uint8Array {
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    throw new RangeError(`Cannot encode the response: ${status} is not a status`);
  }
  if (!isFieldText(statusText)) {
    throw new TypeError("Cannot encode the response: the reason has a character that HTTP forbids");
  }
  return encodeHead(`HTTP/1.1 ${status} ${statusText}`, fields);
}

function encodeHead(startLine: string, fields: Iterable<HeadField>): Uint8Array {
  let text = `${startLine}\r\n`;
  for (const [name, value] of fields) {
    if (!isToken(name)) {
      throw new TypeError(`Cannot encode the header field: ${JSON.stringify(name)} is not a token`);
    }
    if (!isFieldText(value)) {
      throw new TypeError(
        `Cannot encode the header field "${name}": its value has a character that HTTP forbids`,
      );
    }
    text += `${name}: ${value}\r\n`;
  }
  return encodeLatin1(`${text}\r\n`);
}

/** Whether `text` has only what a field value may have: tabs, and Latin-1 without controls. */
function isFieldText(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
