import { dial } from "../../src/adapters/bun_dial.ts";
import { runtime } from "../harness.ts";
import { dialBattery } from "./dial_battery.ts";

dialBattery("Bun's dial", dial, {
  skip: runtime === "bun" ? undefined : "dials by Bun's sockets",
  closesUnfinishedHandshakes: true,
});
