/** The upgrade of a request of `Bun.serve`. */

import { requireFunction } from "../arguments.ts";
import { CloseCode } from "../close_code.ts";
import { connectionOver, type WebSocketConnection } from "../connection/connection.ts";
import { HostLink } from "../connection/host_link.ts";
import type { HandshakeAgreement } from "../handshake/server.ts";
import { agreeOnUpgrade } from "../server/agreed_upgrade.ts";
import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import type { RemoteAddress } from "../types.ts";
import { BunHostSocket, type BunWebSocketData } from "./bun_host_socket.ts";
import type { BunServer } from "./bun_types.ts";

/** How a request is upgraded on Bun. */
export interface BunUpgradeOptions<Data = unknown> extends UpgradeOptions<Data> {
  /**
   * The server that `Bun.serve` passes to `fetch`, or returns; its `websocket` object must be ours.
   * Ignored for a request of `serveTcp`.
   */
  readonly server?: BunServer<BunWebSocketData> | undefined;
}

const EXTENSIONS = "sec-websocket-extensions";

/** The connections of requests that have been upgraded. */
const upgrades = new WeakMap<Request, WebSocketConnection>();

/** The path of a Unix socket is not known here. */
const UNIX_ADDRESS: RemoteAddress = { transport: "unix", hostname: "", port: 0 };

/**
 * Upgrades a request of `Bun.serve`; see `upgradeWebSocket`.
 *
 * Throws a `TypeError` or `RangeError` if an option is wrong, if the server has no `websocket`
 * object that fits, and if Bun does not take the request.
 */
export function upgradeBunRequest<Data>(
  request: Request,
  server: BunServer<BunWebSocketData>,
  options: UpgradeOptions<Data>,
): UpgradeResult<Data> {
  const agreed = agreeOnUpgrade(request, options);
  if ("response" in agreed) return agreed;
  const { url, agreement, resolved } = agreed;
  const extensions = extensionsOf(agreement);
  const { maxMessageSize } = options;
  const link = new HostLink({
    host: "Bun.serve",
    alternative: "serveTcp of @gale/websocket/bun",
    url,
    protocol: agreement.protocol,
    extensions,
    remoteAddress: addressOf(request, server),
    capabilities: {
      ping: true,
      compression: extensions !== "",
      inboundBackpressure: true,
      outboundBackpressure: true,
      noDelay: false,
    },
    // If none is given, the limit of the `websocket` object applies, which Bun enforces.
  }, { ...resolved, maxMessageSize: maxMessageSize ?? Number.MAX_SAFE_INTEGER });
  const connection = connectionOver(link, resolved, options);
  const threshold = extensions === "" ? Infinity : agreement.compression!.threshold;
  const socket = new BunHostSocket({ link, connection, threshold });

  const headers = new Headers(agreement.headers);
  // An empty one keeps Bun from selecting the first that is offered, and is not sent.
  headers.set("sec-websocket-protocol", agreement.protocol);
  try {
    const upgraded = withOffer(
      request,
      extensions,
      () => server.upgrade(request, { headers, data: socket }),
    );
    if (upgraded) {
      // Before: what the check throws comes after the upgrade as well.
      upgrades.set(request, connection);
      checkHandlers(socket, maxMessageSize);
    } else if (request.signal.aborted) {
      link.lost(new Error("The peer ended the transport before the upgrade"));
    } else {
      throw new TypeError(
        "Cannot upgrade the request: it has been upgraded or answered already, or it is not the " +
          "one that Bun.serve passed on",
      );
    }
  } catch (error) {
    link.abort(error);
    throw error;
  }
  const response = new Response(null, { status: 101, headers: agreement.headers });
  return { response, connection, request };
}

/**
 * Wraps the `fetch` of `Bun.serve`, so that the process lives on if `fetch` rejects after an
 * upgrade: otherwise Bun ends it, whether or not there is an `error` function. The connection is
 * closed with 1011, and what was thrown is written to the console. A rejection without an upgrade
 * is left to Bun, as ever.
 *
 * @example
 * ```ts ignore
 * Bun.serve({ fetch: guardUpgrades(app.fetch), websocket });
 * ```
 */
export function guardUpgrades<Rest extends unknown[], Result>(
  fetch: (request: Request, ...rest: Rest) => Result | Promise<Result>,
): (request: Request, ...rest: Rest) => Promise<Result | Response> {
  requireFunction("fetch", fetch);
  return async (request, ...rest) => {
    try {
      return await fetch(request, ...rest);
    } catch (error) {
      const connection = upgrades.get(request);
      if (connection === undefined) throw error;
      console.error(error);
      void connection.close(CloseCode.InternalError);
      // Bun no longer looks at it.
      return new Response();
    }
  };
}

/**
 * Bun has upgraded, but do our handlers serve the socket? If not, it stays open, since Bun has
 * shown it only to the other object: `upgrade` returns `true`, and nothing leads from its `data` to
 * the socket.
 */
function checkHandlers({ limit }: BunHostSocket, maxMessageSize: number = 0): void {
  if (limit === undefined) {
    throw new TypeError(
      "Cannot upgrade the request: the `websocket` object of Bun.serve is not the one of this module",
    );
  }
  if (maxMessageSize > limit) {
    throw new RangeError(
      `maxMessageSize must not exceed that of the \`websocket\` object of Bun.serve, ${limit}, and ` +
        `is ${maxMessageSize}; createWebSocketHandlers makes one for larger messages`,
    );
  }
}

/**
 * What is agreed, as far as Bun can do it: a client that forgets its window is not told its size,
 * and a server that forgets its own cannot choose its size.
 */
function extensionsOf({ extensions, compression }: HandshakeAgreement): string {
  if (compression === undefined) return "";
  const { parameters } = compression;
  const [name, ...written] = extensions.split("; ");
  const told = written.filter((parameter) =>
    !parameter.startsWith("client_max_window_bits") ||
    !parameters.clientNoContextTakeover && parameters.clientMaxWindowBits < 15
  );
  const sized = told.some((parameter) => parameter.startsWith("server_max_window_bits"));
  if (sized && parameters.serverNoContextTakeover) return "";
  // Bun's order.
  return [name, ...told.sort()].join("; ");
}

/**
 * Bun takes the extensions from the request's own headers, as they are at that moment. Shows it
 * only what is agreed, which it then answers with.
 */
function withOffer<Result>(request: Request, extensions: string, upgrade: () => Result): Result {
  const offer = request.headers.get(EXTENSIONS);
  if (offer === null) return upgrade();
  if (extensions === "") request.headers.delete(EXTENSIONS);
  else request.headers.set(EXTENSIONS, extensions);
  try {
    return upgrade();
  } finally {
    request.headers.set(EXTENSIONS, offer);
  }
}

function addressOf(
  request: Request,
  server: BunServer<BunWebSocketData>,
): RemoteAddress | undefined {
  const address = server.requestIP(request);
  if (address !== null) {
    return { transport: "tcp", hostname: address.address, port: address.port };
  }
  return request.signal.aborted ? undefined : UNIX_ADDRESS;
}
