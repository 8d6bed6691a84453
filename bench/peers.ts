/** A runtime that a server or the load generator runs in. */
export type Runtime = "deno" | "bun";

/** A server that is measured. */
export interface Peer {
  /** The name on the command line and in the result. */
  readonly name: string;
  /** The runtime it runs in. */
  readonly runtime: Runtime;
  /** The file in `servers/`. */
  readonly file: string;
  /** `bytes` sends back what it gets, without handshake or frames: what the runtime's sockets cost. */
  readonly wire: "websocket" | "bytes";
  /** Whether it is this library, which the others are compared with. */
  readonly ours: boolean;
}

/** The peers, in the order they take turns. */
export const peers: readonly Peer[] = [
  websocketPeer("deno_native", "deno", "deno_native.ts"),
  websocketPeer("bun_native", "bun", "bun_native.ts"),
  { ...websocketPeer("gale_deno_iteration", "deno", "gale_iteration.ts"), ours: true },
  { ...websocketPeer("gale_deno_handler", "deno", "gale_handler.ts"), ours: true },
  { ...websocketPeer("gale_bun_iteration", "bun", "gale_iteration.ts"), ours: true },
  { ...websocketPeer("gale_bun_handler", "bun", "gale_handler.ts"), ours: true },
  { ...websocketPeer("deno_bytes", "deno", "deno_bytes.ts"), wire: "bytes" },
  { ...websocketPeer("bun_bytes", "bun", "bun_bytes.ts"), wire: "bytes" },
];

function websocketPeer(name: string, runtime: Runtime, file: string): Peer {
  return { name, runtime, file, wire: "websocket", ours: false };
}
