/** Header fields of the application's own in a handshake. */

/**
 * Fields that either belong to the handshake or would make a recipient look for a body where frames
 * are. All that begin with `sec-websocket-` are reserved as well.
 */
const RESERVED: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A copy of the application's headers. Throws a TypeError for a name that is the handshake's own,
 * and for what `Headers` itself refuses, such as a line break in a value.
 */
export function copyExtraHeaders(init: HeadersInit | undefined): Headers {
  const headers = new Headers(init);
  checkExtraHeaders(headers);
  return headers;
}

/** Throws a TypeError if one of the application's headers has a name that is the handshake's own. */
export function checkExtraHeaders(headers: Headers): void {
  headers.forEach((_value, name) => {
    if (RESERVED.has(name) || name.startsWith("sec-websocket-")) {
      throw new TypeError(`Cannot set the header "${name}": it is the handshake's own`);
    }
  });
}
