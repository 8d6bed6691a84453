/** The client that keeps a connection up, as a program. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { CloseInfo } from "@gale/websocket";
import { test } from "../harness.ts";
import { type Program, startExample } from "../tools/program.ts";
import {
  accept,
  type Answer,
  Arrivals,
  serve,
  serveEmptyCloses,
  type TestServer,
} from "./servers.ts";

/** A server that answers one request after the other as it is told, and the last ones with 404. */
function serveInTurn(...answers: Answer[]): TestServer & { readonly requests: number[] } {
  const requests: number[] = [];
  const server = serve((request) => {
    requests.push(performance.now());
    return answers[requests.length - 1]?.(request) ?? new Response(null, { status: 404 });
  });
  return Object.assign(server, { requests });
}

const refuse = (status: number, headers: Record<string, string> = {}): Answer => () =>
  new Response(null, { status, headers });

const closing = (code: number, reason?: string): Answer =>
  accept((connection) => connection.close(code, reason));

function start(url: string, ...args: string[]): Program {
  return startExample("reconnect.ts", "--base-delay", "2", "--max-delay", "4", ...args, url);
}

/** The waits that it has told of, in milliseconds. */
function waits({ output }: Program): number[] {
  return Array.from(output.matchAll(/^Trying again in (\d+) ms$/gm), ([, delay]) => Number(delay));
}

test("reconnect.ts prints what arrives, and comes back when the server goes", async () => {
  await using server = serveInTurn(
    accept(async (connection) => {
      await connection.send("first");
      await connection.send("\x1b[2J");
      await connection.close(1001, "maintenance");
    }),
    accept(async (connection) => {
      await connection.send("second");
      await connection.close(1000, "all is told");
    }),
  );
  await using client = start(server.url);
  assertEquals(await client.exited, 0);
  const lines = client.output.split("\n");
  for (const line of ["first", String.raw`\u001b[2J`, "second", "Closed with 1000 (all is told)"]) {
    assert(lines.includes(line), client.output);
  }
  assertMatch(
    client.output,
    /Closed with 1001 \(maintenance\)\nTrying again in \d ms\nConnected to/,
  );
  assertEquals(server.requests.length, 2);
});

test("reconnect.ts comes back after close codes that pass", async () => {
  const codes = [1001, 1011, 1012, 1013, 1014];
  await using server = serveInTurn(
    ...codes.map((code) => closing(code)),
    accept((connection) => connection.abort()),
    closing(1000),
  );
  await using client = start(server.url);
  assertEquals(await client.exited, 0);
  for (const code of [...codes, 1006]) assertMatch(client.output, new RegExp(`with ${code}\n`));
  assertEquals(server.requests.length, 7);

  const clients = new Arrivals<void>();
  await using empty = await serveEmptyCloses(() => clients.add());
  await using another = start(empty.url);
  await clients.next();
  await clients.next();
  assertMatch(another.output, /^Closed with 1005\nTrying again/m);
  assertEquals(await another.stop("SIGINT"), 0);
});

test("reconnect.ts gives up where the server wants no more of it", async () => {
  const tooLarge = accept((connection) => connection.send("x".repeat(10 * 2 ** 20 + 1)));
  const cases: [answer: Answer, told: RegExp][] = [
    [closing(1002), /^Closed with 1002$/m],
    [closing(1003), /^Closed with 1003$/m],
    [closing(1007), /^Closed with 1007$/m],
    [closing(1008, "who are you?"), /^Closed with 1008 \(who are you\?\)$/m],
    [closing(1009), /^Closed with 1009$/m],
    [closing(1010), /^Closed with 1010$/m],
    [closing(4001), /^Closed with 4001$/m],
    [tooLarge, /^Closed with 1006: .+/m],
    [refuse(200), /the server answered 200/],
    [refuse(302, { location: "/elsewhere" }), /the server answered 302/],
    [refuse(400), /the server answered 400/],
    [refuse(401), /the server answered 401/],
    [refuse(403, { "retry-after": "0" }), /the server answered 403/],
  ];
  for (const [answer, told] of cases) {
    await using server = serveInTurn(answer);
    await using client = start(server.url);
    assertEquals(await client.exited, 1, client.output);
    assertMatch(client.output, told);
    assertEquals([server.requests.length, waits(client)], [1, []]);
  }
});

test("reconnect.ts tries again where a refusal or a failure may pass", async () => {
  await using server = serveInTurn(
    ...[408, 429, 500, 502, 503, 504].map((status) => refuse(status)),
    // Given up by the client, as the request's signal tells.
    (request) =>
      new Promise((resolve) => {
        request.signal.addEventListener("abort", () => resolve(new Response()));
      }),
    closing(1000),
  );
  // Longer than a machine stands still: the other attempts have to be answered in time.
  await using client = start(server.url, "--connect-timeout", "2000");
  assertEquals(await client.exited, 0, client.output);
  assertEquals(server.requests.length, 8);
  assertMatch(client.output, /time limit of 2000 ms/);

  const { port } = new URL(server.url);
  await server[Symbol.asyncDispose]();
  await using alone = start(`ws://127.0.0.1:${port}/`);
  await alone.outputMatching(/(Cannot connect to .*\nTrying again in \d ms\n){3}/);
  assertEquals(await alone.stop("SIGTERM"), 0);
});

test("reconnect.ts waits longer each time, and begins anew once it was served (RFC 6455 7.2.3)", async () => {
  const refusals = (count: number) => Array.from({ length: count }, () => refuse(503));
  await using server = serveInTurn(
    ...refusals(12),
    accept(async (connection) => {
      await connection.send("news");
      await connection.close(1001);
    }),
    ...refusals(3),
    closing(1000),
  );
  await using client = startExample(
    "reconnect.ts",
    ...["--base-delay", "1", "--max-delay", "64", server.url],
  );
  assertEquals(await client.exited, 0, client.output);
  const delays = waits(client);
  const bounds = [1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64, 1, 2, 4, 8];
  assertEquals(delays.length, bounds.length);
  for (const [index, bound] of bounds.entries()) {
    assert(delays[index]! <= bound, `${delays} exceeds ${bounds}`);
  }
  // Of six random waits up to 64 ms, all below 4 would be one case of 16 millions.
  assert(Math.max(...delays.slice(6, 12)) >= 4, `${delays} does not grow`);
  assert(new Set(delays.slice(6, 12)).size > 1, `${delays} is not random`);
  for (const [index, delay] of delays.entries()) {
    const passed = server.requests[index + 1]! - server.requests[index]!;
    assert(passed > delay - 2, `${passed} ms passed of a wait of ${delay}`);
  }
});

test("reconnect.ts does not begin anew where a server lets it in only to send it away", async () => {
  const sendingAway = Array.from({ length: 12 }, (_, i) => closing(i % 2 === 0 ? 1013 : 1011));
  await using server = serveInTurn(...sendingAway, closing(1000));
  await using client = startExample(
    "reconnect.ts",
    ...["--base-delay", "1", "--max-delay", "64", server.url],
  );
  assertEquals(await client.exited, 0, client.output);
  assert(Math.max(...waits(client)) >= 4, `${waits(client)} does not grow`);
});

test("reconnect.ts leaves the server alone for as long as Retry-After says", async () => {
  await using server = serveInTurn(refuse(503, { "retry-after": "1" }), closing(1000));
  await using client = start(server.url);
  assertEquals(await client.exited, 0, client.output);
  const [delay] = waits(client);
  assert(delay! >= 1000 && delay! <= 1002, client.output);
  const [first, second] = server.requests;
  assert(second! - first! > 998, `${second! - first!} ms passed`);

  // For an hour at most, since nobody would find out why nothing happens.
  await using never = serveInTurn(refuse(429, { "retry-after": "9".repeat(15) }));
  await using waiting = start(never.url);
  await waiting.outputMatching(/^Trying again in 360000\d ms$/m);
  assertEquals(await waiting.stop("SIGINT"), 0);
  assertEquals(never.requests.length, 1);

  // A date is not heeded.
  await using dated = serveInTurn(refuse(503, { "retry-after": "Fri, 31 Dec 2100 23:59:59 GMT" }));
  await using returning = start(dated.url);
  assertEquals(await returning.exited, 1);
  assertEquals(dated.requests.length, 2);
});

test("reconnect.ts ends on ^C: connected, while it connects, and while it waits", async () => {
  const ends = new Arrivals<CloseInfo>();
  await using feed = serve(accept(async (connection) => {
    await connection.send("news");
    ends.add(await connection.closed);
  }));
  await using connected = start(feed.url);
  await connected.outputMatching(/^news$/m);
  assertEquals(await connected.stop("SIGINT"), 0);
  assertEquals(await ends.next(), { code: 1000, reason: "", wasClean: true });
  assertMatch(connected.output, /^Closed with 1000\n$/m);

  const requests = new Arrivals<Request>();
  await using silent = serve((request) => {
    requests.add(request);
    return new Promise((resolve) => {
      request.signal.addEventListener("abort", () => resolve(new Response()));
    });
  });
  await using connecting = start(silent.url, "--connect-timeout", "0");
  await requests.next();
  assertEquals(await connecting.stop("SIGINT"), 0);
  assertEquals(connecting.output, "Stopped\n");

  await using busy = serve(refuse(503, { "retry-after": "3600" }));
  await using waiting = start(busy.url);
  await waiting.outputMatching(/^Trying again in 360000[0-2] ms$/m);
  assertEquals(await waiting.stop("SIGINT"), 0);
});

test("reconnect.ts reads the token anew for each attempt", async () => {
  const folder = mkdtempSync(`${tmpdir()}/gale-token-`);
  const file = `${folder}/token`;
  try {
    writeFileSync(file, "first\n");
    const tokens: (string | null)[] = [];
    const note = (answer: Answer): Answer => (request) => {
      tokens.push(request.headers.get("authorization"));
      writeFileSync(file, "second\n");
      return answer(request);
    };
    await using server = serveInTurn(note(closing(1001)), note(closing(1000)));
    await using client = start(server.url, "--token-file", file);
    assertEquals(await client.exited, 0, client.output);
    assertEquals(tokens, ["Bearer first", "Bearer second"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await using client = start("ws://127.0.0.1:1", "--token-file", file);
  assertEquals(await client.exited, 2);
});

test("reconnect.ts says what is wrong with what it is given", async () => {
  for (
    const [args, told] of [
      [[], /^Give one URL/],
      [["ws://a", "ws://b"], /^Give one URL/],
      [["feed"], /not an absolute URL/],
      [["--connect-timeout", "9999999999", "ws://127.0.0.1:1"], /^connectTimeout must be/],
    ] as const
  ) {
    await using client = startExample("reconnect.ts", ...args);
    assertEquals(await client.exited, 2);
    assertMatch(client.output, told);
  }
});
