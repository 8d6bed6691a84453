import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { runtime, test } from "../harness.ts";
import { Program } from "../tools/program.ts";
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

test("task conformance ends with 2 where its arguments are wrong", async () => {
  const wrong = [[], ["wss://localhost/"], ["ws://localhost/", "--timeout", "soon"], ["--unknown"]];
  for (const args of wrong) {
    await using program = start(...args);
    assertEquals(await program.exited, 2, args.join(" "));
  }
});
