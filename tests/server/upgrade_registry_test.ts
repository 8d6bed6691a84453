import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { UpgradeOptions, UpgradeResult } from "../../src/server/upgrade.ts";
import { registerUpgrader, retireRequest, upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { test } from "../harness.ts";

/** A request that is known, and the options that its upgrader was called with. */
function register() {
  const request = new Request("http://example.com/ws");
  const result = { response: new Response(), connection: undefined, request };
  const calls: UpgradeOptions<unknown>[] = [];
  registerUpgrader(request, <Data>(options: UpgradeOptions<Data>): UpgradeResult<Data> => {
    calls.push(options);
    return result;
  });
  return { request, result, calls };
}

test("upgradeRaw has the request upgraded by who registered it", () => {
  const { request, result, calls } = register();
  register();
  assertStrictEquals(upgradeRaw(request, { subprotocols: ["a"] }), result);
  upgradeRaw(request);
  assertEquals(calls, [{ subprotocols: ["a"] }, {}]);
});

test("upgradeRaw does not know a request that came another way, or a copy", () => {
  assertEquals(upgradeRaw(new Request("http://example.com/")), undefined);
  assertEquals(upgradeRaw(new Request(register().request)), undefined);
});

test("upgradeRaw refuses a request that has been answered", () => {
  const { request } = register();
  retireRequest(request);
  assertThrows(() => upgradeRaw(request), TypeError, "it has been answered already");
});
