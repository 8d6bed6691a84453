/** An echo over crossws, on `Deno.serve` or on `Bun.serve`. */
import { bun } from "../bun.ts";
import { announce, HOSTNAME } from "./serving.ts";

const here = { hostname: HOSTNAME, port: 0 } as const;
const hooks = {
  message(peer: { send(data: unknown): unknown }, message: { readonly rawData: unknown }) {
    peer.send(message.rawData);
  },
};

if ("Bun" in globalThis) {
  const { default: adapter } = await import("crossws/adapters/bun");
  const { handleUpgrade, websocket } = adapter({ hooks });
  const upgrade = handleUpgrade as (request: Request, server: unknown) => Promise<undefined>;
  announce(bun.serve({ ...here, fetch: upgrade, websocket }).port);
} else {
  const { default: adapter } = await import("crossws/adapters/deno");
  // A Blob, which is Deno's default, would have to be read first.
  const open = ({ websocket }: { readonly websocket: { binaryType?: string } }) => {
    websocket.binaryType = "arraybuffer";
  };
  const { handleUpgrade } = adapter({ hooks: { ...hooks, open } });
  Deno.serve({ ...here, onListen: ({ port }) => announce(port) }, handleUpgrade);
}
