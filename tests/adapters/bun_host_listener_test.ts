import { BunHostListener } from "../../src/adapters/bun_host_listener.ts";
import { runtime } from "../harness.ts";
import { testHostListener } from "./host_listener_battery.ts";

const skip = runtime === "bun" ? undefined : "it needs Bun";

testHostListener("BunHostListener", (target) => new BunHostListener(target), skip);
