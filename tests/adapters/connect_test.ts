import { assertRejects } from "@std/assert";
import { connectWebSocket } from "../../src/adapters/connect.ts";
import { runtime, test } from "../harness.ts";
import { connectBattery } from "./connect_battery.ts";

connectBattery("connectWebSocket", connectWebSocket);

test("connectWebSocket asks for the option dial where the host has none", async () => {
  const Deno = Reflect.get(globalThis, "Deno");
  Reflect.deleteProperty(globalThis, "Deno");
  try {
    await assertRejects(() => connectWebSocket("ws://host/"), TypeError, "give the option dial");
  } finally {
    Reflect.defineProperty(globalThis, "Deno", { value: Deno, configurable: true, writable: true });
  }
}, { skip: runtime === "deno" ? undefined : "Bun's global cannot be taken away" });
