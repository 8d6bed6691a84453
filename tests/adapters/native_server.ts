/** The runtime's own WebSocket server, which echoes. */

import { runtime } from "../harness.ts";

/** A server on 127.0.0.1. */
export interface NativeServer {
  readonly port: number;
  stop(): Promise<void>;
}

interface BunWebSocket {
  send(message: string | Uint8Array, compress: boolean): number;
  close(code: number, reason: string): void;
}

interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { readonly headers: HeadersInit }): boolean;
  stop(closeActiveConnections: boolean): Promise<void>;
}

interface BunServe {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    readonly websocket: {
      readonly perMessageDeflate: boolean;
      message(socket: BunWebSocket, message: string | Uint8Array): void;
    };
  }): BunServer;
}

const CLOSING = [4002, "asked"] as const;

/**
 * Serves the subprotocol "echo" by `Deno.serve` or `Bun.serve`, whichever there is; the text "close"
 * is answered by closing with 4002 and "asked". Bun compresses where the client can.
 */
export function serveNatively(): NativeServer {
  return runtime === "deno" ? serveOnDeno() : serveOnBun();
}

function serveOnDeno(): NativeServer {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "echo" });
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) =>
      data === "close" ? socket.close(...CLOSING) : socket.send(data);
    return response;
  });
  return { port: server.addr.port, stop: () => server.shutdown() };
}

function serveOnBun(): NativeServer {
  const { Bun } = globalThis as unknown as { readonly Bun: BunServe };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, server) {
      const headers = { "Sec-WebSocket-Protocol": "echo" };
      if (server.upgrade(request, { headers })) return undefined;
      return new Response(null, { status: 400 });
    },
    websocket: {
      perMessageDeflate: true,
      message(socket, message) {
        if (message === "close") socket.close(...CLOSING);
        else socket.send(message, true);
      },
    },
  });
  return { port: server.port, stop: () => server.stop(true) };
}
