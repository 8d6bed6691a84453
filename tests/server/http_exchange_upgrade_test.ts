/** How long an exchange waits for the response of an upgrade. */

import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { WebSocketClosedError } from "../../src/errors.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { test } from "../harness.ts";
import { ExchangeFixture, HI, UPGRADE } from "./exchange_fixture.ts";
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

test("HttpExchange takes no upgrade whose response comes too late", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let closed: Promise<{ code: number; error?: unknown }> | undefined;
  const fixture: ExchangeFixture = new ExchangeFixture(async (request) => {
    const { response, connection } = upgradeRaw(request, { clock: fixture.clock })!;
    closed = connection!.closed;
    await promise;
    return response;
  });
  fixture.transport.feed(http(UPGRADE));
  await fixture.clock.advance(30_000);
  const { code, error } = await closed!;
  assertEquals(code, 1006);
  assertStringIncludes(String(error), "not returned within 30 seconds");
  assertEquals(fixture.errors, [error]);
  resolve();
  await fixture.transport.answered();
  assertEquals(fixture.status, 500);
  assertEquals(fixture.errors, [error]);
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
