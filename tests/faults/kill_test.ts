/** The peer is killed at every byte of a session, opening handshake and all, on either side. */

import { assert, assertEquals } from "@std/assert";
import { connectBy } from "../../src/client.ts";
import { ByteServer } from "../../src/server/byte_server.ts";
import { resolveServeOptions } from "../../src/server/serve_options.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import type { Message } from "../../src/types.ts";
import { Random } from "../fuzz/random.ts";
import { test } from "../harness.ts";
import { type Faults, FaultyNetwork, JumpingClock, type Kill, KILLS } from "./faulty_network.ts";
import { drive, nextTurn, optionsWith, Session } from "./session.ts";

const MESSAGES: readonly Message[] = ["hello", new Uint8Array(130).fill(7), "", "é".repeat(40)];

/** What came of one session. */
interface Outcome {
  readonly network: FaultyNetwork;
  readonly session: Session;
  /** Whether the client got its connection. */
  readonly opened: boolean;
}

async function runSession(kill: Kill | undefined, compression: boolean): Promise<Outcome> {
  const clock = new JumpingClock();
  const small = kill !== undefined && isInPieces(kill.after);
  const faults: Faults = { maxPiece: small ? 40 : 1 << 16, capacity: 1 << 16, stalls: 0, kill };
  const network = new FaultyNetwork(faults, new Random(1), clock);
  const session = new Session({ messages: MESSAGES, pings: true });
  const { ledger } = session;
  const agreed = compression ? { threshold: 0 } : false;

  const server = new ByteServer(
    (request) => {
      const { response, connection } = upgradeRaw(request, {
        ...optionsWith(clock),
        compression: agreed,
      })!;
      if (connection !== undefined) session.runServer(connection);
      return response;
    },
    {
      secure: false,
      ...resolveServeOptions({ clock, handshakeTimeout: 2_000, shutdownTimeout: 1_000 }),
    },
  );
  server.accept(network.ends[1]);

  let opened = false;
  void ledger.track(
    "connect",
    connectBy(() => Promise.resolve(network.ends[0]), "ws://localhost/", {
      ...optionsWith(clock),
      compression: agreed,
      connectTimeout: 2_000,
    }).then((connection) => {
      opened = true;
      session.runClient(connection);
    }, (error) => {
      assert(error instanceof WebSocketHandshakeError, String(error));
    }),
  );
  await drive({ network, clock, ledger, turn: nextTurn });
  void ledger.track("shutdown", server.shutdown());
  await drive({ network, clock, ledger, turn: nextTurn });
  session.check(network, clock);
  return { network, session, opened };
}

/** Whether a session that is killed there arrives in small pieces, heads and frames alike. */
function isInPieces(after: number): boolean {
  return after % 4 === 3;
}

for (const compression of [false, true]) {
  const title = compression ? "with compression" : "without compression";
  test(`Whoever is killed at whichever byte, the other side ends in order, ${title}`, async () => {
    const whole = await runSession(undefined, compression);
    assert(whole.opened);
    whole.session.checkWhole();

    const ends: Record<string, number> = {};
    for (const end of [0, 1] as const) {
      const total = whole.network.ends[end].delivered;
      const received = new Map<string, number>();
      for (let after = 0; after <= total; after++) {
        for (const how of KILLS) {
          try {
            const { opened, session } = await runSession({ end, after, how }, compression);
            // What has arrived is delivered: the later the end, the more, with pieces of the same
            // size, on which the order of pongs and echoes depends. Only a reset may come before the
            // handshake is judged, and so hide what came behind it.
            const count = (end === 0 ? session.client : session.server).received.length;
            const kind = `${how} ${isInPieces(after)}`;
            const enough = how === "reset" || count >= (received.get(kind) ?? 0);
            assert(enough, "less is delivered than one byte before");
            received.set(kind, count);
            const clean = session.client.info?.wasClean === true;
            ends[!opened ? "refused" : clean ? "clean" : "cut"] ??= 0;
            ends[!opened ? "refused" : clean ? "clean" : "cut"]!++;
          } catch (error) {
            throw new Error(`${how} after ${after} bytes to end ${end}`, { cause: error });
          }
        }
      }
    }
    // All three do occur: the session is killed before, within and behind its messages.
    assertEquals(Object.keys(ends).sort(), ["clean", "cut", "refused"]);
  });
}
