/** Rules of RFC 6455 about what surrounds the handshake on the server's side. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { HttpExchange } from "../../src/server/http_exchange.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { concat, frameFor, TEXT } from "../protocol/frames.ts";
import { FakeTransport, http } from "./fakes.ts";

const GOOD: Readonly<Record<string, string>> = {
  "Host": "example.com",
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

function head(change: Readonly<Record<string, string>> = {}): Uint8Array {
  const fields = Object.entries({ ...GOOD, ...change }).map(([name, value]) => `${name}: ${value}`);
  return http(`GET / HTTP/1.1\n${fields.join("\n")}\n\n`);
}

/** An exchange that upgrades whatever it can, and how often it was asked to. */
function start() {
  const transport = new FakeTransport();
  const requests: string[] = [];
  const connections: WebSocketConnection[] = [];
  const exchange = new HttpExchange(transport, (request) => {
    requests.push(request.url);
    const { response, connection } = upgradeRaw(request, { pingInterval: 0 })!;
    if (connection !== undefined) connections.push(connection);
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
  return { transport, requests, connections };
}

test("HttpExchange hands frames that follow the request to the connection, and no request (RFC 6455 4.2.2)", async () => {
  const smuggled = http("GET /admin HTTP/1.1\nHost: example.com\n\n");
  const { transport, requests, connections } = start();
  transport.feed(
    concat(head(), frameFor("server", TEXT, "early"), frameFor("server", TEXT, smuggled)),
  );
  await transport.until(() => transport.text.includes("101"));
  assertEquals(await connections[0]!.receive(), "early");
  assertEquals(await connections[0]!.receive(), new TextDecoder().decode(smuggled));
  assertEquals(requests, ["http://example.com/"]);
  connections[0]!.abort();
});

test("HttpExchange closes behind each refusal of an upgrade, and reads no further (RFC 6455 4.2.2)", async () => {
  const refusals: [change: Record<string, string>, status: number][] = [
    [{ "Sec-WebSocket-Version": "8" }, 426],
    [{ "Sec-WebSocket-Key": "short" }, 400],
    [{ "Upgrade": "h2c" }, 426],
    [{ "Origin": "https://elsewhere.example" }, 403],
  ];
  for (const [change, status] of refusals) {
    const { transport, requests, connections } = start();
    transport.feed(concat(head(change), head()));
    await transport.answered();
    transport.feed(head());
    assertMatch(transport.text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assertMatch(transport.text, /\r\nconnection: close/i);
    assertEquals(transport.text.match(/HTTP\/1\.1 /g)!.length, 1);
    assertEquals([requests.length, connections.length], [1, 0]);
    assert(transport.writeClosed);
    transport.feedEof();
  }
});
