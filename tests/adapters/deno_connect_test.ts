import { connectWebSocket } from "../../src/adapters/deno_connect.ts";
import { runtime } from "../harness.ts";
import { connectBattery } from "./connect_battery.ts";

connectBattery(
  "Deno's connectWebSocket",
  connectWebSocket,
  runtime === "deno" ? undefined : "dials by Deno's sockets",
);
