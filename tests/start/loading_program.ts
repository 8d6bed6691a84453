/**
 * Calls `serveTcp` of the entry point that it is given, whose code does not load before
 * `globalThis.loading` has resolved, and tells what becomes of clients that come before.
 */

import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import type * as ForDeno from "@gale/websocket/deno";

const { promise: loading, resolve: load } = Promise.withResolvers<void>();
Object.assign(globalThis, { loading });

const { serveTcp }: typeof ForDeno = await import(process.argv[2]!);

/** A server, and a client whose request it has not read yet. */
async function serveClient() {
  const server = serveTcp({ port: 0, hostname: "127.0.0.1" }, () => new Response("the page"));
  const client = connect(server.addr.port, "127.0.0.1");
  let received = "";
  client.setEncoding("latin1");
  client.on("data", (text) => received += text);
  client.on("error", () => {});
  const closed = new Promise((resolve) => client.on("close", resolve));
  await once(client, "connect");
  client.write("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  return { server, closed, received: () => received };
}

const dropped = await serveClient();
await dropped.server.shutdown();
await dropped.closed;
console.log("dropped:", dropped.received() === "");

const answered = await serveClient();
console.log("waiting:", answered.received() === "");
load();
await answered.closed;
console.log("answered:", answered.received().includes("the page"));
await answered.server.shutdown();
process.exit(0);
