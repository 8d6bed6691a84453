/** What has gone wrong in the opening handshakes of others; `docs/threats.md` maps it to these tests. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { connectBy } from "../../src/client.ts";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import { ClientHandshake } from "../../src/handshake/client.ts";
import type { ResponseHead } from "../../src/handshake/http1.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { type HandshakeOptions, negotiateUpgrade } from "../../src/handshake/server.ts";
import { HttpExchange } from "../../src/server/http_exchange.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { ManualClock } from "../../src/testing.ts";
import { ScriptedServer, switchingProtocols } from "../client/scripted_server.ts";
import { countWork } from "../handshake/work_counter.ts";
import { test } from "../harness.ts";
import { FakeTransport } from "../server/fakes.ts";
import { upgradeRequest } from "../upgrade_fixture.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const encoder = new TextEncoder();

/** The status of the refusal of a request with other fields, 101 where it is upgraded. */
function statusOf(fields: Record<string, string>, options: HandshakeOptions = {}): number {
  const result = negotiateUpgrade(upgradeRequest("/", fields), { compression: true, ...options });
  return result instanceof Response ? result.status : 101;
}

/** What a server answers to the bytes of a request, and whom its function was called for. */
async function answerTo(text: string): Promise<{ answer: string; urls: string[] }> {
  const transport = new FakeTransport();
  const urls: string[] = [];
  const exchange = new HttpExchange(transport, (request) => {
    urls.push(request.url);
    const { response, connection } = upgradeRaw(request, { pingInterval: 0 })!;
    connection?.abort();
    return response;
  }, {
    secure: false,
    headLimits: {},
    handshakeTimeout: 10_000,
    stallTimeout: 30_000,
    clock: new ManualClock(),
    onError: (error) => {
      throw error;
    },
    onRefuse: () => {},
    onEnd: () => {},
  });
  exchange.start();
  transport.feed(encoder.encode(text));
  await transport.until(() => transport.writes > 0);
  return { answer: transport.text, urls };
}

/** The lines of a good request, without the empty one. */
function requestLines(target = "/", fields: readonly string[] = []): string[] {
  return [
    `GET ${target} HTTP/1.1`,
    ...fields,
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
  ];
}

const request = (target?: string, fields?: readonly string[]) =>
  `${requestLines(target, fields).join("\r\n")}\r\n\r\n`;

const PROTOTYPE_NAMES = [...Object.getOwnPropertyNames(Object.prototype), "prototype"];

// Servers ----------------------------------------------------------------------------------------

test("An extension named constructor or __proto__ is an unknown one", () => {
  for (const name of PROTOTYPE_NAMES) {
    for (
      const value of [
        name,
        `${name}; ${name}=${name}`,
        `permessage-deflate; ${name}`,
        `permessage-deflate; ${name}=${name}`,
      ]
    ) {
      const fields = { "sec-websocket-extensions": value };
      const result = negotiateUpgrade(upgradeRequest("/", fields), { compression: true });
      assert(!(result instanceof Response), value);
      assertEquals([result.extensions, result.compression], ["", undefined], value);
    }
    const result = negotiateUpgrade(
      upgradeRequest("/", { "sec-websocket-protocol": name }),
      { subprotocols: ["chat"] },
    );
    assert(!(result instanceof Response));
    assertEquals(result.protocol, "");
  }
});

test("32,000 spaces in Sec-WebSocket-Protocol cost no more than their number", () => {
  const stepsOf = (count: number) => {
    const fields = { "sec-websocket-protocol": `b${" ".repeat(count)}x` };
    const evil = upgradeRequest("/", fields);
    return countWork(() => void negotiateUpgrade(evil, { subprotocols: ["b"] }));
  };
  const [steps, twice] = [stepsOf(32_000), stepsOf(64_000)];
  assert(steps > 32_000, "nothing was counted");
  assert(twice < 2.2 * steps, `${steps} steps become ${twice}`);
});

test("5,000 fields of one name cost no more than their number, and are refused before", async () => {
  const stepsOf = (count: number) => {
    const evil = upgradeRequest();
    for (let index = 0; index < count; index++) {
      evil.headers.append("sec-websocket-protocol", `p${index}`);
    }
    return countWork(() => void negotiateUpgrade(evil, { subprotocols: ["b"] }));
  };
  const [steps, twice] = [stepsOf(2_500), stepsOf(5_000)];
  assert(steps > 10_000, "nothing was counted");
  assert(twice < 2.4 * steps, `${steps} steps become ${twice}`);

  const fields = Array.from({ length: 5_000 }, (_, index) => `Sec-WebSocket-Protocol: p${index}`);
  const { answer, urls } = await answerTo(request("/", fields));
  assertMatch(answer, /^HTTP\/1\.1 431 /);
  assertEquals(urls, []);
});

test("2,000 header fields are answered, although Upgrade is behind them", async () => {
  const fields = Array.from({ length: 2_000 }, (_, index) => `X${index}: a`);
  const { answer, urls } = await answerTo(request("/", fields));
  assertMatch(answer, /^HTTP\/1\.1 431 /);
  assertEquals(urls, []);
  // Where a host hands on only the first of the fields, no Upgrade is left.
  assertEquals(statusOf({ upgrade: "" }), 426);
});

test("The origin null is no way around the check of origins", () => {
  assertEquals(statusOf({ origin: "null" }), 403);
  assertEquals(statusOf({ origin: "null" }, { allowedOrigins: ["https://example.com"] }), 403);
  assertEquals(statusOf({ origin: "null" }, { allowedOrigins: [/.*\.example\.com/] }), 403);
  assertEquals(statusOf({ origin: "null" }, { allowedOrigins: ["null"] }), 101);
});

test("Pages of other sites are kept out although nobody configured anything", () => {
  for (
    const origin of [
      "http://evil.example",
      "http://example.com.evil.example",
      "http://evilexample.com",
      "http://example.com@evil.example",
      "http://example.com:8080",
      "file://",
    ]
  ) assertEquals(statusOf({ origin }), 403, origin);
  assertEquals(statusOf({ origin: "http://example.com" }), 101);
});

test("A malformed Origin or Host is refused, and throws nothing", async () => {
  const checkOrigin = () => true;
  for (const origin of ["http://", "http://[", "://", "%", "http://a b", "http://a:b", "ws:"]) {
    assertEquals(statusOf({ origin }), 403, origin);
    assertEquals(statusOf({ origin }, { checkOrigin }), 403, origin);
  }
  for (const host of ["[", "[::1", "a b", "a:b", "a:99999", "http://a", "@", "%", "a/b", ""]) {
    const lines = requestLines().map((line) => line.startsWith("Host") ? `Host: ${host}` : line);
    const { answer, urls } = await answerTo(`${lines.join("\r\n")}\r\n\r\n`);
    assertMatch(answer, /^HTTP\/1\.1 400 /, host);
    assertEquals(urls, [], host);
  }
});

test("A name made to resolve to a private address is kept out by allowedHosts", () => {
  // To the browser, page and server have the same origin.
  const rebound = { host: "evil.example", origin: "http://evil.example" };
  assertEquals(statusOf(rebound, { allowedHosts: ["localhost", "*.example.com"] }), 403);
  assertEquals(statusOf({ host: "evil.example" }, { allowedHosts: ["localhost"] }), 403);
  const own = { host: "chat.example.com", origin: "http://chat.example.com" };
  assertEquals(statusOf(own, { allowedHosts: ["*.example.com"] }), 101);
});

test("An absolute target is no way to name another host than Host does", async () => {
  for (const target of ["http://internal/", "http://example.com:81/", "http://a@example.com/"]) {
    const { answer, urls } = await answerTo(request(target));
    assertMatch(answer, /^HTTP\/1\.1 400 /, target);
    assertEquals(urls, [], target);
  }
  const { answer, urls } = await answerTo(request("http://example.com/chat"));
  assertMatch(answer, /^HTTP\/1\.1 101 /);
  assertEquals(urls, ["http://example.com/chat"]);
});

test("A request behind a refused upgrade is not answered, whatever a proxy believes", async () => {
  const smuggled = "GET /admin HTTP/1.1\r\nHost: example.com\r\n\r\n";
  for (
    const [fields, status] of [
      [["Origin: https://evil.example"], 403],
      [["Content-Length: 44"], 400],
      [["Transfer-Encoding: chunked"], 400],
      [["Sec-WebSocket-Protocol: a b"], 400],
    ] as const
  ) {
    const { answer, urls } = await answerTo(request("/", fields) + smuggled);
    assertMatch(answer, new RegExp(`^HTTP/1\\.1 ${status} `), fields[0]);
    assertMatch(answer, /\r\nconnection: close/i);
    assertEquals(answer.match(/HTTP\/1\.1 \d/g)!.length, 1);
    assertEquals(urls.filter((url) => url.includes("admin")), []);
  }
});

// Clients ----------------------------------------------------------------------------------------

/** A response that agrees to extensions. */
function agreeing(extensions: string): ResponseHead {
  return {
    status: 101,
    statusText: "",
    minorVersion: 1,
    fields: [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", computeAccept(KEY)],
      ["Sec-WebSocket-Extensions", extensions],
    ],
  };
}

test("A window of 1000 bits fails the client's handshake, and not its process", () => {
  const handshake = new ClientHandshake(new URL("ws://host/"), { compression: true }, KEY);
  for (const bits of ["1000", "7", "16", "08", '""', '" 15"', "1e1", "15.0", "-1", "NaN"]) {
    for (const name of ["server_max_window_bits", "client_max_window_bits"]) {
      const response = agreeing(`permessage-deflate; ${name}=${bits}`);
      assertThrows(() => handshake.check(response), WebSocketHandshakeError);
    }
  }
  handshake.check(agreeing("permessage-deflate; server_max_window_bits=8"));
});

test("Line breaks in what a client is given to send begin no other line", () => {
  for (const evil of ["a\r\nX: b", "a\nX: b", "a\rX: b", "a\0"]) {
    const options = [
      { subprotocols: [evil] },
      { origin: `http://${evil}` },
      { headers: { "x-a": evil } },
      { headers: { "cookie": evil } },
    ];
    for (const given of options) {
      assertThrows(() => new ClientHandshake(new URL("ws://host/"), given, KEY), TypeError);
    }
  }
  for (
    const url of ["ws://host/a\r\nX: b", "ws://host/?a=\r\n\r\nGET /", "ws://host/%0d%0aX:%20b"]
  ) {
    const text = new TextDecoder().decode(
      new ClientHandshake(new URL(url), {}, KEY).encodeRequest(),
    );
    assertEquals(text.split("\r\n").filter((line) => line.startsWith("X") || /^GET/.test(line)), [
      text.slice(0, text.indexOf("\r\n")),
    ], url);
  }
});

test("A redirect to another host or away from TLS takes no credentials along", async () => {
  const credentials = { authorization: "Bearer a", cookie: "b=c", "proxy-authorization": "d" };
  const follow = async (from: string, to: string) => {
    const server = new ScriptedServer();
    const options = { maxRedirects: 1, headers: { ...credentials, "x-a": "e" }, pingInterval: 0 };
    const connecting = connectBy(server.dial, from, options);
    const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
    const first = await server.peer(0);
    await first.respond(`HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`);
    if (from.startsWith("wss:") && !to.startsWith("wss:")) {
      await rejected;
      return undefined;
    }
    const second = await server.peer(1);
    const { fields } = await second.request();
    await second.respond("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    await rejected;
    return fields.map(([name]) => name.toLowerCase());
  };
  for (const to of ["ws://other/", "ws://host:81/", "wss://host/", "ws://sub.host/"]) {
    const names = await follow("ws://host/", to);
    assertEquals(Object.keys(credentials).filter((name) => names!.includes(name)), [], to);
    assert(names!.includes("x-a"));
  }
  assert((await follow("ws://host/", "ws://host/there"))!.includes("authorization"));
  assertEquals(await follow("wss://host/", "ws://host/"), undefined);
});

test("No status but 101 opens a client's connection, whatever else the response says", async () => {
  for (const status of ["200 OK", "204 No Content", "200 Connection established", "426 Upgrade"]) {
    const server = new ScriptedServer();
    const connecting = connectBy(server.dial, "ws://host/", { pingInterval: 0 });
    const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
    const peer = await server.peer(0);
    const switching = switchingProtocols(await peer.request());
    peer.write(switching.replace("101 Switching Protocols", status));
    peer.end();
    await rejected;
    assert(server.released, status);
  }
});

test("What the runtimes' own clients let pass, ours does not", async () => {
  const server = new ScriptedServer();
  const wrong: [change: (head: string) => string, message: RegExp][] = [
    // Another first letter than the hash has.
    [(head) => head.replace(/Accept: (.)/, (_, a) => `Accept: ${a === "A" ? "B" : "A"}`), /Accept/],
    [(head) => head.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-foo\r\n\r\n"), /x-foo/],
    [(head) => head.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x-foo\r\n\r\n"), /x-foo/],
  ];
  for (const [index, [change, message]] of wrong.entries()) {
    const connecting = connectBy(server.dial, "ws://host/", { pingInterval: 0 });
    const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
    const peer = await server.peer(index);
    peer.write(change(switchingProtocols(await peer.request())));
    assertMatch((await rejected).message, message);
  }
  assert(server.released);
});
