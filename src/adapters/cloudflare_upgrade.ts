/** Upgrading a request of a Worker's `fetch`. */

import { CloseCode } from "../close_code.ts";
import { Timeout } from "../connection/alarms.ts";
import { connectionOver, onceClosed } from "../connection/connection.ts";
import { HostLink } from "../connection/host_link.ts";
import type { HandshakeAgreement } from "../handshake/server.ts";
import { agreeOnUpgrade, RETURN_TIMEOUT, returnTimeoutError } from "../server/agreed_upgrade.ts";
import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import { asHandshake, remoteAddressOf } from "./cloudflare_request.ts";
import { attachWorkersSocket } from "./cloudflare_host_socket.ts";
import {
  createSocketPair,
  hasCompatibilityFlag,
  type WorkersWebSocket,
} from "./cloudflare_types.ts";

const upgraded = new WeakSet<Request>();

/**
 * Upgrades a request of a Worker's `fetch`, or of a Durable Object's.
 *
 * Throws a `TypeError` if it has been upgraded already, an option is wrong, or the host is not
 * Workers.
 */
export function upgradeOnWorkers<Data>(
  request: Request,
  options: UpgradeOptions<Data> = {},
): UpgradeResult<Data> {
  if (upgraded.has(request)) {
    throw new TypeError("Cannot upgrade the request: it has been upgraded already");
  }
  const agreed = agreeOnUpgrade(asHandshake(request), options);
  if ("response" in agreed) return { ...agreed, request };

  const { url, agreement, resolved } = agreed;
  const { 0: far, 1: near } = createSocketPair();
  const extensions = canCompress(request) ? agreement.extensions : "";
  const link = new HostLink({
    host: "a Worker's fetch",
    alternative: "acceptWebSocket of @gale/websocket/cloudflare in a Worker's connect handler",
    url,
    protocol: agreement.protocol,
    extensions,
    remoteAddress: remoteAddressOf(request),
    capabilities: {
      ping: false,
      compression: extensions !== "",
      inboundBackpressure: false,
      outboundBackpressure: "bufferedAmount" in near,
      noDelay: false,
    },
    answersClose: false,
  }, resolved);
  const connection = connectionOver(link, resolved, options);
  upgraded.add(request);
  attachWorkersSocket(near, link);
  const timeout = new Timeout(resolved.clock, () => abortUnlessReturned(far, link), RETURN_TIMEOUT);
  onceClosed(connection, () => timeout.clear());
  return {
    response: createResponse(request, { ...agreement, extensions }, far),
    connection,
    request,
  };
}

/**
 * Ends a connection whose response was not returned, for example because a Durable Object has
 * thrown after the upgrade: the runtime does not tell of that. A socket that was returned can no
 * longer be accepted.
 */
function abortUnlessReturned(far: WorkersWebSocket, link: HostLink): void {
  try {
    far.accept();
  } catch {
    return;
  }
  link.abort(returnTimeoutError());
  far.close(CloseCode.GoingAway);
}

/** Whether the runtime compresses; it does not understand an offer with a quoted value. */
function canCompress(request: Request): boolean {
  return hasCompatibilityFlag("web_socket_compression") &&
    !request.headers.get("sec-websocket-extensions")?.includes('"');
}

/** A value of `Sec-WebSocket-Extensions` that agrees to none; the runtime does not send it. */
const NO_EXTENSION = "none";

/**
 * The 101 response. The runtime adds the fields of the handshake, but leaves what is agreed to us;
 * without a word on extensions, it agrees to compression whenever that is offered.
 */
function createResponse(
  request: Request,
  { protocol, extensions, headers }: HandshakeAgreement,
  webSocket: WorkersWebSocket,
): Response {
  if (protocol !== "") headers.set("sec-websocket-protocol", protocol);
  if (request.headers.has("sec-websocket-extensions")) {
    headers.set("sec-websocket-extensions", extensions === "" ? NO_EXTENSION : extensions);
  }
  const init: ResponseInit & { readonly webSocket: WorkersWebSocket } = {
    status: 101,
    headers,
    webSocket,
  };
  return new Response(null, init);
}
