/** The echo server, as a program. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connectWebSocket, WebSocketHandshakeError } from "@gale/websocket";
import { authority } from "../deps/tls/certificates.ts";
import { test } from "../harness.ts";
import { type Program, startExample } from "../tools/program.ts";

async function addressOf(echo: Program): Promise<string> {
  const [, address] = await echo.outputMatching(/^Listening on (\S+)$/m);
  return address!;
}

test("echo.ts gives text and binary back, and closes with 1001 on SIGTERM", async () => {
  await using echo = startExample("echo.ts", "--port", "0");
  const connection = await connectWebSocket(await addressOf(echo));
  assertEquals(connection.extensions, "");
  for (const message of ["", "Grüße 🌊", new Uint8Array(0), Uint8Array.of(0, 1, 255)]) {
    await connection.send(message);
    assertEquals(await connection.receive(), message);
  }
  const [exitCode, end] = await Promise.all([echo.stop("SIGTERM"), connection.closed]);
  assertEquals([exitCode, end.code, end.wasClean], [0, 1001, true]);
});

test("echo.ts compresses and limits messages as it is told", async () => {
  await using echo = startExample(
    "echo.ts",
    ...["--port", "0", "--compression", "--max-message-size", "100000"],
  );
  const connection = await connectWebSocket(await addressOf(echo), { compression: true });
  assertMatch(connection.extensions, /^permessage-deflate/);
  const text = "echo ".repeat(10_000);
  await connection.send(text);
  assertEquals(await connection.receive(), text);
  assertEquals(connection.stats().bytesReceived < text.length / 10, true);
  await connection.send("x".repeat(100_001));
  assertEquals(await connection.receive(), null);
  assertEquals((await connection.closed).code, 1009);
  assertEquals(await echo.stop("SIGINT"), 0);
});

test("echo.ts serves wss", async () => {
  const files = ["--tls-cert", "tests/deps/tls/server.pem"];
  files.push("--tls-key", "tests/deps/tls/server.key.pem");
  await using echo = startExample("echo.ts", "--port", "0", ...files);
  const address = await addressOf(echo);
  assertMatch(address, /^wss:/);
  await using connection = await connectWebSocket(address, { caCerts: [authority] });
  await connection.send("secret");
  assertEquals(await connection.receive(), "secret");
});

test("echo.ts refuses a page of another origin", async () => {
  await using echo = startExample("echo.ts", "--port", "0");
  const error = await assertRejects(
    async () => await connectWebSocket(await addressOf(echo), { origin: "https://example.com" }),
    WebSocketHandshakeError,
  );
  assertEquals(error.status, 403);
});

test("echo.ts survives a client that vanishes, and says nothing of it", async () => {
  await using echo = startExample("echo.ts", "--port", "0");
  const address = await addressOf(echo);
  const vanishing = await connectWebSocket(address);
  void vanishing.send("x".repeat(1_000_000));
  await vanishing.receive();
  vanishing.abort();
  await using connection = await connectWebSocket(address);
  await connection.send("still there?");
  assertEquals(await connection.receive(), "still there?");
  assertEquals(echo.output, `Listening on ${address}\n`);
});

test("echo.ts helps, and refuses options that it does not know", async () => {
  await using helping = startExample("echo.ts", "--help");
  assertEquals(await helping.exited, 0);
  assertMatch(helping.output, /^Usage: echo\.ts/);
  const wrong: [args: string[], message: RegExp][] = [
    [["--prot", "1"], /^There is no option --prot\n/],
    [["--port"], /^--port takes a value\n/],
    [["--port", "http"], /^--port takes a number, not http\n/],
  ];
  for (const [args, message] of wrong) {
    await using echo = startExample("echo.ts", ...args);
    assertEquals(await echo.exited, 2);
    assertMatch(echo.output, message);
  }
});
