/** Cases of a connection's life: pings, silence, and errors of the application. */

import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { PING, PONG, type RawClient, TEXT } from "../raw_client.ts";
import type { Cases } from "../served_app.ts";

/** Answers pings until as many have come. */
async function answerPings(client: RawClient, count: number): Promise<void> {
  for (let answered = 0; answered < count;) {
    const frame = await client.next();
    if (frame === undefined) throw new Error(`The server ended after ${answered} pings`);
    if (frame.opcode !== PING) continue;
    client.send(PONG, frame.payload);
    answered++;
  }
}

/** Registers them. */
export const testLife: Cases = (host, test) => {
  /** Whether the connection does what a host may lack, and says so otherwise. */
  const wish = (name: string, can: boolean) =>
    test(`${can ? "can" : "says why it cannot"} ${name}`, async (server) => {
      const visit = server.visit("/wishes");
      await using connection = await visit.connect();
      await connection.send(name);
      const answer = JSON.parse(await connection.receive() as string);
      if (can) {
        assertEquals(answer, { result: name === "ping" ? "number" : "undefined" });
        assertEquals((await visit.report()).pongs, name === "ping" ? ["payload"] : []);
        return;
      }
      assertMatch(answer.message, /^Cannot (send ping|set noDelay): ./);
      assertEquals(answer.name, "NotSupportedError");
    });
  wish("ping", host.capabilities.ping);
  wish("noDelay", host.capabilities.noDelay);

  test("answers pings (RFC 6455 5.5.3)", async (server) => {
    const visit = server.visit("/wishes");
    await using connection = await visit.connect();
    assertGreater(await connection.ping("hello?"), 0);
    await connection.send("nothing");
    const { pings } = await visit.report(({ pings }) =>
      pings.length > 0 || !host.capabilities.ping
    );
    assertEquals(pings, host.capabilities.ping ? ["hello?"] : []);
  });

  test("takes pongs that nobody asked for (RFC 6455 5.5.3)", async (server) => {
    const visit = server.visit("/echo");
    await using client = await visit.open();
    client.send(PONG, "unasked");
    client.send(TEXT, "hello");
    assertEquals(await client.nextText(), "hello");
  });

  switch (host.keepalive) {
    case "connection":
    case "host":
      test(`gives up a peer that does not answer pings, by the ${host.keepalive}`, async (server) => {
        const visit = server.visit("/keepalive");
        await using client = await visit.open();
        await answerPings(client, host.keepalive === "host" ? 1 : 3);
        await client.untilEnd();
        const end = await visit.end();
        assertEquals([end.code, end.wasClean], [1006, false]);
        if (host.keepalive === "connection") assertMatch(end.error ?? "", /did not answer a ping/);
      });
      break;
    case "nobody":
      test("serves where it is to ping in intervals, which it cannot", async (server) => {
        await using client = await server.visit("/keepalive").open();
        client.send(TEXT, "ping");
        assertStringIncludes(await client.nextText(), "NotSupportedError");
      });
  }

  test("closes with 1001 what nobody uses for idleTimeout", async (server) => {
    const visit = server.visit("/idle");
    const connection = await visit.connect();
    // That use starts the time anew is shown with a clock of its own: here it would race with the end.
    const info = await connection.closed;
    assertEquals([info.code, info.reason, info.wasClean], [1001, "idle", true]);
    assertEquals((await visit.end()).wasClean, true);
  });

  const thrown: [path: string, message: string | undefined, error: string][] = [
    ["/throw/open", undefined, "Error: thrown in open"],
    ["/throw/onMessage", "hello", "Error: thrown in onMessage"],
    ["/throw/nothing", "hello", "Error: rejected onMessage"],
  ];
  test("closes with 1011 where a handler throws, tells it, and serves on", async (server) => {
    for (const [path, message, error] of thrown) {
      const visit = server.visit(path);
      const connection = await visit.connect();
      if (message !== undefined) await connection.send(message);
      const info = await connection.closed;
      assertEquals([info.code, info.reason, info.wasClean], [1011, "", true], path);
      const report = await visit.report(({ closings }) => closings > 0);
      assertEquals([report.errors, report.closings], [[error], 1]);
    }
    const visit = server.visit("/throw/onClose");
    await (await visit.connect()).close();
    const report = await visit.report(({ errors }) => errors.length > 0);
    assertEquals(report.errors, ["Error: thrown in onClose"]);

    const connection = await server.visit("/throwing-function").connect();
    assertEquals((await connection.closed).code, 1011);
  });
};
