/**
 * The battery over a network that resets, drops, half-closes and stalls its connections, all cases at
 * once. Any of them may fail, but none may hang, no message may arrive changed, and the host has to be
 * as it was before. Those whose connections are not broken meanwhile notice nothing of it.
 */

import { assert, assertEquals } from "@std/assert";
import type { Message } from "@gale/websocket";
import { CONNECTION_CASES } from "../conformance/battery.ts";
import { BUN_SERVE, BUN_TCP, DENO_SERVE, DENO_TCP } from "../conformance/host_records.ts";
import { type Host, openFiles } from "../conformance/host_process.ts";
import { type HostTest, type Route, ServedApp } from "../conformance/served_app.ts";
import { runtime, test } from "../harness.ts";
import { startRelay } from "./relayed_host.ts";

const SEEDS = [1, 1_000];

/** All short, so that nobody waits for long for what does not come. Milliseconds. */
const ROUTE: Route = {
  patience: 1_000,
  connectOptions: {
    maxMessageSize: 1 << 25,
    connectTimeout: 1_000,
    closeTimeout: 500,
    pingInterval: 250,
    pingTimeout: 500,
  },
};

/** What has not settled after so many milliseconds hangs: far more than a case's waits come to. */
const HANGS = 30_000;

/** Sessions besides the cases, whose messages are compared one by one. */
const SESSIONS = 40;

/** Sessions with the same host at the same time that nothing breaks. */
const NEIGHBOURS = 10;

/** A case, or a session. */
interface Attempt {
  readonly name: string;
  readonly run: (server: ServedApp) => Promise<void>;
}

function casesOf(host: Host): Attempt[] {
  const attempts: Attempt[] = [];
  const collect: HostTest = (name, run, options) => {
    if (options?.skip === undefined) attempts.push({ name, run });
  };
  for (const register of CONNECTION_CASES) register(host, collect);
  return attempts;
}

/** A message was changed, lost, doubled, or put out of order. */
class Damage extends Error {}

const MESSAGES: readonly Message[] = Array.from({ length: 30 }, (_, i) => {
  const text = `${i}`.repeat(1 + (i * i * 7) % 900);
  return i % 3 === 0 ? new TextEncoder().encode(text) : text;
});

/** Sends messages that come back, and closes behind the last. */
async function converse(server: ServedApp, path: string): Promise<void> {
  const connection = await server.visit(path).connect({ compression: true });
  const sending = Promise.all(MESSAGES.map((message) => connection.send(message)));
  sending.catch(() => {}); // they end as the connection does
  let received = 0;
  for (let message; (message = await connection.receive()) !== null; received++) {
    const sent = MESSAGES[received];
    if (sent === undefined || typeof message !== typeof sent || String(message) !== String(sent)) {
      throw new Damage(`message ${received} came back as another`);
    }
    if (received === MESSAGES.length - 1) void connection.close(4_000).catch(() => {});
  }
  const { code, wasClean } = await connection.closed;
  if (wasClean && (code !== 4_000 || received < MESSAGES.length)) {
    throw new Damage(`a clean end, by ${code}, behind ${received} messages`);
  }
  if (!wasClean) throw new Error("cut off");
}

const sessions: readonly Attempt[] = Array.from({ length: SESSIONS }, (_, i) => ({
  name: `session ${i}`,
  run: (server: ServedApp) => converse(server, i % 2 === 0 ? "/echo" : "/compressed"),
}));

/** Runs an attempt to its end, whichever; rejects where it comes to none, or with damage. */
async function outcomeOf({ name, run }: Attempt, server: ServedApp): Promise<"passed" | "failed"> {
  const { promise: hanging, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`hangs: ${name}`)), HANGS);
  const outcome = run(server).then(
    () => "passed" as const,
    (error) => {
      if (error instanceof Damage) throw new Error(name, { cause: error });
      return "failed" as const;
    },
  );
  return await Promise.race([outcome, hanging]).finally(() => clearTimeout(timer));
}

async function breakConnections(host: Host): Promise<void> {
  await using process = await host.start();
  const direct = new ServedApp(process);
  await converse(direct, "/echo"); // what is made once is there then
  const files = openFiles(process.pid);
  const attempts = [...casesOf(host), ...sessions];
  for (const seed of SEEDS) {
    const server = await (async () => {
      await using relay = await startRelay(process.port, { seed, breaks: true });
      const server = new ServedApp(process, { ...ROUTE, port: relay.port });
      const [outcomes] = await Promise.all([
        Promise.all(attempts.map((attempt) => outcomeOf(attempt, server))),
        ...sessions.slice(0, NEIGHBOURS).map(({ run }) => run(direct)),
      ]);
      assert(outcomes.includes("failed"), `seed ${seed} breaks nothing`);
      assert(outcomes.includes("passed"), `seed ${seed} lets nothing through`);
      return server;
    })();
    await server.letGo();
    await direct.stats(({ open }) => open === 0);
    const left = () => openFiles(process.pid) - files;
    await direct.poll(left, (count) => count < 5, "files of the host");
  }
  await converse(direct, "/echo");
  await direct.letGo();
  const lines = process.output().split("\n");
  assertEquals(lines.filter((line) => line !== "" && !host.writes?.test(line)), []);
  // Not its end as well: timers of Deno's for clients that vanished keep the process for half a minute.
  await process.shutDown();
}

const hosts = runtime === "deno" ? [DENO_TCP, DENO_SERVE] : [BUN_TCP, BUN_SERVE];

for (const host of hosts) {
  test(
    `${host.name} keeps nothing of connections that are reset, dropped, halved or stalled`,
    () => breakConnections(host),
    { skip: host.missing, timeout: 120_000 },
  );
}
