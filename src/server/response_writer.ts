/**
 * A `Response` as an HTTP/1 message (RFC 9112).
 */

import { encodeResponseHead } from "../handshake/http1.ts";

/** What a response is written to, and in answer to what. */
export interface ResponseOutput {
  /** The method of the request: HEAD is answered without a body. */
  readonly method: string;
  /** The minor HTTP version of the request: 1.0 knows no chunked coding. */
  readonly minorVersion: 0 | 1;
  /** Aborted once nobody listens any more. */
  readonly signal: AbortSignal;
  /** Writes bytes; the promise is the flow control. Rejects once nobody listens any more. */
  write(chunk: Uint8Array): Promise<void>;
}

/**
 * The reason phrases of the statuses in everyday use; they may be left out (RFC 9112 section 4).
 */
const REASON_PHRASES: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/**
 * Fields that belong to the connection and are the server's own business (RFC 9110 section 7.6.1).
 */
const CONNECTION_FIELDS = ["connection", "keep-alive", "transfer-encoding", "content-length"];

const CRLF = new TextEncoder().encode("\r\n");
const LAST_CHUNK = new TextEncoder().encode("0\r\n\r\n");

/**
 * How the content is delimited: "none" where it is left out, "close" where it ends with the
 * connection.
 */
type Framing = "none" | "length" | "chunked" | "close";

/** The status line and the fields of a response of the server's own making. */
export function responseHead(
  response: Response,
  fields: Iterable<readonly [string, string]>,
): Uint8Array {
  const statusText = response.statusText || (REASON_PHRASES[response.status] ?? "");
  return encodeResponseHead(response.status, statusText, fields);
}

/**
 * Writes a response, and says that the connection closes after it.
 *
 * Rejects with a `TypeError`, before anything is written, if the response cannot be sent; with
 * another error if writing fails, or if the body is not what the head announced.
 */
export async function writeResponse(response: Response, output: ResponseOutput): Promise<void> {
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("Cannot send the response: its body is used already");
  }
  if (response.status === 0) {
    throw new TypeError("Cannot send the response: it is an error response");
  }
  // Before the head is made: if that fails, the body's source must end as well.
  const reader = response.body?.getReader();
  const cancel = (reason?: unknown) => void reader?.cancel(reason).catch(() => {});
  const onAbort = () => cancel(output.signal.reason);
  output.signal.addEventListener("abort", onAbort);
  try {
    const length = contentLength(response);
    const framing = chooseFraming(response, length, output);
    await output.write(responseHead(response, responseFields(response, { length, framing })));
    if (framing === "none") cancel();
    else if (reader !== undefined) await writeBody(reader, { length, framing, output });
  } catch (error) {
    cancel(error);
    throw error;
  } finally {
    output.signal.removeEventListener("abort", onAbort);
  }
}

/**
 * The most that is written at once, in bytes. A client that takes this much within the stall
 * timeout does not stand still, however large a chunk the body gave.
 */
const PIECE_SIZE = 65_536;

interface BodyPlan {
  readonly length: number | undefined;
  readonly framing: Framing;
  readonly output: ResponseOutput;
}

async function writeBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { length, framing, output }: BodyPlan,
): Promise<void> {
  let written = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const chunk: unknown = read.value;
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError("Cannot send the response: its body yields something else than bytes");
    }
    if (chunk.length === 0) continue; // An empty chunk would end the chunked coding.
    written += chunk.length;
    if (length !== undefined && written > length) {
      throw new TypeError("The body of the response is longer than its Content-Length");
    }
    for (let at = 0; at < chunk.length; at += PIECE_SIZE) {
      const piece = chunk.subarray(at, at + PIECE_SIZE);
      await output.write(framing === "chunked" ? encodeChunk(piece) : piece);
    }
  }
  // A body that was cancelled because nobody listens ends in order, too.
  output.signal.throwIfAborted();
  if (length !== undefined && written < length) {
    throw new TypeError("The body of the response is shorter than its Content-Length");
  }
  if (framing === "chunked") await output.write(LAST_CHUNK);
}

function encodeChunk(content: Uint8Array): Uint8Array {
  const size = new TextEncoder().encode(`${content.length.toString(16)}\r\n`);
  const chunk = new Uint8Array(size.length + content.length + CRLF.length);
  chunk.set(size);
  chunk.set(content, size.length);
  chunk.set(CRLF, size.length + content.length);
  return chunk;
}

function contentLength(response: Response): number | undefined {
  const field = response.headers.get("content-length");
  if (field === null) return undefined;
  const length = Number(field);
  if (!/^[0-9]+$/.test(field) || !Number.isSafeInteger(length)) {
    throw new TypeError("Cannot send the response: its Content-Length is not a decimal number");
  }
  return length;
}

function chooseFraming(
  response: Response,
  length: number | undefined,
  output: ResponseOutput,
): Framing {
  if (output.method === "HEAD" || response.status === 204 || response.status === 304) return "none";
  if (response.body === null || length !== undefined) return "length";
  return output.minorVersion === 1 ? "chunked" : "close";
}

function responseFields(
  response: Response,
  { length, framing }: { length: number | undefined; framing: Framing },
): [string, string][] {
  const fields: [string, string][] = [];
  for (const [name, value] of response.headers) {
    if (!CONNECTION_FIELDS.includes(name)) fields.push([name, value]);
  }
  // Bun tells the type of a text only to its own server; without a type, a browser might take it
  // for HTML.
  if (response.body !== null && !response.headers.has("content-type")) {
    if (!response.headers.has("x-content-type-options")) {
      fields.push(["X-Content-Type-Options", "nosniff"]);
    }
  }
  if (!response.headers.has("date")) fields.push(["Date", new Date().toUTCString()]);
  if (framing === "chunked") {
    fields.push(["Transfer-Encoding", "chunked"]);
  } else if (framing === "length") {
    fields.push(["Content-Length", String(response.body === null ? 0 : length)]);
  } else if (length !== undefined && response.status !== 204) {
    // What a GET would have brought (RFC 9110 8.6).
    fields.push(["Content-Length", String(length)]);
  }
  // A 426 names the protocol to upgrade to, which the Connection field must list (RFC 9110 7.8).
  const upgrade = response.headers.has("upgrade");
  fields.push(["Connection", upgrade ? "close, Upgrade" : "close"]);
  return fields;
}
