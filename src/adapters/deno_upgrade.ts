/**
 * Upgrading a request of `Deno.serve`.
 *
 * A server of `Deno.serve` stops, with all its connections, if a request has been upgraded and the
 * function then throws or returns something else. So the upgrade waits until the response is looked
 * at by whoever it is returned to: a function that fails before that has not upgraded anything.
 */

import { requireFunction } from "../arguments.ts";
import { CloseCode } from "../close_code.ts";
import { Timeout } from "../connection/alarms.ts";
import { connectionOver, onceClosed, type WebSocketConnection } from "../connection/connection.ts";
import { HostLink } from "../connection/host_link.ts";
import { checkExtraHeaders } from "../handshake/extra_headers.ts";
import { judgeAbsoluteTarget } from "../handshake/server.ts";
import {
  type AgreedUpgrade,
  agreeOnUpgrade,
  RETURN_TIMEOUT,
  returnTimeoutError,
} from "../server/agreed_upgrade.ts";
import type { UpgradeOptions, UpgradeResult } from "../server/upgrade.ts";
import { toAddress } from "./deno_address.ts";
import { attachDenoSocket, DENO_CAPABILITIES } from "./deno_host_socket.ts";

/** {@linkcode UpgradeOptions}, and what `Deno.serve` tells of a request besides. */
export interface DenoUpgradeOptions<Data = unknown> extends UpgradeOptions<Data> {
  /**
   * The second argument that `Deno.serve` calls its function with. The connection has its
   * `remoteAddress` from there, and learns at once if its response is not returned. Requests of
   * `serveTcp` do not need it.
   */
  readonly info?: Deno.ServeHandlerInfo | undefined;
}

const OPENED = "opened";

/**
 * The upgrades that are not opened yet. Deno's socket may long keep the request, which is the key.
 */
const upgrades = new WeakMap<Request, DenoUpgrade | typeof OPENED>();

/**
 * Upgrades a request of `Deno.serve`.
 *
 * Throws a `TypeError` if it is not one, has been upgraded already, or an option is wrong.
 */
export function upgradeOnDeno<Data>(
  request: Request,
  options: DenoUpgradeOptions<Data> = {},
): UpgradeResult<Data> {
  if (!isImmutable(request.headers)) {
    const otherHost = "Deno" in globalThis ? "" : "; on Bun, use that of @gale/websocket/bun";
    throw new TypeError(
      "Cannot upgrade the request: it is not the one that Deno.serve, or serveTcp of this module, " +
        "passed on" + otherHost,
    );
  }
  if (upgrades.has(request)) {
    throw new TypeError("Cannot upgrade the request: it has been upgraded already");
  }
  const agreed = agreeOnUpgrade(request, options);
  if ("response" in agreed) return agreed;
  // Deno takes an absolute target as it comes, whatever Host says.
  const refusal = judgeAbsoluteTarget(request);
  if (refusal !== undefined) return { response: refusal, connection: undefined, request };
  const upgrade = new DenoUpgrade<Data>(request, agreed, options);
  upgrades.set(request, upgrade);
  return { response: upgrade.response, connection: upgrade.connection, request: upgrade.request };
}

/**
 * Wraps the function of `Deno.serve`, so that the server lives on whatever the function does after
 * an upgrade.
 *
 * An upgrade is carried out when the response of {@linkcode upgradeWebSocket} is first awaited,
 * copied or returned to `Deno.serve`. If the function throws before, nothing has happened yet. If
 * it throws after that, or returns another response, as middleware may, Deno stops the server. This
 * returns the upgrade's response in such a case, closes the connection with 1011, and writes what
 * was thrown to the console.
 *
 * @example
 * ```ts
 * import { guardUpgrades, upgradeWebSocket } from "@gale/websocket/deno";
 *
 * const server = Deno.serve({ port: 0 }, guardUpgrades(async (request, info) => {
 *   const response = await handle(request, info);
 *   console.log(request.url, response.status); // may throw without harm to others
 *   return response;
 * }));
 * await server.shutdown();
 *
 * async function handle(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
 *   return upgradeWebSocket(request, { info }).response;
 * }
 * ```
 */
export function guardUpgrades<Address extends Deno.Addr = Deno.NetAddr>(
  handler: Deno.ServeHandler<Address>,
): Deno.ServeHandler<Address> {
  requireFunction("handler", handler);
  return async (request, info) => {
    try {
      const response = await handler(request, info);
      const upgrade = begunUpgrade(request);
      // A copy of the response with headers added, such as frameworks make, will do.
      if (upgrade === undefined) return response;
      if (response instanceof Response && response.status === 101) return response;
      return upgrade.fail(new TypeError("The response of an upgrade was not returned"));
    } catch (error) {
      const upgrade = begunUpgrade(request);
      if (upgrade === undefined) throw error;
      return upgrade.fail(error);
    }
  };
}

/** The upgrade that has to be returned now. */
function begunUpgrade(request: Request): DenoUpgrade | undefined {
  const upgrade = upgrades.get(request);
  return upgrade instanceof DenoUpgrade && upgrade.isBegun ? upgrade : undefined;
}

/**
 * Whether these headers may be those of a request of `Deno.serve`, which cannot be changed. Deno
 * itself does not refuse a request made by hand: the socket it gives then never opens.
 */
function isImmutable(headers: Headers): boolean {
  try {
    headers.delete("there-is-none");
    return false;
  } catch {
    return true;
  }
}

/** An upgrade agreed, and carried out once its response is looked at. */
class DenoUpgrade<Data = unknown> {
  /** The connection, which keeps what is sent. */
  readonly connection: WebSocketConnection<Data>;
  /** The 101; the application may add headers. */
  readonly response: Response;
  /** A copy of the request, since Deno takes its own back with the upgrade. */
  readonly request: Request;
  readonly #original: Request;
  readonly #protocol: string;
  readonly #idleTimeout: number;
  readonly #link: HostLink;
  readonly #timeout: Timeout;
  #begun = false;

  constructor(
    request: Request,
    { url, agreement, resolved }: AgreedUpgrade,
    options: DenoUpgradeOptions<Data>,
  ) {
    // Of pairs, since `Headers` of `Headers` take five times as long as these do.
    const headers: [name: string, value: string][] = [];
    request.headers.forEach((value, name) => headers.push([name, value]));
    this.request = new Request(request.url, { method: request.method, headers });
    this.#original = request;
    this.#protocol = agreement.protocol;
    this.#idleTimeout = toIdleTimeout(resolved.pingInterval, resolved.pingTimeout);
    this.#link = new HostLink({
      host: "Deno.serve",
      alternative: "serveTcp of @gale/websocket/deno",
      url,
      protocol: agreement.protocol,
      extensions: "",
      remoteAddress: options.info && toAddress(options.info.remoteAddr),
      capabilities: DENO_CAPABILITIES,
    }, resolved);
    this.connection = connectionOver(this.#link, resolved, options);
    this.response = this.#createResponse(agreement.headers);

    this.#timeout = new Timeout(resolved.clock, () => this.#expire(), RETURN_TIMEOUT);
    onceClosed(this.connection, () => this.#timeout.clear());
    const onCompleted = (): void => {
      if (this.#begun) return;
      this.#giveUp(new Error("The response of the upgrade was not returned to Deno.serve"));
    };
    options.info?.completed.then(onCompleted, onCompleted);
  }

  /** Whether Deno was asked to upgrade: nothing but the response may be returned any more. */
  get isBegun(): boolean {
    return this.#begun;
  }

  /** The application failed after the upgrade: closes the connection, and gives what to return. */
  fail(error: unknown): Response {
    console.error(error);
    void this.connection.close(CloseCode.InternalError);
    return this.response;
  }

  /**
   * A response that upgrades when it is looked at. Whoever is given a value by an async function,
   * and `Deno.serve` itself, asks whether it is a promise; whoever copies a response asks for its
   * status.
   */
  #createResponse(headers: Headers): Response {
    const begin = (): undefined => {
      if (!this.#begun) this.#begin();
    };
    return Object.defineProperties(new Response(null, { status: 101, headers }), {
      then: { get: begin },
      status: {
        get: () => {
          begin();
          return 101;
        },
      },
    });
  }

  #begin(): void {
    const { headers } = this.response;
    this.#begun = true;
    try {
      checkExtraHeaders(headers);
      const { socket, response } = Deno.upgradeWebSocket(this.#original, {
        idleTimeout: this.#idleTimeout,
      });
      response.headers.forEach((value, name) => headers.set(name, value));
      // Deno's own option understands an offer of several only with a space after each comma.
      if (this.#protocol !== "") headers.set("sec-websocket-protocol", this.#protocol);
      attachDenoSocket(socket, this.#link, () => this.#settle());
    } catch (error) {
      this.#settle();
      this.#link.lost(error);
      throw error;
    }
  }

  #settle(): void {
    this.#timeout.clear();
    upgrades.set(this.#original, OPENED);
  }

  #expire(): void {
    const unopened = new Error("Deno did not open the connection in time");
    this.#giveUp(this.#begun ? unopened : returnTimeoutError());
  }

  #giveUp(error: Error): void {
    this.#timeout.clear();
    this.#link.lost(error);
  }
}

/**
 * Seconds for Deno, which pings after half of them in silence and gives up after the other half; 0
 * for never, since it cannot ping without giving up.
 */
function toIdleTimeout(pingInterval: number, pingTimeout: number): number {
  return pingInterval === 0 || pingTimeout === 0 ? 0 : (pingInterval + pingTimeout) / 1_000;
}
