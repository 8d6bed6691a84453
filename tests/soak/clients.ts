/** The clients of a soak: sessions of all kinds, one after the other on many connections at once. */

import { assert, assertEquals } from "@std/assert";
import { connectWebSocket } from "../../mod.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import type { Message } from "../../src/types.ts";
import { Random } from "../fuzz/random.ts";
import { PATIENCE, PATIENT, REQUESTS } from "./server.ts";

/** How a session ends. */
const ENDS = ["close", "close", "asked", "abort", "aborted"] as const;

/** What the clients have seen, all together. */
export interface ClientTally {
  sessions: number;
  clean: number;
  cut: number;
  sent: number;
  received: number;
  /** Messages sent in sessions that were cut, and not answered before. */
  unanswered: number;
  pings: number;
}

/** How much is done. */
export interface ClientPlan {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly seed: number;
}

const SMALL = [0, 1, 16, 125, 126, 300, 1_000, 4_096];
const LARGE = [20_000, 65_535, 65_536, 200_000];

/** Made once, since it costs more than sending them. */
interface Messages {
  readonly small: readonly Message[];
  readonly large: readonly Message[];
}

function createMessages(random: Random): Messages {
  const create = (sizes: readonly number[]): Message[] =>
    sizes.flatMap((size) => [random.text(size), random.data(size), random.data(size)]);
  return { small: create(SMALL), large: create(LARGE) };
}

/** Runs sessions until the time is over; throws where one went wrong. */
export async function runClients(plan: ClientPlan): Promise<ClientTally> {
  const tally = { sessions: 0, clean: 0, cut: 0, sent: 0, received: 0, unanswered: 0, pings: 0 };
  const messages = createMessages(new Random(plan.seed));
  const end = performance.now() + plan.seconds * 1000;
  let failed = false;
  await Promise.all(Array.from({ length: plan.connections }, async (_, slot) => {
    const random = new Random(plan.seed * 100_000 + slot);
    while (performance.now() < end && !failed) {
      try {
        await runSession(plan.url, messages, random, tally);
      } catch (error) {
        failed = true;
        throw new Error(`Connection ${slot} with seed ${plan.seed}`, { cause: error });
      }
    }
  }));
  return tally;
}

async function runSession(
  url: string,
  messages: Messages,
  random: Random,
  tally: ClientTally,
): Promise<void> {
  const connection = await connectWebSocket(url, {
    compression: random.pick([
      false,
      true,
      { level: 1, threshold: 0 },
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    ]),
    receiveHighWaterMark: random.pick([262_144, 10_000]),
    ...PATIENT,
    connectTimeout: PATIENCE,
  });
  tally.sessions++;
  const planned = Array.from(
    { length: random.between(1, 20) },
    () => random.pick(random.chance(20) ? messages.large : messages.small),
  );
  const end = random.pick(ENDS);
  const answers = end === "abort" ? random.below(planned.length) : planned.length;
  const sending = send(connection, planned, random.chance(3) ? random : undefined);

  for (let i = 0; i < answers; i++) {
    const message = await connection.receive();
    if (message === null || !isSame(message, planned[i]!)) {
      throw new Error(`Message ${i} of ${planned.length} came back as ${describe(message)}`);
    }
    tally.received++;
  }
  const info = await endSession(connection, end);
  const { sent, pings } = await sending;
  tally.sent += sent;
  tally.pings += pings;
  if (end === "abort") tally.unanswered += sent - answers;
  else assertEquals(sent, planned.length);
  const clean = end === "close" || end === "asked";
  if (info.wasClean !== clean) {
    throw new Error(`The end by "${end}" was not as it should be: ${info.code}`, {
      cause: info.error,
    });
  }
  if (clean) assertEquals(info.code, end === "close" ? 4_000 : 4_001);
  else assert(info.code === 1006, `code ${info.code}`);
  tally[clean ? "clean" : "cut"]++;
}

/** Sends all messages, with pings between where there is chance; an abort may stop it. */
async function send(
  connection: WebSocketConnection,
  messages: readonly Message[],
  random: Random | undefined,
): Promise<{ readonly sent: number; readonly pings: number }> {
  let sent = 0;
  const pings: Promise<boolean>[] = [];
  try {
    for (const message of messages) {
      if (random?.chance(3)) pings.push(connection.ping().then(() => true, () => false));
      await connection.send(message);
      sent++;
    }
  } catch (error) {
    if (!(error instanceof WebSocketClosedError)) throw error;
  }
  return { sent, pings: (await Promise.all(pings)).filter(Boolean).length };
}

async function endSession(connection: WebSocketConnection, end: typeof ENDS[number]) {
  switch (end) {
    case "close":
      return await connection.close(4_000, "done");
    case "abort":
      connection.abort();
      return await connection.closed;
    default:
      await connection.send(end === "asked" ? REQUESTS.close : REQUESTS.abort);
      assertEquals(await connection.receive(), null);
      return await connection.closed;
  }
}

function isSame(a: Message, b: Message): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

function describe(message: Message | null): string {
  if (message === null) return "nothing";
  return `${message.length} ${typeof message === "string" ? "characters" : "bytes"}`;
}
