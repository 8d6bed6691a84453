import { assertEquals, assertStringIncludes } from "@std/assert";
import { connectWebSocket } from "../../mod.ts";
import { CLOSE, RawClient, TEXT } from "../conformance/raw_client.ts";
import { test } from "../harness.ts";
import { type RunningWorker, startWorker, workerdMissing } from "../tools/workerd.ts";

const skip = workerdMissing();
const WORKER = "tests/adapters/cloudflare_worker.ts";

/** What the runtime complains of: promises and sockets of other requests above all. */
const complaints = (worker: RunningWorker) =>
  worker.output().split("\n").filter((line) => line !== "" && !line.startsWith('{"event"'));

test("cloudflare.upgradeWebSocket serves handlers of a router, with groups", async () => {
  await using worker = await startWorker(WORKER);
  await using connection = await connectWebSocket(
    `ws://127.0.0.1:${worker.port}/handler/${encodeURIComponent("né e")}`,
  );
  assertEquals(await connection.receive(), "open né e");
  for (const message of ["text", "", "x".repeat(1_000_000), new Uint8Array(1_000_000).fill(7)]) {
    await connection.send(message);
    assertEquals(await connection.receive(), message);
  }
}, { skip });

test("cloudflare.upgradeWebSocket closes with 1011 where a handler throws", async () => {
  await using worker = await startWorker(WORKER);
  const { client } = await RawClient.open(worker, "/echo");
  await using _ = client;
  client.send(TEXT, "throw");
  assertEquals(await client.nextClose(), 1011);
  client.sendClose(1011);
  await client.untilEnd();
  await using next = await connectWebSocket(`ws://127.0.0.1:${worker.port}/echo`);
  await next.send("alive");
  assertEquals(await next.receive(), "alive");
  assertEquals(complaints(worker), []);
}, { skip });

test("cloudflare.upgradeWebSocket delivers what came before the handler reads", async () => {
  await using worker = await startWorker(WORKER);
  const { client } = await RawClient.open(worker, "/late");
  await using _ = client;
  for (let i = 0; i < 5; i++) client.send(TEXT, String(i));
  client.send(CLOSE, Uint8Array.of(3, 232));
  for (let i = 0; i < 5; i++) assertEquals(await client.nextText(), String(i));
  assertEquals(await client.nextClose(), 1000);
}, { skip });

// What a Worker does for a request may not be done during another one: timers and writes above all,
// which connections elsewhere may share. The older runtime is the stricter one with promises.
for (const compatibilityDate of ["2024-09-01", "2026-11-01"]) {
  test(
    `connections of many requests do not meet in a Worker, on ${compatibilityDate}`,
    async () => {
      await using worker = await startWorker(WORKER, {
        compatibilityDate,
        tcp: true,
        bindings: { INBOUND: "serve" },
      });
      const talk = async (port: number, route: string) => {
        await using connection = await connectWebSocket(`ws://127.0.0.1:${port}${route}`, {
          compression: true,
          idleTimeout: 5_000,
        });
        for (let i = 0; i < 8; i++) {
          const messages = Array.from({ length: 4 }, (_, k) => `${i} ${k} `.repeat(i * 100));
          for (const message of messages) void connection.send(message);
          for (const message of messages) assertEquals(await connection.receive(), message);
        }
        assertEquals((await connection.close()).wasClean, true);
      };
      const target = `ws://127.0.0.1:${worker.port}/echo`;
      const ask = async () => {
        const response = await fetch(`${worker.url}/connect?url=${encodeURIComponent(target)}`);
        assertEquals((await response.json()).echoes, [true, true, true, true]);
      };
      const ports = [worker.port, worker.tcpPort!];
      const times = (count: number, action: () => Promise<void>) =>
        Array.from({ length: count }, action);
      await Promise.all([
        ...ports.flatMap((port) => times(4, () => talk(port, "/iterate"))),
        ...ports.flatMap((port) => times(6, () => talk(port, "/late"))),
        ...times(4, ask),
      ]);
      assertEquals(complaints(worker), []);
    },
    { skip },
  );
}

for (const over of ["fetch", "TCP"]) {
  test(
    `a connection over ${over} is timed in a Worker though an earlier one has ended`,
    async () => {
      await using worker = await startWorker(WORKER, { tcp: true, bindings: { INBOUND: "serve" } });
      const port = over === "TCP" ? worker.tcpPort! : worker.port;
      const open = async (idleTimeout: number) => {
        const options = encodeURIComponent(JSON.stringify({ idleTimeout }));
        return (await RawClient.open({ port }, `/hoard?options=${options}`)).client;
      };
      const earlier = await open(60);
      await using later = await open(120);
      earlier.reset();
      assertEquals(await later.nextClose(), 1001);
    },
    { skip },
  );
}

test("a Worker that uses a connection of another request is told where it belongs", async () => {
  await using worker = await startWorker(WORKER);
  const { client } = await RawClient.open(worker, "/share");
  await using _ = client;
  for (const path of ["/send-to-shared", "/close-shared"]) {
    const response = await fetch(worker.url + path);
    assertStringIncludes(await response.text(), "belong in a Durable Object");
  }
}, { skip });
