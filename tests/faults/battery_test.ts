/**
 * The batteries over a network that delays, splits and merges: nothing changes. Under each runtime its
 * own host, since it takes a while.
 */

import { connectWebSocket } from "@gale/websocket";
import { testHost } from "../conformance/battery.ts";
import { testClient } from "../conformance/client_battery.ts";
import { CLIENT_CASES } from "../conformance/client_cases.ts";
import { BUN_TCP, DENO_TCP } from "../conformance/host_records.ts";
import { Random } from "../fuzz/random.ts";
import { runtime } from "../harness.ts";
import { Relay } from "./relay.ts";
import { relayed } from "./relayed_host.ts";

const SEED = 1;

testHost(relayed(runtime === "deno" ? DENO_TCP : BUN_TCP, SEED));

testClient({
  name: `${runtime === "deno" ? "Deno" : "Bun"} over a bad network`,
  missing: undefined,
  run: (index, targets) => CLIENT_CASES[index]!.run({ connectWebSocket, ...targets }),
}, (port) => Relay.start(port, (index) => ({ random: new Random(SEED + index) })));
