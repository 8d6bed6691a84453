/** A program that serves, and says whether that is to keep it alive: `unref`, or `unref ref`. */

import process from "node:process";

const { serveTcp } = "Bun" in globalThis
  ? await import("../../src/adapters/bun.ts")
  : await import("../../src/adapters/deno.ts");

const server = serveTcp({ port: 0, hostname: "127.0.0.1" }, () => new Response("a page"));
for (const what of process.argv.slice(2)) {
  if (what === "ref") server.ref();
  else server.unref();
}
console.log(`port ${server.addr.port}`);
