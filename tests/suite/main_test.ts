import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { runtime, test } from "../harness.ts";
import { Program } from "../tools/program.ts";
import { server as certificate } from "../deps/tls/certificates.ts";
import { serveEcho } from "./gale.ts";

function start(...args: string[]): Program {
  const run = runtime === "deno" ? ["run", "-A", "--quiet", "--no-check"] : ["run"];
  return new Program(process.execPath, [...run, "tests/suite/main.ts", ...args]);
}

test("task conformance prints a table, and writes JSON", async () => {
  await using server = await serveEcho();
  const folder = mkdtempSync(`${tmpdir()}/gale-suite-`);
  try {
    const url = `ws://127.0.0.1:${server.port}/`;
    const file = `${folder}/outcomes.json`;
    await using program = start(url, "--cases", "2,3.1.1", "--json", file);
    assertEquals(await program.exited, 0);
    assertMatch(program.output, /^theme +cases +strict/m);
    assertMatch(program.output, /^2 Masking +14 +14 +0 +0 +0 +0$/m);
    assertMatch(program.output, /^all +15 +15 +0 +0 +0 +0$/m);
    const { counts, cases } = JSON.parse(readFileSync(file, "utf8"));
    assertEquals([counts.strict, cases.length], [15, 15]);
    await using markdown = start(url, "--cases", "2", "--markdown");
    assertEquals(await markdown.exited, 0);
    assertStringIncludes(markdown.output, "| all | 14 | 14 | 0 | 0 | 0 | 0 |");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("task conformance ends with 1 where something is wrong, and tells what", async () => {
  await using server = await serveEcho();
  // There is nothing at this path.
  await using program = start(`ws://127.0.0.1:${server.port}/elsewhere`, "--cases", "3.1.1");
  assertEquals(await program.exited, 1);
  assertMatch(program.output, /^wrong: suite 3\.1\.1 server answers a ping of 0 bytes/m);
  assertStringIncludes(program.output, 'the handshake was answered "HTTP/1.1 404');
});

test("task conformance tests a server of wss:", async () => {
  await using server = await serveEcho(certificate);
  const url = `wss://localhost:${server.port}/?room=1`;
  for (const trust of [["--ca", "tests/deps/tls/ca.pem"], ["--insecure"]]) {
    await using program = start(url, "--cases", "1.1,8,11.1.1", ...trust);
    assertEquals(await program.exited, 0, program.output);
    assertMatch(program.output, /^all +(\d+) +\1 +0 +0 +0 +0$/m);
  }
  await using program = start(url, "--cases", "1");
  assertEquals(await program.exited, 2, program.output);
  assertStringIncludes(program.output, `cannot connect to ${url}`);
});

test("task conformance ends with 2 where nobody listens", async () => {
  const { port } = await serveEcho().then(async (server) => {
    await server[Symbol.asyncDispose]();
    return server;
  });
  await using program = start(`ws://127.0.0.1:${port}/`);
  assertEquals(await program.exited, 2);
  assertMatch(program.output, /^cannot connect to ws:/m);
});

test("task conformance ends with 2 where its arguments are wrong, and tells why", async () => {
  const wrong: readonly (readonly [args: readonly string[], why: RegExp])[] = [
    [[], /^Usage/],
    [["localhost"], /^not a URL: localhost$/m],
    [["localhost:8000"], /^the URL must be ws:, wss:, http: or https:, not localhost:$/m],
    [["ws://localhost/#part"], /^the URL must not have a fragment/],
    [["wss://localhost/", "--ca", "tests/no such file"], /no such file/i],
    [["ws://localhost/", "--timeout", "soon"], /^--timeout must be a positive integer, not soon$/m],
    [["--unknown"], /unknown/],
  ];
  for (const [args, why] of wrong) {
    await using program = start(...args);
    assertEquals(await program.exited, 2, args.join(" "));
    assertMatch(program.output, why);
  }
});
