import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { connect as connectTls } from "node:tls";
import {
  connectWebSocket,
  guardUpgrades,
  serveTcp,
  upgradeWebSocket,
} from "../../src/adapters/deno.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketHandler } from "../../src/handler.ts";
import { WebSocketRouter } from "../../src/router.ts";
import type { HandshakeOptions } from "../../src/handshake/server.ts";
import { ManualClock } from "../../src/testing.ts";
import { runtime, test } from "../harness.ts";
import { serve } from "./deno_serving.ts";
import { HI, HI_ECHOED, pem, RawClient, UPGRADE } from "./raw_client.ts";

const skip = runtime === "deno" ? undefined : "it needs Deno";

async function echo(connection: WebSocketConnection): Promise<void> {
  for await (const message of connection) await connection.send(message);
}

/** The head of a request for a WebSocket, with some of its lines replaced, or removed by "". */
function head(changes: Readonly<Record<string, string>> = {}, method: string = "GET"): string {
  const fields = {
    "Host": "example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...changes,
  };
  const lines = Object.entries(fields).filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} /ws HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Status and text of the answer that a server on a port gives. */
async function answerOf(port: number, request: string): Promise<string[]> {
  const client = new RawClient(connectTcp(port, "127.0.0.1"));
  client.send(request);
  const answer = await client.receive(".\n");
  await client.destroy();
  // One of them sends the body in chunks.
  return [answer.slice(9, 12), /.*\.\n/.exec(answer)![0]];
}

const refusals: readonly [title: string, request: string, options?: HandshakeOptions][] = [
  ["another method", head({}, "POST")],
  ["no upgrade", head({ Upgrade: "h2c" })],
  ["a Connection that does not upgrade", head({ Connection: "close" })],
  ["no version", head({ "Sec-WebSocket-Version": "" })],
  ["version 8", head({ "Sec-WebSocket-Version": "8" })],
  ["no key", head({ "Sec-WebSocket-Key": "" })],
  ["a key that is too short", head({ "Sec-WebSocket-Key": "c2hvcnQ=" })],
  ["a foreign origin", head({ Origin: "https://evil.example" })],
  ["a malformed origin", head({ Origin: "example.com" })],
  ["the origin null", head({ Origin: "null" })],
  ["a host that is not allowed", head(), { allowedHosts: ["example.org"] }],
  ["malformed subprotocols", head({ "Sec-WebSocket-Protocol": "a,,b b" })],
  ["malformed extensions", head({ "Sec-WebSocket-Extensions": "a;" })],
];

for (const [title, request, options = {}] of refusals) {
  test(`deno.upgradeWebSocket refuses ${title} as serveTcp does (RFC 6455 4.2.2)`, async () => {
    const handler = (request: Request) => upgradeWebSocket(request, options).response;
    await using native = serve(handler);
    await using raw = serveTcp({ port: 0, hostname: "127.0.0.1" }, handler);
    const answer = await answerOf(native.port, request);
    assertMatch(answer[0]!, /^4/);
    assertEquals(answer, await answerOf(raw.addr.port, request));
    assertEquals(await native.fetchStatus(), 200);
  }, { skip });
}

/** What Deno takes as it comes: what serveTcp refuses before there is a `Request`. */
const targets: readonly (readonly [title: string, target: string, host: string])[] = [
  ["an absolute target for another host", "http://evil.example/ws", "example.com"],
  ["an absolute target with a user", "http://u:p@example.com/ws", "example.com"],
  ["an absolute target with no possible port", "http://example.com:99999/ws", "example.com"],
  ["a Host with a path", "/ws", "example.com/other?"],
  ["a Host with no possible port", "/ws", "example.com:99999"],
];
for (const [title, target, host] of targets) {
  test(`deno.upgradeWebSocket and routers refuse ${title} (RFC 9112 3.2)`, async () => {
    const router = new WebSocketRouter([["/*", () => {}]]);
    const handlers: ((request: Request) => Response | Promise<Response>)[] = [
      (request) => upgradeWebSocket(request, { allowedHosts: ["example.com"] }).response,
      async (request) => (await router.handle(request, upgradeWebSocket))!,
    ];
    for (const handler of handlers) {
      await using native = serve(handler);
      const request = head({ Host: host }).replace("/ws", target);
      assertEquals((await answerOf(native.port, request))[0], "400");
      assertEquals([await native.fetchStatus(), native.errors], [200, []]);
    }
  }, { skip });
}

test(
  "deno.upgradeWebSocket takes an absolute target that is its Host's (RFC 9112 3.2.2)",
  async () => {
    await using native = serve((request) => upgradeWebSocket(request).response);
    const client = native.open();
    client.send(head().replace("/ws", "http://example.com/ws"));
    assertStringIncludes(await client.receive("\r\n\r\n"), "HTTP/1.1 101");
    await client.destroy();
  },
  { skip },
);

test("deno.upgradeWebSocket selects from an offer without spaces (RFC 6455 4.2.2)", async () => {
  await using fixture = serve((request) =>
    upgradeWebSocket(request, { subprotocols: ["b"] }).response
  );
  const client = fixture.open();
  client.send(head({ "Sec-WebSocket-Protocol": "a,b" }));
  assertStringIncludes(await client.receive("\r\n\r\n"), "\r\nsec-websocket-protocol: b\r\n");
  await client.destroy();
}, { skip });

test("deno.upgradeWebSocket sends headers and several cookies, of either kind", async () => {
  await using fixture = serve((request) => {
    const headers = [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-one", "1"]] as const;
    const { response } = upgradeWebSocket(request, { headers: headers.map((pair) => [...pair]) });
    response.headers.append("set-cookie", "c=3");
    response.headers.set("x-two", "2");
    return response;
  });
  const client = fixture.open();
  client.send(UPGRADE);
  const received = (await client.receive("\r\n\r\n")).toLowerCase();
  for (
    const line of ["set-cookie: a=1", "set-cookie: b=2", "set-cookie: c=3", "x-one: 1", "x-two: 2"]
  ) {
    assertStringIncludes(received, `\r\n${line}\r\n`);
  }
  await client.destroy();
}, { skip });

test("deno.upgradeWebSocket answers 500 where headers of the handshake were set", async () => {
  await using fixture = serve((request) => {
    const { response } = upgradeWebSocket(request);
    response.headers.set("sec-websocket-extensions", "permessage-deflate");
    return response;
  });
  const client = fixture.open();
  client.send(UPGRADE);
  assertStringIncludes(await client.receive("failed"), "HTTP/1.1 500");
  assertEquals(fixture.errors.map((error) => error instanceof TypeError), [true]);
  await client.destroy();
}, { skip });

test("deno.upgradeWebSocket keeps request and address, which Deno takes back", async () => {
  const opened = Promise.withResolvers<[Request, WebSocketConnection]>();
  await using fixture = serve((original, info) => {
    const { response, connection, request } = upgradeWebSocket(original, { info });
    if (connection !== undefined) opened.resolve([request, connection]);
    return response;
  });
  const client = await connectWebSocket(`ws://127.0.0.1:${fixture.port}/a?b=c`, {
    headers: { cookie: "d=e" },
  });
  const [request, connection] = await opened.promise;
  assertEquals(request.url, `http://127.0.0.1:${fixture.port}/a?b=c`);
  assertEquals([request.method, request.headers.get("cookie")], ["GET", "d=e"]);
  assertEquals(connection.url, `ws://127.0.0.1:${fixture.port}/a?b=c`);
  assertEquals(connection.remoteAddress?.hostname, "127.0.0.1");
  assert(connection.remoteAddress!.port > 0);
  client.abort();
}, { skip });

test("deno.upgradeWebSocket knows the addresses of TLS and of a Unix socket", async () => {
  const folder = mkdtempSync(`${tmpdir()}/serve-`);
  const path = `${folder}/socket`;
  const connections: WebSocketConnection[] = [];
  const handler = (request: Request, info: Deno.ServeHandlerInfo): Response => {
    const { response, connection } = upgradeWebSocket(request, { info });
    connections.push(connection!);
    return response;
  };
  const onListen = () => {};
  const unix = Deno.serve({ path, onListen }, handler);
  const tls = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: pem("server"),
    key: pem("server.key"),
    onListen,
  }, handler);
  try {
    for (
      const socket of [
        connectTcp(path),
        connectTls({
          port: tls.addr.port,
          host: "127.0.0.1",
          servername: "localhost",
          ca: pem("ca"),
        }),
      ]
    ) {
      const client = new RawClient(socket);
      client.send(UPGRADE);
      await client.receive("\r\n\r\n");
      await client.destroy();
      await connections.at(-1)!.closed;
    }
    assertEquals(connections.map(({ url, remoteAddress }) => [url, remoteAddress?.transport]), [
      ["ws://example.com/ws", "unix"],
      ["wss://example.com/ws", "tcp"],
    ]);
    assertEquals(connections[0]!.remoteAddress, { transport: "unix", hostname: path, port: 0 });
  } finally {
    await Promise.all([unix.shutdown(), tls.shutdown()]);
    rmSync(folder, { recursive: true });
  }
}, { skip });

test("deno.upgradeWebSocket throws for a request upgraded before, or of nowhere", async () => {
  await using fixture = serve((request) => {
    const { response } = upgradeWebSocket(request);
    assertThrows(() => upgradeWebSocket(request), TypeError, "has been upgraded already");
    return response;
  });
  const client = fixture.open();
  client.send(UPGRADE);
  await client.receive("\r\n\r\n");
  await client.destroy();
  const headers = { upgrade: "websocket", connection: "upgrade" };
  const request = new Request("http://example.com/", { headers });
  assertThrows(() => upgradeWebSocket(request), TypeError, "not the one that Deno.serve");
}, { skip });

const failures: Readonly<Record<string, (response: Response) => Response | Promise<Response>>> = {
  "throws": () => {
    throw new Error("mine");
  },
  "rejects": () => Promise.reject(new Error("mine")),
  "returns another response": () => new Response("mine", { status: 404 }),
  "returns what is no response": () => ({ status: 101 }) as Response,
};

for (const [title, fail] of Object.entries(failures)) {
  test(`deno.upgradeWebSocket upgrades nothing where the function ${title}`, async () => {
    const connections: WebSocketConnection[] = [];
    await using fixture = serve((request, info) => {
      const { response, connection } = upgradeWebSocket(request, { info });
      connections.push(connection!);
      return fail(response);
    });
    const client = fixture.open();
    client.send(UPGRADE);
    assertMatch(await client.receive("\r\n\r\n"), /^HTTP\/1\.1 (500|404)/);
    const { code, error } = await connections[0]!.closed;
    assertEquals(code, 1006);
    assertStringIncludes(String(error), "was not returned to Deno.serve");
    assertEquals(await fixture.fetchStatus(), 200);
    await client.destroy();
  }, { skip });
}

test(
  "deno.upgradeWebSocket gives up a connection whose response is not returned in time",
  async () => {
    const clock = new ManualClock();
    const forgotten = Promise.withResolvers<WebSocketConnection>();
    const late = Promise.withResolvers<Response>();
    await using fixture = serve((request) => {
      const { connection } = upgradeWebSocket(request, { clock });
      forgotten.resolve(connection!);
      return late.promise;
    });
    const client = fixture.open();
    client.send(UPGRADE);
    const connection = await forgotten.promise;
    await clock.advance(30_000);
    const { code, error } = await connection.closed;
    assertEquals(code, 1006);
    assertStringIncludes(String(error), "was not returned within 30 seconds");
    late.resolve(new Response("page"));
    await client.receive("page");
    await client.destroy();
  },
  { skip },
);

test("deno.upgradeWebSocket gives up a client that left before the response", async () => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const upgraded = Promise.withResolvers<WebSocketConnection>();
  await using fixture = serve(async (request, info) => {
    asked.resolve();
    await left.promise;
    const { response, connection } = upgradeWebSocket(request, { info, clock });
    upgraded.resolve(connection!);
    return response;
  });
  const client = fixture.open();
  client.send(UPGRADE);
  await asked.promise;
  await client.destroy();
  left.resolve();
  const connection = await upgraded.promise;
  assertEquals(await fixture.fetchStatus(), 200);
  await clock.advance(30_000);
  assertEquals((await connection.closed).code, 1006);
}, { skip });

test(
  "deno.upgradeWebSocket leaves no timeout where a connection ends before it opens",
  async () => {
    const clock = new ManualClock();
    const ended = Promise.withResolvers<WebSocketConnection>();
    await using fixture = serve((request) => {
      const { connection } = upgradeWebSocket(request, { clock, pingInterval: 0 });
      connection!.abort();
      ended.resolve(connection!);
      return new Response("page");
    });
    const client = fixture.open();
    client.send(UPGRADE);
    await (await ended.promise).closed;
    assertEquals(clock.pending, 0);
    await client.receive("page");
    await client.destroy();
  },
  { skip },
);

test("deno.upgradeWebSocket opens a connection aborted before only to close it", async () => {
  await using fixture = serve((request) => {
    const { response, connection } = upgradeWebSocket(request);
    connection?.abort();
    return response;
  });
  const client = fixture.open();
  client.send(UPGRADE);
  assertStringIncludes(await client.receive("\x88"), "HTTP/1.1 101");
  await client.receive("\x88\x02\x03\xe9");
  await client.destroy();
}, { skip });

test("deno.upgradeWebSocket takes a copy of its response, with further headers", async () => {
  await using fixture = serve((request) => {
    const { response, connection } = upgradeWebSocket(request);
    echo(connection!).catch(() => {});
    const copy = new Response(response.body, response);
    copy.headers.set("x-added", "1");
    return copy;
  });
  const client = fixture.open();
  client.send(UPGRADE + HI);
  assertStringIncludes((await client.receive(HI_ECHOED)).toLowerCase(), "\r\nx-added: 1\r\n");
  await client.destroy();
}, { skip });

test("deno.upgradeWebSocket serves a router, whose handlers may throw", async () => {
  class Failing extends WebSocketHandler {
    override open(): void {
      throw new Error("mine");
    }
    override onMessage(): void {}
    override onError(): void {}
  }
  class FailingBefore extends Failing {
    override checkOrigin(): boolean {
      throw new Error("mine");
    }
  }
  const router = new WebSocketRouter([
    ["/function", () => Promise.reject(new Error("mine"))],
    ["/handler", Failing],
    ["/before", FailingBefore],
  ], { onError: () => {} });
  await using fixture = serve(async (request, info) =>
    await router.handle(request, upgradeWebSocket, { info }) ?? new Response("none")
  );
  for (const path of ["function", "handler"]) {
    const client = await connectWebSocket(`ws://127.0.0.1:${fixture.port}/${path}`);
    assertEquals((await client.closed).code, 1011);
  }
  const origin = `http://127.0.0.1:${fixture.port}`;
  await assertRejects(
    () => connectWebSocket(`ws://127.0.0.1:${fixture.port}/before`, { headers: { origin } }),
    Error,
    "500",
  );
  assertEquals(await fixture.fetchStatus(), 200);
}, { skip });

/** Runs `run` without a console, and gives what it was told. */
async function withoutConsole(run: () => Promise<void>): Promise<unknown[]> {
  const { error } = console;
  const told: unknown[] = [];
  console.error = (value: unknown) => told.push(value);
  try {
    await run();
  } finally {
    console.error = error;
  }
  return told;
}

for (const [title, fail] of Object.entries(failures)) {
  test(
    `deno.guardUpgrades keeps the server where the function ${title} after the upgrade`,
    async () => {
      const told = await withoutConsole(async () => {
        await using fixture = serve(guardUpgrades(async (request) => {
          // The upgrade is carried out with the response's first await.
          const response = await Promise.resolve(upgradeWebSocket(request).response);
          return fail(response);
        }));
        const client = fixture.open();
        client.send(UPGRADE);
        assertStringIncludes(await client.receive("\x88\x02"), "HTTP/1.1 101");
        await client.receive("\x88\x02\x03\xf3");
        assertEquals(await fixture.fetchStatus(), 200);
        await client.destroy();
      });
      assertMatch(
        String(told),
        /^(Error: mine|TypeError: The response of an upgrade was not returned)$/,
      );
    },
    { skip },
  );
}

test("deno.guardUpgrades leaves alone what needs no guard", async () => {
  const answers: Readonly<Record<string, (request: Request) => Response>> = {
    plain: () => new Response("page"),
    throw: () => {
      throw new Error("mine");
    },
    ws: (request) => {
      const { response, connection } = upgradeWebSocket(request);
      echo(connection!).catch(() => {});
      return response;
    },
  };
  await using fixture = serve(
    guardUpgrades((request) => answers[request.url.split("/").at(-1)!]!(request)),
  );
  const page = await fetch(`http://127.0.0.1:${fixture.port}/plain`);
  assertEquals(await page.text(), "page");
  const failed = await fetch(`http://127.0.0.1:${fixture.port}/throw`);
  assertEquals([failed.status, await failed.text(), fixture.errors.map(String)], [500, "failed", [
    "Error: mine",
  ]]);
  const client = fixture.open();
  client.send(UPGRADE + HI);
  await client.receive(HI_ECHOED);
  await client.destroy();
}, { skip });
