/** The application in a Worker, over HTTP and over TCP. */

import type { Upgrade } from "@gale/websocket";
import { serveSocket, upgradeWebSocket, type WorkersSocket } from "@gale/websocket/cloudflare";
import { handle } from "../app.ts";
import { collectGarbage } from "./garbage.ts";

/** What a Worker is. */
interface Worker {
  fetch(request: Request): Promise<Response>;
  connect(socket: WorkersSocket): Promise<void>;
}

const worker: Worker = {
  fetch: (request) => handle(request, upgradeWebSocket, { collectGarbage }),

  async connect(socket) {
    let closed: Promise<unknown> | undefined;
    const upgrade: Upgrade = (request, options) => {
      const result = upgradeWebSocket(request, options);
      closed = result.connection?.closed;
      return result;
    };
    await serveSocket(socket, (request) => handle(request, upgrade, { collectGarbage }), {
      onError: () => {},
    });
    await closed; // the connection lives no longer than this function
  },
};
export default worker;
