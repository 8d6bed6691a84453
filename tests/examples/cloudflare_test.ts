/** The example for Cloudflare Workers, in workerd. */

import { assertEquals, assertMatch } from "@std/assert";
import { connectWebSocket, type WebSocketConnection } from "@gale/websocket";
import { test } from "../harness.ts";
import { type RunningWorker, startWorker, workerdMissing } from "../tools/workerd.ts";

const skip = workerdMissing();

function start(): Promise<RunningWorker> {
  return startWorker("examples/cloudflare.ts", { durableObjects: { ROOMS: "Room" } });
}

/** The next messages of a connection. */
async function next(connection: WebSocketConnection, count: number): Promise<unknown[]> {
  const messages = [];
  for (let i = 0; i < count; i++) messages.push(await connection.receive());
  return messages;
}

test("cloudflare.ts echoes, and says where to connect", async () => {
  await using worker = await start();
  const page = await fetch(worker.url);
  assertEquals(page.status, 404);
  assertMatch(await page.text(), /^Connect to \/echo/);
  await using connection = await connectWebSocket(`${worker.url.replace("http", "ws")}/echo`);
  for (const message of ["", "Grüße 🌊", new Uint8Array(0), Uint8Array.of(0, 1, 255)]) {
    await connection.send(message);
    assertEquals(await connection.receive(), message);
  }
}, { skip });

test("cloudflare.ts lets members of a room, a Durable Object, talk to each other", async () => {
  await using worker = await start();
  const enter = (room: string, name: string) =>
    connectWebSocket(`ws://127.0.0.1:${worker.port}/chat/${room}?name=${name}`, {
      compression: true,
    });
  const ada = await enter("tea", "Ada");
  assertEquals(await next(ada, 1), ["Ada has joined"]);
  const bob = await enter("tea", "Bob");
  const eve = await enter("gin", "Eve");
  await bob.send("hello");
  assertEquals(await next(ada, 2), ["Bob has joined", "Bob: hello"]);
  assertEquals(await next(bob, 2), ["Bob has joined", "Bob: hello"]);
  assertEquals((await bob.close(4000, "bye")).wasClean, true);
  assertEquals(await next(ada, 1), ["Bob has left"]);
  assertEquals(await next(eve, 1), ["Eve has joined"]);
  const mallory = await enter("tea", "Mallory");
  await mallory.send(Uint8Array.of(1, 2, 3));
  assertEquals(await next(ada, 2), ["Mallory has joined", "Mallory has left"]);
  assertEquals((await mallory.closed).code, 1003);
  for (const connection of [ada, eve]) {
    assertEquals(await connection.close(), { code: 1000, reason: "", wasClean: true });
  }
  assertEquals(worker.output().split("\n").filter((line) => !line.startsWith('{"event"')), [""]);
}, { skip });
