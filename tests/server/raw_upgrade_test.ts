import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { RequestHead } from "../../src/handshake/http1.ts";
import { type RawUpgrade, registerRequest } from "../../src/server/raw_upgrade.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { test } from "../harness.ts";
import { FakeTransport } from "./fakes.ts";

const FIELDS: [string, string][] = [
  ["Host", "example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

/** A request as an exchange registers it. */
class Fixture {
  readonly request: Request;
  readonly transport: FakeTransport = new FakeTransport();
  upgrade: RawUpgrade | undefined;

  constructor(fields: [string, string][] = [], scheme = "http") {
    const all = [...FIELDS, ...fields];
    const head: RequestHead = { method: "GET", target: "/ws?a", minorVersion: 1, fields: all };
    this.request = new Request(`${scheme}://example.com/ws?a`, { headers: all });
    registerRequest(this.request, {
      transport: this.transport,
      head,
      isUpgraded: () => this.upgrade !== undefined,
      beginUpgrade: (upgrade) => {
        this.upgrade = upgrade;
      },
    });
  }
}

test("upgradeRaw returns a connection that tells what was agreed", () => {
  for (const [scheme, url] of [["http", "ws"], ["https", "wss"]]) {
    const { request } = new Fixture([["Sec-WebSocket-Protocol", "a, b"]], scheme);
    const { response, connection } = upgradeRaw(request, { subprotocols: ["b"] })!;
    assertEquals(response.status, 101);
    assertEquals(connection!.url, `${url}://example.com/ws?a`);
    assertEquals(connection!.protocol, "b");
    connection!.abort();
  }
});

test("upgradeRaw lets the application ask the transport before the 101 is written", () => {
  const { request, transport } = new Fixture();
  const { connection } = upgradeRaw(request)!;
  assertEquals(connection!.remoteAddress, transport.remoteAddress);
  assertEquals(connection!.capabilities.noDelay, true);
  connection!.setNoDelay(false);
  assertEquals(transport.noDelay, false);
  connection!.abort();
});

test("upgradeRaw leaves the transport to the exchange where the connection is aborted", () => {
  const { request, transport } = new Fixture();
  upgradeRaw(request)!.connection!.abort();
  assertEquals(transport.closed, false);
});

test("upgradeRaw shows the application its own headers on the response", () => {
  const { request } = new Fixture();
  const { response, connection } = upgradeRaw(request, { headers: { "x-a": "1" } })!;
  assertEquals([...response.headers], [["x-a", "1"]]);
  connection!.abort();
});

test("upgradeRaw refuses with a response and no connection", async () => {
  const { request } = new Fixture([["Origin", "https://evil.test"]]);
  const { response, connection } = upgradeRaw(request)!;
  assertEquals(response.status, 403);
  assertEquals(connection, undefined);
  assertStringIncludes(await response.text(), "evil.test");
});

test("upgradeRaw may be tried again after a refusal", () => {
  const { request } = new Fixture([["Origin", "https://other.test"]]);
  assertEquals(upgradeRaw(request)!.connection, undefined);
  const { connection } = upgradeRaw(request, { allowedOrigins: "*" })!;
  assertEquals(connection!.closeCode, undefined);
  connection!.abort();
});

test("upgradeRaw refuses a second upgrade of a request", () => {
  const { request } = new Fixture();
  const { connection } = upgradeRaw(request)!;
  assertThrows(() => upgradeRaw(request), TypeError, "it has been upgraded already");
  connection!.abort();
});

test("upgradeRaw lets wrong options through to the caller and begins nothing", () => {
  const fixture = new Fixture();
  assertThrows(() => upgradeRaw(fixture.request, { maxMessageSize: -1 }), RangeError);
  assertThrows(
    () => upgradeRaw(fixture.request, { headers: { upgrade: "mine" } }),
    TypeError,
    "upgrade",
  );
  assertEquals(fixture.upgrade, undefined);
});

test("RawUpgrade writes the 101 with what was agreed, cookies each by itself", () => {
  const fixture = new Fixture([
    ["Sec-WebSocket-Protocol", "a"],
    ["Sec-WebSocket-Extensions", "permessage-deflate"],
  ]);
  const { response, connection } = upgradeRaw(fixture.request, {
    subprotocols: ["a"],
    compression: { level: 1, threshold: 0 },
    headers: [["set-cookie", "a=1"]],
  })!;
  response.headers.append("set-cookie", "b=2");
  const text = new TextDecoder().decode(fixture.upgrade!.encodeResponse(response));
  assertEquals(text.split("\r\n"), [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol: a",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "set-cookie: a=1",
    "set-cookie: b=2",
    "",
    "",
  ]);
  connection!.abort();
});

test("RawUpgrade opens the connection over the transport", async () => {
  const fixture = new Fixture();
  const { connection } = upgradeRaw(fixture.request)!;
  const transport = new FakeTransport();
  void connection!.send("Hi");
  assertEquals(transport.writes, 0);
  fixture.upgrade!.open(transport, Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x48, 0x6f));
  assertEquals(await connection!.receive(), "Ho");
  await transport.until(() => transport.writes > 0);
  assertEquals([...transport.bytes], [0x81, 2, 0x48, 0x69]);
  assertEquals(connection!.remoteAddress, transport.remoteAddress);
  connection!.abort();
});

test("RawUpgrade gives the connection up with the reason", async () => {
  const fixture = new Fixture();
  const { connection } = upgradeRaw(fixture.request)!;
  const reason = new Error("no");
  fixture.upgrade!.abort(reason);
  const { code, error } = await connection!.closed;
  assertEquals([code, error], [1006, reason]);
});

test("upgradeRaw makes a 101 where the host's Response refuses to", () => {
  const { Response } = globalThis;
  globalThis.Response = class extends Response {
    constructor(body?: BodyInit | null, init?: ResponseInit) {
      if (init?.status === 101) throw new RangeError("not in this host");
      super(body, init);
    }
  };
  try {
    const { request } = new Fixture();
    const { response, connection } = upgradeRaw(request, { headers: { "x-a": "1" } })!;
    assertEquals([response.status, response.headers.get("x-a")], [101, "1"]);
    connection!.abort();
  } finally {
    globalThis.Response = Response;
  }
});
