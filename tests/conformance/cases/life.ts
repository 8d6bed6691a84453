/** Cases of a connection's life: pings, silence, errors of the application, and of many connections. */

import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { openFiles } from "../host_process.ts";
import { PING, PONG, type RawClient, TEXT } from "../raw_client.ts";
import { type Cases, ServedApp } from "../served_app.ts";

/** Connections opened in one round of the search for leaks, and how many at a time. */
const ROUND = 1000;
const AT_A_TIME = 100;

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

/** One connection: used, and ended in one of several ways. */
async function comeAndGo(server: ServedApp, way: number): Promise<void> {
  if (way % 4 === 0) {
    await using connection = await server.visit("/echo").connect();
    await connection.send("hello");
    await connection.receive();
    return;
  }
  await using client = await server.visit("/echo").open();
  client.send(TEXT, "hello");
  await client.nextText();
  if (way % 4 === 1) client.reset();
  if (way % 4 === 2) {
    client.sendClose(1000);
    await client.untilEnd();
  }
}

async function comeAndGoInRounds(server: ServedApp): Promise<void> {
  for (let done = 0; done < ROUND; done += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => comeAndGo(server, i)));
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
      test("refuses to ping in intervals, which it cannot", async (server) => {
        const response = await server.visit("/keepalive").handshake();
        assertEquals(response.status, 500);
      });
  }

  test("closes with 1001 what nobody uses for idleTimeout", async (server) => {
    const visit = server.visit("/idle");
    const connection = await visit.connect();
    await connection.send("used");
    assertEquals(await connection.receive(), "used");
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

  const mistakes: [path: string, status: number][] = [
    ["/upgrade-and-answer", 200],
    ["/upgrade-and-throw", 500],
    ["/upgrade-and-reject", 500],
    ["/upgrade-twice", 500],
  ];
  // In a process of its own: what was upgraded and not returned lasts until a timeout.
  test("serves on where the application does not return the upgrade", async () => {
    await using process = await host.start();
    const server = new ServedApp(process);
    for (const [path, status] of mistakes) {
      if (status === 500 && !host.survivesRejections) continue;
      const response = await server.handshake(path);
      assertEquals(response.status, host.upgradesAtOnce ? 101 : status, path);
      await using connection = await server.visit("/echo").connect();
      await connection.send("still there?");
      assertEquals(await connection.receive(), "still there?", path);
    }
  });
  if (!host.survivesRejections) {
    test("ends where the application's promise rejects after the upgrade", async () => {
      await using process = await host.start();
      await new ServedApp(process).handshake("/upgrade-and-reject");
      assertEquals(await process.exited, 1);
    });
  }

  test("keeps nothing of 1,000 connections that came and went", async (server) => {
    await comeAndGo(server, 0); // what is made once is there then
    await server.stats(({ open }) => open === 0);
    const before = await server.stats();
    const files = openFiles(server.process.pid);
    await comeAndGoInRounds(server);
    const gone = ({ open, collected }: typeof before) =>
      open === 0 && (!host.collectsGarbage || collected - before.collected > 0.95 * ROUND);
    const after = await server.stats(gone);
    assertEquals(after.opened - before.opened, ROUND);
    assertLess(openFiles(server.process.pid), files + 20);
  }, { timeout: 60_000 });

  test("has written nothing of all that", (server) => {
    const lines = server.process.output().split("\n");
    assertEquals(lines.filter((line) => line !== "" && !host.writes?.test(line)), []);
    return Promise.resolve();
  });

  const end = host.shutsDown ? "closes with 1001" : "drops";
  test(`${end} what is open when it is shut down`, async () => {
    await using process = await host.start();
    const server = new ServedApp(process);
    const visits = Array.from({ length: 5 }, () => server.visit("/echo").connect());
    const connections = await Promise.all(visits);
    const exitCode = await process.stop();
    const ends = await Promise.all(connections.map(({ closed }) => closed));
    for (const { code, wasClean } of ends) {
      assertEquals([code, wasClean], host.shutsDown ? [1001, true] : [1006, false]);
    }
    assertEquals(exitCode, host.shutsDown ? 0 : null);
  });
};
