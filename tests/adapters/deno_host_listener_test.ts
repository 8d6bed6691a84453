import { DenoHostListener } from "../../src/adapters/deno_host_listener.ts";
import { runtime } from "../harness.ts";
import { testHostListener } from "./host_listener_battery.ts";

const skip = runtime === "deno" ? undefined : "it needs Deno";

testHostListener("DenoHostListener", (target) => new DenoHostListener(target), skip);
