/** The link over a byte stream in hand, whose handshake somebody else has made. */

import { checkResponse } from "../extensions/permessage_deflate_negotiation.ts";
import type { PermessageDeflateInit } from "../extensions/permessage_deflate.ts";
import { parseExtensions } from "../handshake/header_values.ts";
import type { ByteStream, WebSocketConnectionOptions } from "../types.ts";
import type { Link } from "./link.ts";
import { ProtocolLink } from "./protocol_link.ts";
import { StreamTransport } from "./stream_transport.ts";

/**
 * Creates a link over a byte stream, which opens once the caller has attached a connection to it.
 *
 * @throws {TypeError} if a side of the stream is locked, or the extensions agreed are none of ours.
 */
export function createStreamLink(
  stream: ByteStream,
  options: WebSocketConnectionOptions,
): ProtocolLink {
  const { role, url = "", protocol = "", extensions = "" } = options;
  const compression = agreedCompression(extensions, options);
  const link = new ProtocolLink({ role, url, protocol, extensions, compression }, options);
  const transport = new StreamTransport(stream, options.remoteAddress);
  queueMicrotask(() => link.open(transport));
  return link;
}

/** What a `Sec-WebSocket-Extensions` header that both sides agreed on means for this one. */
function agreedCompression(
  extensions: string,
  { compression }: WebSocketConnectionOptions,
): PermessageDeflateInit | undefined {
  const agreed = parseExtensions(extensions);
  if (agreed?.length === 0) return undefined;
  const [extension, ...others] = agreed ?? [];
  const parameters = extension === undefined || others.length > 0
    ? "it is not one extension"
    : checkResponse(extension, {});
  if (typeof parameters === "string") {
    throw new TypeError(`Cannot use extensions ${JSON.stringify(extensions)}: ${parameters}`);
  }
  return { ...compression, parameters };
}

/** Whether it is a link, where a stream may be as well. */
export function isLink(source: ByteStream | Link): source is Link {
  return "attach" in source;
}
