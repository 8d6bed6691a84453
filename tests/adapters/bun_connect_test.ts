import { connectWebSocket } from "../../src/adapters/bun_connect.ts";
import { runtime } from "../harness.ts";
import { connectBattery } from "./connect_battery.ts";

connectBattery(
  "Bun's connectWebSocket",
  connectWebSocket,
  runtime === "bun" ? undefined : "dials by Bun's sockets",
);
