import { connectWebSocket } from "@gale/websocket";
import { runtime } from "../harness.ts";
import { testClient } from "./client_battery.ts";
import { CLIENT_CASES } from "./client_cases.ts";

testClient({
  name: runtime === "deno" ? "Deno" : "Bun",
  missing: undefined,
  run: (index, targets) => CLIENT_CASES[index]!.run({ connectWebSocket, ...targets }),
});
