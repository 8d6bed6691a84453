/** A short soak in one process; `deno task soak` does more, for longer, and looks at memory. */

import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { runClients } from "./clients.ts";
import { growthOf } from "./memory.ts";
import { compareCounts } from "./main.ts";
import { PATIENCE, startSoakServer } from "./server.ts";

const CONNECTIONS = 40;

test(
  "Connections that do all they can for two seconds lose nothing and leave nothing open",
  async () => {
    const { tcp, tally } = await startSoakServer();
    const url = `ws://127.0.0.1:${tcp.addr.port}/`;
    const clients = await runClients({ url, connections: CONNECTIONS, seconds: 2, seed: 7 });
    await tcp.shutdown();
    assertEquals(compareCounts(clients, tally), []);
    // However busy the machine is: every connection has one session.
    assert(clients.sessions >= CONNECTIONS, `${clients.sessions} sessions`);
    assert(clients.clean > 0 && clients.cut > 0, `${clients.clean} clean, ${clients.cut} cut`);
    assert(clients.pings > 0);
  },
  { timeout: 3 * PATIENCE },
);

test("compareCounts and growthOf see what is amiss", () => {
  const client = {
    sessions: 2,
    clean: 1,
    cut: 1,
    sent: 5,
    received: 4,
    unanswered: 1,
    pings: 0,
  };
  const server = {
    opened: 2,
    closed: 2,
    received: 5,
    echoed: 5,
    unanswered: 0,
    errors: [] as string[],
  };
  assertEquals(compareCounts(client, server), []);
  for (
    const [changed, what] of [
      [{ ...server, closed: 1 }, "opened and closed"],
      [{ ...server, opened: 3, closed: 3 }, "connections of the server"],
      [{ ...server, received: 6 }, "in and out of the server"],
      [{ ...server, echoed: 3, unanswered: 2 }, "received by the clients"],
      [{ ...server, errors: ["x"] }, "error of the server: x"],
    ] as [typeof server, string][]
  ) {
    const problems = compareCounts(client, changed);
    assert(problems.some((problem) => problem.includes(what)), `${what}: ${problems}`);
  }
  const mebibyte = 1 << 20;
  const before = { heap: 20 * mebibyte, resident: 100 * mebibyte };
  assertEquals(growthOf(before, { heap: 30 * mebibyte, resident: 150 * mebibyte }), undefined);
  assert(growthOf(before, { heap: 40 * mebibyte, resident: 100 * mebibyte }) !== undefined);
  assert(growthOf(before, { heap: 20 * mebibyte, resident: 300 * mebibyte }) !== undefined);
});
