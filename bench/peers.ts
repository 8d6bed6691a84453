import type { Measured, Workload } from "./workloads.ts";
import { measuredBy } from "./workloads.ts";

/** A runtime that a program of the benchmark runs in. */
export type Runtime = "deno" | "bun" | "node";

/** What is measured: a server, and for some a client as well. */
export interface Peer {
  /** The name on the command line and in the result. */
  readonly name: string;
  /** What it is, in words. */
  readonly title: string;
  /** The runtime it runs in. */
  readonly runtime: Runtime;
  /** The file in `servers/`. */
  readonly server: string;
  /** Further arguments of the server. */
  readonly args: readonly string[];
  /** The file in `clients/`, where its client is measured as well. */
  readonly client?: string;
  /** What of it is measured. */
  readonly measured: readonly Measured[];
  /**
   * `bytes` sends back what it gets, without handshake or frames: what the runtime's sockets cost.
   */
  readonly wire: "websocket" | "bytes";
  /** Whether it is this library, which the others are compared with. */
  readonly ours: boolean;
  /** Whether it is no server for use, but shows what can be had at most. */
  readonly isLimit: boolean;
}

const server: readonly Measured[] = ["echo", "broadcast", "connect", "idle"];
const compressing: readonly Measured[] = [...server, "compression"];
const relayed: readonly Measured[] = ["echo", "idle"];
const serve = ["--host", "serve"];
const stream = ["--host", "stream"];
const iterating = ["--by", "iteration"];

/** The peers, in the order they take turns. */
export const peers: readonly Peer[] = [
  peer("deno_native", "Deno.upgradeWebSocket", "deno_native.ts", {
    measured: server,
    client: "native.ts",
  }),
  peer("deno_crossws", "crossws on Deno", "crossws.ts", { measured: relayed }),
  peer("deno_ws", "ws on Deno", "ws.ts", { measured: relayed }),
  peer("gale_deno_iteration", "Gale on Deno, iteration", "gale_iteration.ts", {
    measured: relayed,
    ours: true,
    client: "gale.ts",
  }),
  peer("gale_deno_for_each", "Gale on Deno, forEach", "gale_for_each.ts", {
    measured: relayed,
    ours: true,
  }),
  peer("gale_deno_handler", "Gale on Deno, handler", "gale_handler.ts", {
    measured: compressing,
    ours: true,
  }),
  peer("gale_deno_serve_iteration", "Gale on Deno.serve, iteration", "gale_iteration.ts", {
    measured: relayed,
    ours: true,
    args: serve,
  }),
  peer("gale_deno_serve_handler", "Gale on Deno.serve, handler", "gale_handler.ts", {
    measured: server,
    ours: true,
    args: serve,
  }),
  peer("gale_deno_stream", "Gale on a byte stream of Deno", "gale_iteration.ts", {
    measured: relayed,
    ours: true,
    args: stream,
  }),
  peer("deno_bytes", "Deno, bytes without a protocol", "deno_bytes.ts", {
    measured: ["echo"],
    wire: "bytes",
    isLimit: true,
  }),
  peer("deno_bare", "Deno, bare codec", "bare_deno.ts", { measured: ["echo"], isLimit: true }),
  peer("deno_bare_iteration", "Deno, bare codec, iteration", "bare_deno.ts", {
    measured: ["echo"],
    args: iterating,
    isLimit: true,
  }),
  peer("bun_native", "Bun.serve", "bun_native.ts", { measured: compressing, client: "native.ts" }),
  peer("bun_publish", "Bun.serve, publish", "bun_native.ts", {
    measured: ["broadcast"],
    args: ["--publish"],
  }),
  peer("bun_crossws", "crossws on Bun", "crossws.ts", { measured: relayed }),
  peer("bun_ws", "ws on Bun", "ws.ts", { measured: relayed }),
  peer("gale_bun_iteration", "Gale on Bun, iteration", "gale_iteration.ts", {
    measured: relayed,
    ours: true,
    client: "gale.ts",
  }),
  peer("gale_bun_for_each", "Gale on Bun, forEach", "gale_for_each.ts", {
    measured: relayed,
    ours: true,
  }),
  peer("gale_bun_handler", "Gale on Bun, handler", "gale_handler.ts", {
    measured: compressing,
    ours: true,
  }),
  peer("gale_bun_serve_iteration", "Gale on Bun.serve, iteration", "gale_iteration.ts", {
    measured: relayed,
    ours: true,
    args: serve,
  }),
  peer("gale_bun_serve_handler", "Gale on Bun.serve, handler", "gale_handler.ts", {
    measured: compressing,
    ours: true,
    args: serve,
  }),
  peer("bun_bytes", "Bun, bytes without a protocol", "bun_bytes.ts", {
    measured: ["echo"],
    wire: "bytes",
    isLimit: true,
  }),
  peer("bun_bare", "Bun, bare codec", "bare_bun.ts", { measured: ["echo"], isLimit: true }),
  peer("bun_bare_iteration", "Bun, bare codec, iteration", "bare_bun.ts", {
    measured: ["echo"],
    args: iterating,
    isLimit: true,
  }),
  peer("node_ws", "ws on Node", "ws.ts", { measured: compressing, client: "ws.ts" }),
];

/** Those of `among` that can be measured under a workload. */
export function peersFor(workload: Workload, among: readonly Peer[]): Peer[] {
  const measured = measuredBy(workload);
  return among.filter((peer) =>
    measured === "client" ? peer.client !== undefined : peer.measured.includes(measured)
  );
}

function peer(
  name: string,
  title: string,
  server: string,
  rest: Partial<Peer> & Pick<Peer, "measured">,
): Peer {
  const runtime = (["deno", "bun"] as const).find((runtime) => name.includes(runtime)) ?? "node";
  return {
    ...{ name, title, runtime, server, args: [], wire: "websocket", ours: false, isLimit: false },
    ...rest,
  };
}
