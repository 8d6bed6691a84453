/**
 * From the path of a request to the handler that serves it.
 */

import { requireFunction, requireIterable, withoutUndefined } from "./arguments.ts";
import type { WebSocketConnection } from "./connection/connection.ts";
import { resolveConnectionOptions } from "./connection/options.ts";
import { failConnection, runHandler, WebSocketHandler } from "./handler.ts";
import { isUpgradeRequest, judgeUrl, resolveHandshakeOptions } from "./handshake/server.ts";
import { compileRoute, type Groups } from "./route_pattern.ts";
import type { UpgradeOptions, UpgradeResult } from "./server/upgrade.ts";

/**
 * A handler class. `init` is the third element of its route. TypeScript checks neither that it is
 * what the constructor expects, nor that `data` is of the type that the class declares.
 */
// deno-lint-ignore no-explicit-any -- each class has an init of its own
export type WebSocketHandlerClass = new (init?: any) => WebSocketHandler;

/**
 * A handler that is just a function. If it throws or rejects, the connection is closed with 1011.
 * When it returns, the connection stays open: close it if nothing more is to come.
 *
 * A group that the pattern cannot leave out may be declared as a `string`, as it may for `open`.
 * That is why this is the type of a method, whose parameters TypeScript compares less strictly.
 */
export type WebSocketFunction<Data = unknown> = {
  serve(
    connection: WebSocketConnection<Data>,
    request: Request,
    ...groups: (string | undefined)[]
  ): unknown;
}["serve"];

/**
 * A path, and what serves it: a string is the pathname of a `URLPattern`, such as `"/chat/:room"`;
 * a RegExp must match the whole pathname. Its groups, percent-decoded, become the arguments of
 * `prepare` and `open`.
 */
export type WebSocketRoute<Data = unknown> =
  | readonly [pattern: string | URLPattern | RegExp, handler: WebSocketFunction<Data>]
  | readonly [
    pattern: string | URLPattern | RegExp,
    handler: WebSocketHandlerClass,
    init?: unknown,
  ];

/** Options for all routes; a handler's own decisions take precedence. */
export interface WebSocketRouterOptions<Data = unknown> extends UpgradeOptions<Data> {
  /**
   * Called with what functions throw, except for the `WebSocketClosedError` of a connection that
   * has just ended; classes have their own `onError`.
   * @default console.error
   */
  readonly onError?: ((error: unknown) => unknown) | undefined;
}

interface CompiledRoute<Data> {
  readonly match: (url: URL) => Groups | undefined;
  readonly handler: WebSocketFunction<Data> | WebSocketHandlerClass;
  readonly init: unknown;
}

/**
 * Maps paths to handlers. The first route that matches serves the request.
 *
 * `Data` is the type of the connections' `data`, which is given to {@linkcode handle} or in the
 * options. It follows from the options and from functions that declare it; where neither does,
 * write `new WebSocketRouter<User>`. Nothing checks that the router is really given one.
 *
 * @example
 * ```ts no-assert
 * import { serveTcp, upgradeWebSocket } from "@gale/websocket/deno";
 * import { WebSocketRouter } from "@gale/websocket";
 *
 * const router = new WebSocketRouter([
 *   ["/time", async (connection) => {
 *     await connection.send(new Date().toISOString());
 *     await connection.close();
 *   }],
 * ]);
 * const server = serveTcp({ port: 0 }, async (request) =>
 *   await router.handle(request, upgradeWebSocket) ?? new Response("a page"));
 * await server.shutdown();
 * ```
 */
export class WebSocketRouter<Data = unknown> {
  readonly #routes: readonly CompiledRoute<Data>[];
  readonly #options: UpgradeOptions<Data>;
  readonly #onError: (error: unknown) => unknown;

  /**
   * Creates a router.
   *
   * @throws {TypeError} if `routes` is not iterable, a pattern is not one of URLPattern's or
   * matches no path, a class does not extend {@linkcode WebSocketHandler}, or an option is of a
   * wrong type.
   * @throws {RangeError} if an option is out of its range.
   */
  constructor(
    routes: Iterable<WebSocketRoute<Data>>,
    options: WebSocketRouterOptions<Data> = {},
  ) {
    const { onError = console.error, ...upgradeOptions } = options;
    requireFunction("onError", onError);
    resolveConnectionOptions(upgradeOptions);
    resolveHandshakeOptions(upgradeOptions);
    requireIterable("routes", routes);
    this.#routes = Array.from(routes, ([pattern, handler, init]) => {
      requireHandler(handler);
      return { match: compileRoute(pattern), handler, init };
    });
    this.#options = upgradeOptions;
    this.#onError = onError;
  }

  /**
   * Serves a request for a WebSocket whose path has a route. Resolves with the response to return:
   * the 101, a refusal that says why, or what the handler's `prepare` gives. Resolves with
   * `undefined` for every other request, above all plain HTTP, which is yours to answer.
   *
   * Rejects with what the constructor of a handler throws and, if the handler is a function, with
   * what `upgrade` throws; whatever else a handler throws is answered with 500.
   *
   * @param upgrade the host's `upgradeWebSocket`.
   * @param options what `upgrade` takes for this request: the host's own, such as `{ server }` on
   * Bun or `{ info }` on Deno, and any `UpgradeOptions`, such as `data`. They go before the
   * router's and the handler's. Only `headers` are added to: by a handler's `responseHeaders`.
   */
  async handle<
    // Not `Upgrade`: TypeScript compares two of these by their `Host` alone, and no `Host` fits
    // all.
    HostUpgrade extends (request: Request, options?: UpgradeOptions) => UpgradeResult,
  >(
    request: Request,
    upgrade: HostUpgrade,
    options?: NonNullable<Parameters<HostUpgrade>[1]> & UpgradeOptions<Data>,
  ): Promise<Response | undefined> {
    requireFunction("upgrade", upgrade);
    if (!isUpgradeRequest(request)) return undefined;
    const refusal = judgeUrl(request);
    if (refusal !== undefined) return refusal;
    const url = new URL(request.url);
    const given = withoutUndefined<UpgradeOptions<Data>>(options);
    for (const { match, handler, init } of this.#routes) {
      const groups = match(url);
      if (groups === undefined) continue;
      if (isHandlerClass(handler)) {
        return await runHandler(new handler(init), {
          request,
          upgrade,
          options: this.#options,
          given,
          groups,
        });
      }
      const result = upgrade(request, { ...this.#options, ...given });
      if (result.connection !== undefined) void this.#call(handler, { ...result, groups });
      return result.response;
    }
    return undefined;
  }

  /** Never rejects. */
  async #call(
    handler: WebSocketFunction<Data>,
    { connection, request, groups }: {
      readonly connection: WebSocketConnection;
      readonly request: Request;
      readonly groups: Groups;
    },
  ): Promise<void> {
    try {
      await handler(connection as WebSocketConnection<Data>, request, ...groups);
    } catch (error) {
      failConnection(connection, error, this.#onError);
    }
  }
}

function requireHandler(handler: WebSocketFunction<never> | WebSocketHandlerClass): void {
  requireFunction("handler", handler);
  // Calling a class as a function would throw with each connection.
  if (!isHandlerClass(handler) && /^class\b/.test(Function.prototype.toString.call(handler))) {
    throw new TypeError(`handler must extend WebSocketHandler, and class ${handler.name} does not`);
  }
}

function isHandlerClass<Data>(
  handler: WebSocketFunction<Data> | WebSocketHandlerClass,
): handler is WebSocketHandlerClass {
  return handler.prototype instanceof WebSocketHandler;
}
