/** Runs a case of the clients in a Worker: `/?index=3&application=ws://…&scripted=ws://…`. */

import { connectWebSocket } from "@gale/websocket/cloudflare";
import { CLIENT_CASES } from "../client_cases.ts";

/** What a Worker is. */
interface Worker {
  fetch(request: Request): Promise<Response>;
}

const worker: Worker = {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    const { run } = CLIENT_CASES[Number(searchParams.get("index"))]!;
    try {
      const application = searchParams.get("application")!;
      const scripted = searchParams.get("scripted")!;
      return Response.json({ result: await run({ connectWebSocket, application, scripted }) });
    } catch (error) {
      return Response.json({ error: (error as Error).stack ?? String(error) });
    }
  },
};
export default worker;
