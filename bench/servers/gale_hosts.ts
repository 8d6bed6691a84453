/** What this library's servers run on, under the runtime that runs them. */
import type { PeerInfo } from "../../src/server/http_exchange.ts";
import type { Upgrade, UpgradeOptions } from "../../src/server/upgrade.ts";
import { bun } from "../bun.ts";
import { announce, HOSTNAME, serverOptions } from "./serving.ts";

/** What a host passes on with the request, for `upgradeWebSocket`. */
export type Host = object;

/** The function that a server answers requests with. */
export type Handler = (request: Request, host: Host) => Response | Promise<Response>;

const { compression, host } = serverOptions;
const onBun = "Bun" in globalThis;
const here = { hostname: HOSTNAME, port: 0 } as const;
const onListen = ({ port }: { readonly port: number }) => announce(port);

/** The options of each connection. */
export const connectionOptions: UpgradeOptions = compression === undefined ? {} : {
  compression: {
    threshold: 0,
    serverNoContextTakeover: compression === "anew",
    clientNoContextTakeover: compression === "anew",
  },
};

interface ServingHost {
  /** Serves. */
  readonly serve: (handler: Handler) => void;
  /** `upgradeWebSocket` for this host. */
  readonly upgradeWebSocket: Upgrade<Host>;
}

const chosen = await hostNamed(host);

/** Serves on the host that the server was started for. */
export const serve: ServingHost["serve"] = chosen.serve;

/** `upgradeWebSocket` for that host. */
export const upgradeWebSocket: Upgrade<Host> = chosen.upgradeWebSocket;

async function hostNamed(name: string): Promise<ServingHost> {
  if (name === "stream") return await byteStreams();
  if (name === "serve") return onBun ? await bunServe() : await denoServe();
  const { serveTcp, upgradeWebSocket } = onBun
    ? await import("../../src/adapters/bun.ts")
    : await import("../../src/adapters/deno.ts");
  return {
    serve: (handler) =>
      onListen(serveTcp(here, (request: Request, _info: PeerInfo) => handler(request, {})).addr),
    upgradeWebSocket: upgradeWebSocket as Upgrade<Host>,
  };
}

async function denoServe(): Promise<ServingHost> {
  const { upgradeWebSocket } = await import("../../src/adapters/deno.ts");
  return {
    serve: (handler) =>
      void Deno.serve({ ...here, onListen }, (request, info) => handler(request, { info })),
    upgradeWebSocket: upgradeWebSocket as Upgrade<Host>,
  };
}

async function bunServe(): Promise<ServingHost> {
  const { upgradeWebSocket, websocket } = await import("../../src/adapters/bun.ts");
  return {
    serve(handler) {
      const fetch = (request: Request, server: unknown) => handler(request, { server });
      onListen(bun.serve({ ...here, fetch, websocket }));
    },
    upgradeWebSocket: upgradeWebSocket as Upgrade<Host>,
  };
}

/** The byte streams of Deno's sockets, as anybody's streams. */
async function byteStreams(): Promise<ServingHost> {
  const { serveStream, upgradeWebSocket } = await import("../../src/adapters/tcp.ts");
  return {
    async serve(handler) {
      const listener = Deno.listen(here);
      onListen(listener.addr);
      for await (const conn of listener) {
        conn.setNoDelay(true);
        // The load generator drops its connections, which is no error here.
        serveStream(conn, (request) => handler(request, {})).catch(() => {});
      }
    },
    upgradeWebSocket: upgradeWebSocket as Upgrade<Host>,
  };
}
