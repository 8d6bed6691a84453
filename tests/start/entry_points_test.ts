/** An entry point loads what it needs, and nothing that only some of its users need. */

import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { entryPoints, loadedWith } from "./entry_points.ts";

/** What only those need who have bytes: the codec, and the exchange of HTTP before it. */
const CODEC = [
  "src/protocol/",
  "src/deflate/",
  "src/extensions/permessage_deflate.ts",
  "src/connection/protocol_link.ts",
  "src/connection/stream_link.ts",
  "src/connection/stream_transport.ts",
];
const SERVER = [
  "src/server/",
  "src/http/",
  "src/handshake/http1.ts",
  "src/handshake/head_reader.ts",
];
const CLIENT = ["src/client.ts", "src/client/", "src/handshake/client.ts"];
const HANDLERS = ["src/handler.ts", "src/router.ts", "src/route_pattern.ts"];
const TRANSPORTS = [
  "src/adapters/deno_accept.ts",
  "src/adapters/deno_dial.ts",
  "src/adapters/deno_transport.ts",
  "src/adapters/bun_dial.ts",
  "src/adapters/cloudflare_dial.ts",
  "src/adapters/cloudflare_transport.ts",
  "src/adapters/promise_transport.ts",
];

/** What of those folders the handshake needs on every host. */
const SHARED = ["src/server/agreed_upgrade.ts", "src/server/upgrade_registry.ts"];
/** What `serveTcp` needs at once, since it listens before it returns. */
const LISTENING = ["src/server/tcp_server.ts", "src/server/serve_options.ts"];

interface Rule {
  /** Files, and folders with all that they hold, that it must not load. */
  readonly without: readonly string[];
  /** What of these it may. */
  readonly but: readonly string[];
}

const rules: Readonly<Record<string, Rule>> = {
  ".": {
    without: [...SERVER, ...CLIENT, ...TRANSPORTS, "src/connection/host_link.ts"],
    but: [],
  },
  "./deno": {
    without: [...CODEC, ...SERVER, ...CLIENT, ...HANDLERS, ...TRANSPORTS],
    but: [...SHARED, ...LISTENING],
  },
  "./bun": {
    without: [...CODEC, ...SERVER, ...CLIENT, ...HANDLERS, ...TRANSPORTS],
    but: [...SHARED, ...LISTENING],
  },
  "./cloudflare": {
    without: [...CODEC, ...SERVER, ...CLIENT, ...HANDLERS, ...TRANSPORTS],
    but: SHARED,
  },
  "./tcp": {
    without: [...CLIENT, ...HANDLERS, ...TRANSPORTS, "src/connection/host_link.ts"],
    but: [],
  },
  "./testing": {
    without: [...SERVER, ...CLIENT, ...HANDLERS, ...TRANSPORTS, "src/connection/host_link.ts"],
    but: [],
  },
};

const isOf = (rows: readonly string[]) => (file: string) =>
  rows.some((row) => row.endsWith("/") ? file.startsWith(row) : file === row);

for (const [name, path] of entryPoints) {
  test(`the entry point "${name}" loads only what it needs`, async () => {
    const loaded = [...loadedWith(path)].sort();
    const { without, but } = rules[name]!;
    assertEquals(loaded.filter(isOf(without)).filter((file) => !isOf(but)(file)), []);
    assertEquals(but.filter((file) => !loaded.includes(file)), []);
    // Its constructor takes byte streams, and cannot wait for the codec.
    const { WebSocketConnection } = await import(`../../${path}`);
    assert(WebSocketConnection === undefined || loaded.includes("src/connection/stream_link.ts"));
  });
}
