import { serveTcp, upgradeWebSocket } from "../../src/adapters/bun.ts";
import { runtime } from "../harness.ts";
import { testHostilePeers } from "./hostile_peer_battery.ts";
import { testServeTcp } from "./serve_tcp_battery.ts";

const skip = runtime === "bun" ? undefined : "it needs Bun";

testServeTcp("bun", { serveTcp, upgradeWebSocket }, skip);
testHostilePeers("bun", { serveTcp, upgradeWebSocket }, skip);
