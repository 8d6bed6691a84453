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
  binaryType?: "uint8array";
  open?(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, bytes: Uint8Array): void;
  drain?(socket: BunSocket<Data>): void;
  close?(socket: BunSocket<Data>): void;
  error?(socket: BunSocket<Data>, error: Error): void;
}

/** A WebSocket of `Bun.serve`. */
export interface BunServerWebSocket {
  send(message: string | Uint8Array, compress?: boolean): number;
  subscribe(topic: string): void;
}

interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, message: string | Uint8Array): number;
}

/** The `websocket` object of `Bun.serve`. */
export interface BunWebSocketCallbacks {
  perMessageDeflate?: boolean | { readonly compress: string; readonly decompress: string };
  open?(socket: BunServerWebSocket): void;
  message(socket: BunServerWebSocket, message: string | Uint8Array): void;
  close?(socket: BunServerWebSocket): void;
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
    fetch(request: Request, server: BunServer): ServeAnswer | Promise<ServeAnswer>;
    // Libraries bring their own type of the same object.
    websocket: BunWebSocketCallbacks | object;
  }): BunServer;
  gc(force: boolean): void;
  spawnSync(command: readonly string[], options: { stdout: "ignore"; stderr: "inherit" }): {
    readonly exitCode: number;
    readonly resourceUsage: { readonly cpuTime: { readonly total: bigint | number } };
  };
}

/** What `fetch` may return: nothing, once the request has been upgraded. */
type ServeAnswer = Response | undefined;

/** Bun's global, undefined in another runtime. */
export const bun: BunNamespace = (globalThis as { Bun?: BunNamespace }).Bun!;
