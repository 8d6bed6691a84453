/** An echo over `Bun.serve`, with compression, and with room for the largest messages of the suite. */

import { announce, HOSTNAME } from "../../../bench/servers/serving.ts";

interface BunWebSocket {
  send(message: string | Uint8Array, compress: boolean): number;
}

interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
}

interface BunServe {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    readonly websocket: {
      readonly perMessageDeflate: boolean;
      readonly maxPayloadLength: number;
      readonly backpressureLimit: number;
      message(socket: BunWebSocket, message: string | Uint8Array): void;
    };
  }): BunServer;
}

const { Bun } = globalThis as unknown as { readonly Bun: BunServe };

const ROOM = 64 * 1024 * 1024;

const { port } = Bun.serve({
  hostname: HOSTNAME,
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: true,
    maxPayloadLength: ROOM,
    backpressureLimit: ROOM,
    message(socket, message) {
      socket.send(message, true);
    },
  },
});
announce(port);
