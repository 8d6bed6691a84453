/** How long an exchange waits for the response of an upgrade. */

import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { test } from "../harness.ts";
import { ExchangeFixture, HI, SWITCHING, UPGRADE } from "./exchange_fixture.ts";
import { http, settle } from "./fakes.ts";

test("HttpExchange gives the connection up where the function waits for it before it returns", async () => {
  let ended: WebSocketClosedError | undefined;
  const fixture: ExchangeFixture = new ExchangeFixture(async (request) => {
    const { response, connection } = upgradeRaw(request, { clock: fixture.clock })!;
    try {
      for await (const message of connection!) await connection!.send(message);
    } catch (error) {
      ended = error as WebSocketClosedError;
      throw error;
    }
    return response;
  });
  fixture.transport.feed(Uint8Array.of(...http(UPGRADE), ...HI));
  await fixture.clock.advance(29_999);
  assertEquals([ended, fixture.transport.text], [undefined, ""]);
  await fixture.clock.advance(1);
  await fixture.transport.answered();
  assertEquals(fixture.status, 500);
  assertInstanceOf(ended, WebSocketClosedError);
  assertStringIncludes(String(ended.cause), "not returned within 30 seconds");
  assertEquals(fixture.errors, [ended.cause]);
});

/** An exchange whose function upgrades and then waits for `until`. */
function waiting(until: Promise<void>) {
  const connections: WebSocketConnection[] = [];
  const fixture: ExchangeFixture = new ExchangeFixture(async (request) => {
    const { response, connection } = upgradeRaw(request, { clock: fixture.clock })!;
    connections.push(connection!);
    await until;
    return response;
  });
  fixture.transport.feed(http(UPGRADE));
  return { fixture, connection: connections[0]! };
}

test("HttpExchange answers in the stead of a function that does not return its upgrade", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { fixture, connection } = waiting(promise);
  await fixture.clock.advance(30_000);
  const { code, error } = await connection.closed;
  assertEquals(code, 1006);
  assertStringIncludes(String(error), "not returned within 30 seconds");
  await fixture.transport.answered();
  assertEquals([fixture.status, fixture.errors], [500, [error]]);
  // What comes too late is dropped.
  const { text } = fixture.transport;
  resolve();
  await settle();
  assertEquals([fixture.transport.text, fixture.errors], [text, [error]]);
  await fixture.clock.advance(1_000);
  assertEquals([fixture.transport.closed, fixture.ends, fixture.clock.pending], [true, [{}], 0]);
});

test("HttpExchange releases the transport of a client that left an upgrade not returned", async () => {
  for (const early of [0, 70_000]) {
    const { fixture } = waiting(new Promise(() => {}));
    if (early > 0) fixture.transport.feed(new Uint8Array(early));
    assertEquals(fixture.transport.paused, early > 0);
    if (early === 0) fixture.transport.feedEof();
    await fixture.clock.advance(30_000);
    await fixture.transport.answered();
    assertEquals([fixture.status, fixture.transport.paused], [500, false]);
    await fixture.clock.advance(1_000);
    assertEquals([fixture.ends, fixture.clock.pending], [[{}], 0]);
  }
});

test("HttpExchange sends a 100 before the 101 where one is expected (RFC 9110 7.8)", async () => {
  const fixture: ExchangeFixture = new ExchangeFixture((request) =>
    upgradeRaw(request, { clock: fixture.clock })!.response
  );
  const expecting = UPGRADE.replace("\n\n", "\nExpect: 100-continue\n\n");
  fixture.transport.feed(http(expecting));
  await fixture.transport.until(() => fixture.transport.text.includes("101"));
  assertEquals(fixture.transport.text, `HTTP/1.1 100 Continue\r\n\r\n${SWITCHING}`);
});

test("HttpExchange leaves no timeout where the response of an upgrade is returned", async () => {
  for (const answer of [(response: Response) => response, () => new Response("page")]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const fixture: ExchangeFixture = new ExchangeFixture(async (request) => {
      const { response } = upgradeRaw(request)!;
      await promise;
      return answer(response);
    });
    fixture.transport.feed(http(UPGRADE));
    assertEquals(fixture.clock.pending, 1);
    await fixture.clock.advance(29_999);
    resolve();
    await fixture.transport.until(() => fixture.transport.writes > 0);
    fixture.transport.feedEof();
    await settle();
    assertEquals([fixture.clock.pending, fixture.errors], [0, []]);
  }
});
