/**
 * The part of the npm package `ws` that the benchmark uses. It has no types of its own, and Bun
 * puts a module of its own in its place where it is imported by its name.
 */

/** A connection of `ws`, on either side. */
export interface WsSocket {
  send(data: Uint8Array, options: { readonly binary: boolean }): void;
  on(event: "open" | "close", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "message", listener: (data: Uint8Array, binary: boolean) => void): void;
}

interface WsServer {
  readonly clients: ReadonlySet<WsSocket>;
  address(): { readonly port: number };
  on(event: "listening", listener: () => void): void;
  on(event: "connection", listener: (socket: WsSocket) => void): void;
}

interface Ws {
  readonly WebSocket: new (url: string) => WsSocket;
  readonly WebSocketServer: new (options: {
    readonly host: string;
    readonly port: number;
    readonly perMessageDeflate: boolean | {
      readonly threshold: number;
      readonly serverNoContextTakeover: boolean;
      readonly clientNoContextTakeover: boolean;
    };
  }) => WsServer;
}

/** The package as it comes from npm, in every runtime. */
export const ws: Ws = "Bun" in globalThis
  ? await import(new URL("../node_modules/ws/wrapper.mjs", import.meta.url).href)
  : await import("ws") as unknown as Ws;
