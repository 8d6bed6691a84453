import { assert, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { withOwnClock } from "../../src/adapters/cloudflare_clock.ts";
import { ManualClock } from "../../src/testing.ts";
import type { ConnectionOptions } from "../../src/types.ts";
import { test } from "../harness.ts";

test("withOwnClock gives each connection another clock, which runs", async () => {
  const options: ConnectionOptions = { maxMessageSize: 1 };
  const { clock, maxMessageSize } = withOwnClock(options);
  assertNotStrictEquals(clock, withOwnClock(options).clock);
  assertStrictEquals(maxMessageSize, 1);
  const before = clock!.now();
  await new Promise<void>((resolve) => clock!.setTimeout(resolve, 5));
  assert(clock!.now() > before);
});

test("withOwnClock keeps the clock of the options", () => {
  const options = { clock: new ManualClock() };
  assertStrictEquals(withOwnClock(options), options);
});
