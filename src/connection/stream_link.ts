/**
 * The link over a byte stream whose handshake somebody else has done, and with it the class that
 * takes such a stream. `connection.ts` by itself loads no codec, so whoever makes connections of
 * byte streams takes the class from here.
 */

import { requireByteStream } from "../arguments.ts";
import { checkResponse, resolveCompression } from "../extensions/permessage_deflate_negotiation.ts";
import type { PermessageDeflateInit } from "../extensions/permessage_deflate.ts";
import { parseExtensions } from "../handshake/header_values.ts";
import type { ByteStream, WebSocketConnectionOptions } from "../types.ts";
import { WebSocketConnection } from "./connection.ts";
import { type ConfiguredLink, provideStreamLinks } from "./link_source.ts";
import { resolveConnectionOptions } from "./options.ts";
import { ProtocolLink } from "./protocol_link.ts";
import { StreamTransport } from "./stream_transport.ts";

export { WebSocketConnection };

/**
 * Creates a link over a byte stream, which opens once the caller has attached a connection to it.
 *
 * @throws {TypeError} if an option is of a wrong type, the stream has no two sides, one of them is
 * locked, the role is none, or the extensions agreed are none of ours.
 * @throws {RangeError} if an option is out of its range.
 */
export function createStreamLink(
  stream: ByteStream,
  options: WebSocketConnectionOptions,
): ConfiguredLink {
  requireByteStream(stream);
  const resolved = resolveConnectionOptions(options);
  const { role, url = "", protocol = "", extensions = "" } = options;
  if (role !== "server" && role !== "client") {
    throw new TypeError('Cannot take over stream: role must be "server" or "client"');
  }
  const compression = agreedCompression(extensions, options);
  // After all checks, since it locks the stream.
  const transport = new StreamTransport(stream, options.remoteAddress);
  const init = { role, url, protocol, extensions, compression, transport };
  const link = new ProtocolLink(init, resolved);
  queueMicrotask(() => link.open(transport));
  return { link, resolved };
}

/** What a `Sec-WebSocket-Extensions` header that both sides agreed on means for this side. */
function agreedCompression(
  extensions: string,
  { compression }: WebSocketConnectionOptions,
): PermessageDeflateInit | undefined {
  const anything = resolveCompression(true)!;
  const { level, threshold } = resolveCompression(compression) ?? anything;
  const agreed = parseExtensions(extensions);
  if (agreed?.length === 0) return undefined;
  const [extension, ...others] = agreed ?? [];
  const parameters = extension === undefined || others.length > 0
    ? "it is not one extension"
    : checkResponse(extension, anything);
  if (typeof parameters === "string") {
    throw new TypeError(`Cannot use extensions ${JSON.stringify(extensions)}: ${parameters}`);
  }
  return { parameters, level, threshold };
}

provideStreamLinks(createStreamLink);
