import { serveTcp, upgradeWebSocket } from "../../src/adapters/deno.ts";
import { runtime } from "../harness.ts";
import { testHostilePeers } from "./hostile_peer_battery.ts";
import { testServeTcp } from "./serve_tcp_battery.ts";

const skip = runtime === "deno" ? undefined : "it needs Deno";

testServeTcp("deno", { serveTcp, upgradeWebSocket }, skip);
testHostilePeers("deno", { serveTcp, upgradeWebSocket }, skip);
