/** curl, where it is built with WebSocket: its command writes out what it receives. */

import { assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import type { CloseInfo } from "@gale/websocket";
import { test } from "../harness.ts";
import { Program } from "../tools/program.ts";
import { host } from "./our_server.ts";

const CURL = "curl";

/** Why curl cannot be used here, or `undefined`. */
function missingCurl(): string | undefined {
  const { error, stdout } = spawnSync(CURL, ["--version"], { encoding: "utf8" });
  if (error !== undefined) return "there is no curl";
  return /^Protocols:.* ws\b/m.test(stdout) ? undefined : "curl is built without WebSocket";
}

const skip = missingCurl();

test("curl writes out what our server sends it, pings and fragments between", async () => {
  const ends: Promise<CloseInfo>[] = [];
  const large = "wave after wave, ".repeat(10_000);
  await using server = host.serveTcp({ port: 0, hostname: "127.0.0.1" }, (request) => {
    const { response, connection } = host.upgradeWebSocket(request, {
      closeTimeout: 200, // curl answers pings, but no Close
    });
    if (connection === undefined) return response;
    ends.push((async () => {
      await connection.send("Grüße 🌊\n");
      await connection.ping();
      await connection.send(ReadableStream.from(["one ", "two ", "three\n"]));
      await connection.send(new TextEncoder().encode(large));
      return await connection.close(1000, "that was it");
    })());
    return response;
  });
  const url = `ws://127.0.0.1:${server.addr.port}/`;
  await using curl = new Program(CURL, ["--silent", "--max-time", "10", url]);
  assertEquals(await curl.exited, 0);
  // What a Close says comes out as well.
  assertEquals(curl.output.replace(/.{2}that was it$/, ""), `Grüße 🌊\none two three\n${large}`);
  assertEquals((await ends[0]!).wasClean, false);
}, { skip });

test("curl tells what our server answers to another origin", async () => {
  await using server = host.serveTcp(
    { port: 0, hostname: "127.0.0.1" },
    (request) => host.upgradeWebSocket(request).response,
  );
  const url = `ws://127.0.0.1:${server.addr.port}/`;
  await using curl = new Program(CURL, [
    "--silent",
    "--show-error",
    ...["--max-time", "10", "--header", "Origin: https://example.com", url],
  ]);
  assertEquals(await curl.exited, 22);
  assertMatch(curl.output, /403/);
}, { skip });
