/** The adapters inside a Hono application, as programs. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import process from "node:process";
import { connectWebSocket, WebSocketHandshakeError } from "@gale/websocket";
import { runtime, test } from "../harness.ts";
import { Program } from "../tools/program.ts";

/** Starts the example under the runtime that runs the test. */
function startHono(): Program {
  return runtime === "deno"
    ? new Program(process.execPath, [
      ...["serve", "-A", "--port", "0", "--host", "127.0.0.1"],
      "examples/hono_deno.ts",
    ])
    : new Program("sh", ["-c", `BUN_PORT=0 exec ${process.execPath} run examples/hono_bun.ts`]);
}

test("Hono's routes, middleware and refusals go with WebSockets", async () => {
  await using hono = startHono();
  const [, port] = await hono.outputMatching(/http:\/\/[^:]+:(\d+)/);
  const base = `127.0.0.1:${port}`;
  assertEquals((await (await fetch(`http://${base}/`)).text()).startsWith("Connect to"), true);

  const echo = await connectWebSocket(`ws://${base}/echo`);
  for (const message of ["Grüße", Uint8Array.of(1, 2, 3)]) {
    await echo.send(message);
    assertEquals(await echo.receive(), message);
  }
  assertEquals((await echo.close(4000, "done")).wasClean, true);

  const vanishing = await connectWebSocket(`ws://${base}/echo`);
  await vanishing.send("there?");
  await vanishing.receive();
  vanishing.abort();

  const greeter = await connectWebSocket(`ws://${base}/greet/ada`);
  const greeting = JSON.parse(String(await greeter.receive()));
  assertEquals(greeting.hello, "ada");
  assertMatch(greeting.from, /^(::ffff:)?127\.0\.0\.1$/);
  await greeter.send("again");
  assertEquals(await greeter.receive(), "again");
  await greeter.close();

  for (
    const [path, options, status] of [
      ["/echo", { origin: "https://example.com" }, 403],
      ["/greet/ada", { origin: "https://example.com" }, 403],
      ["/elsewhere", {}, 404],
    ] as const
  ) {
    const error = await assertRejects(
      () => connectWebSocket(`ws://${base}${path}`, options),
      WebSocketHandshakeError,
    );
    assertEquals(error.status, status);
  }
  await hono.outputMatching(/GET \/echo \S*403/);
  assertEquals(hono.output.includes("WebSocketClosedError"), false, hono.output);
});
