/**
 * The part of Bun that the benchmark uses, so that Deno can check the types of the files that only
 * Bun runs.
 */

/** A TCP socket of Bun. */
export interface BunSocket<Data> {
  data: Data;
  /** Writes what the kernel takes and returns how many bytes that were; -1 once closed. */
  write(bytes: Uint8Array, offset?: number, length?: number): number;
  setNoDelay(enabled: boolean): void;
  pause(): void;
  resume(): void;
  end(): void;
}

/** The callbacks of a TCP socket. */
export interface BunSocketHandlers<Data> {
  open?(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, bytes: Uint8Array): void;
  drain?(socket: BunSocket<Data>): void;
  close?(socket: BunSocket<Data>): void;
  error?(socket: BunSocket<Data>, error: Error): void;
}

/** A WebSocket of `Bun.serve`. */
export interface BunServerWebSocket {
  send(message: string | Uint8Array): number;
}

interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
}

interface BunNamespace {
  connect<Data>(options: {
    hostname: string;
    port: number;
    data: Data;
    socket: BunSocketHandlers<Data>;
  }): Promise<BunSocket<Data>>;
  listen<Data>(options: {
    hostname: string;
    port: number;
    socket: BunSocketHandlers<Data>;
  }): { readonly port: number };
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: { message(socket: BunServerWebSocket, message: string | Uint8Array): void };
  }): BunServer;
  gc(force: boolean): void;
}

/** Bun's global, undefined in another runtime. */
export const bun: BunNamespace = (globalThis as { Bun?: BunNamespace }).Bun!;
