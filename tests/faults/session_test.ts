/** Sessions of our client and our server over a bad network, by seeds. */

import { assert } from "@std/assert";
import { connectionOver, type WebSocketConnection } from "../../src/connection/connection.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ProtocolLink } from "../../src/connection/protocol_link.ts";
import { StreamTransport } from "../../src/connection/stream_transport.ts";
import type { ByteTransport } from "../../src/connection/transport.ts";
import type { PermessageDeflateInit } from "../../src/extensions/permessage_deflate.ts";
import type { Message } from "../../src/types.ts";
import { Random } from "../fuzz/random.ts";
import { test } from "../harness.ts";
import { type Faults, FaultyNetwork, JumpingClock, KILLS } from "./faulty_network.ts";
import { drive, optionsWith, Session } from "./session.ts";
import { toByteStream } from "./streams.ts";

const COMPRESSION: PermessageDeflateInit = {
  level: 1,
  threshold: 0,
  parameters: {
    serverNoContextTakeover: false,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 10,
  },
};

/** Stalls are no reason to give a connection up where nothing is killed. */
const UNHURRIED = { pingInterval: 0, closeTimeout: 1_000_000 } as const;

/** How one session is set up. */
interface Setup {
  readonly faults: Faults;
  readonly compression: PermessageDeflateInit | undefined;
  readonly messages: readonly Message[];
  readonly pings: boolean;
  /** Small, so that reading stops now and then. */
  readonly receiveHighWaterMark: number;
  readonly sendHighWaterMark: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
  /** Whether the transports are used by way of Web streams. */
  readonly streams: boolean;
}

function randomSetup(random: Random, mayKill: boolean): Setup {
  const messages = Array.from({ length: random.below(12) }, () => {
    const size = random.pick([0, 5, 125, 126, random.below(2_000), random.below(2_000)]);
    return random.chance(2) ? random.text(size) : random.data(size);
  });
  const total = 100 + messages.reduce((sum, message) => sum + message.length + 8, 0);
  const receiveHighWaterMark = random.pick([262_144, 1_000, 0]);
  return {
    faults: {
      maxPiece: random.pick([1 << 20, 1 << 20, 1_000, 60, 7]),
      capacity: random.pick([65_536, 4_096, 100, 7]),
      stalls: random.pick([0, 0, 10, 50]),
      kill: mayKill
        ? { end: random.pick([0, 1]), after: random.below(total), how: random.pick(KILLS) }
        : undefined,
    },
    compression: random.chance(2) ? COMPRESSION : undefined,
    messages,
    pings: random.chance(2),
    receiveHighWaterMark,
    sendHighWaterMark: random.pick([65_536, 200, 0]),
    idleTimeout: random.chance(2) ? 3_000 : 0,
    streams: random.chance(4),
  };
}

async function runSession(seed: number, mayKill: boolean): Promise<FaultyNetwork> {
  const random = new Random(seed);
  const given = randomSetup(random, mayKill);
  const setup = mayKill ? given : { ...given, idleTimeout: 0 };
  const clock = new JumpingClock();
  const network = new FaultyNetwork(setup.faults, random, clock);
  const session = new Session(setup);
  const open = (role: "client" | "server", end: ByteTransport): WebSocketConnection => {
    const options = {
      ...(mayKill ? optionsWith(clock) : { ...UNHURRIED, clock }),
      receiveHighWaterMark: setup.receiveHighWaterMark,
      sendHighWaterMark: setup.sendHighWaterMark,
      idleTimeout: setup.idleTimeout,
    };
    const resolved = resolveConnectionOptions(options);
    const { compression } = setup;
    const link = new ProtocolLink(
      { role, url: "ws://localhost/", protocol: "", extensions: "", compression },
      resolved,
    );
    const connection = connectionOver(link, resolved, {});
    link.open(setup.streams ? new StreamTransport(toByteStream(end)) : end);
    return connection;
  };
  session.runServer(open("server", network.ends[1]));
  session.runClient(open("client", network.ends[0]));
  try {
    await drive({ network, clock, ledger: session.ledger });
    session.check(network, clock);
    if (!mayKill) session.checkWhole();
  } catch (error) {
    throw new Error(`seed ${seed}, killed: ${network.killed}`, { cause: error });
  }
  return network;
}

test("Nothing is lost, doubled or reordered over a network that delays, splits, merges and stalls", async () => {
  for (let seed = 0; seed < 100; seed++) {
    const network = await runSession(seed, false);
    assert(!network.killed);
  }
});

test("Nothing hangs, is lost in silence or left open where the network is cut, halved or silent", async () => {
  let killed = 0;
  for (let seed = 1_000; seed < 1_200; seed++) {
    if ((await runSession(seed, true)).killed) killed++;
  }
  assert(killed > 100, `only ${killed} were killed`);
});
