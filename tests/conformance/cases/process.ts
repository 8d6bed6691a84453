/** Cases of the process that serves: mistakes of the application, what is left behind, and its end. */

import { assertEquals, assertLess } from "@std/assert";
import { openFiles } from "../host_process.ts";
import { BINARY, TEXT } from "../raw_client.ts";
import { type Cases, PILE, ServedApp } from "../served_app.ts";

/** Connections opened in one round of the search for leaks, and how many at a time. */
const ROUND = 1000;
const AT_A_TIME = 100;

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

/**
 * Milliseconds that a shutdown and the end of a process may take: far more than the `closeTimeout` of the
 * connections, and less than those that are 10 s long by default.
 */
const SHUTDOWN_LIMIT = 8_000;

async function beforeLimit<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} takes too long`)), SHUTDOWN_LIMIT);
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Registers them. */
export const testProcess: Cases = (host, test) => {
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
    await beforeLimit("the shutdown", process.shutDown());
    const ends = await Promise.all(connections.map(({ closed }) => closed));
    for (const { code, wasClean } of ends) {
      assertEquals([code, wasClean], host.shutsDown ? [1001, true] : [1006, false]);
    }
    assertEquals(await beforeLimit("the end", process.exited), host.shutsDown ? 0 : null);
  });

  if (!host.shutsDown) return;
  test("shuts down within closeTimeout though clients do not read, answer or end TCP", async () => {
    await using process = await host.start();
    const server = new ServedApp(process);
    await using unread = await server.visit(`/impatient/pile/${PILE}`).openUnread();
    await using mute = await server.visit("/impatient").open();
    await using halfOpen = await server.visit("/impatient").open();
    for (const client of [mute, halfOpen]) client.holdOpen();
    const answered = halfOpen.nextClose().then((code) => {
      halfOpen.sendClose(1001);
      return code;
    });
    await beforeLimit("the shutdown", process.shutDown());
    assertEquals([await answered, await mute.nextClose()], [1001, 1001]);
    if (host.keptByUnread) {
      unread.resume();
      for (let i = 0; i < PILE; i++) assertEquals((await unread.nextData())?.opcode, BINARY);
      assertEquals(await unread.nextClose(), 1001);
      await unread[Symbol.asyncDispose]();
    }
    assertEquals(await beforeLimit("the end", process.exited), 0);
  });
};
