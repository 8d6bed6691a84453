/** What is special about the requests that a Worker is given. */

import type { RemoteAddress } from "../types.ts";
import { parseAddress } from "./cloudflare_types.ts";

/** A request, with what the runtime tells about it besides the standard. */
export interface WorkersRequest extends Request {
  readonly cf?: {
    /** The peer's address and port, where workerd itself serves. */
    readonly clientIp?: string;
    /** The data centre, where Cloudflare's network serves. */
    readonly colo?: string;
  };
}

/** Fields that a request over HTTP has; one that another Worker makes has none of them. */
const WIRE_FIELDS = ["host", "connection", "sec-websocket-version", "sec-websocket-key"] as const;

/**
 * The request as a handshake. A Worker that asks another one, or a Durable Object, through a
 * binding sends only `Upgrade: websocket`: there is no HTTP between them, so the rest is filled in.
 *
 * The runtime itself does not take a list in `Upgrade` for a request for a WebSocket, and would
 * turn the 101 into a 500. Such a request has no `Upgrade` here, and is refused.
 */
export function asHandshake(request: Request): Request {
  const { url, method, headers } = request;
  if (headers.get("upgrade")?.includes(",")) {
    const without = new Headers(headers);
    without.delete("upgrade");
    return new Request(url, { method, headers: without });
  }
  if (WIRE_FIELDS.some((name) => headers.has(name))) return request;
  const complete = new Headers(headers);
  complete.set("host", new URL(url).host);
  complete.set("connection", "upgrade");
  complete.set("sec-websocket-version", "13");
  complete.set("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
  return new Request(url, { method, headers: complete });
}

/**
 * The address of the peer. Cloudflare's network says it in `CF-Connecting-IP`, where whatever a
 * client sends is replaced; anywhere else a client may send what it likes there.
 */
export function remoteAddressOf({ cf, headers }: WorkersRequest): RemoteAddress | undefined {
  if (cf?.clientIp !== undefined) return parseAddress(cf.clientIp);
  const hostname = headers.get("cf-connecting-ip");
  if (cf?.colo === undefined || hostname === null) return undefined;
  return { transport: "tcp", hostname, port: 0 };
}
