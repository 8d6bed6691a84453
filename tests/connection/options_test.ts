import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { systemClock } from "../../src/connection/clock.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { ManualClock } from "../../src/testing.ts";
import type { ConnectionOptions } from "../../src/types.ts";
import { test } from "../harness.ts";

test("resolveConnectionOptions fills in defaults, every limit of them finite", () => {
  assertEquals(resolveConnectionOptions({}), {
    maxMessageSize: 10 * 1024 * 1024,
    maxFragments: 131_072,
    receiveHighWaterMark: 256 * 1024,
    receiveLowWaterMark: 64 * 1024,
    sendHighWaterMark: 64 * 1024,
    sendLowWaterMark: 16 * 1024,
    maxBufferedAmount: Infinity,
    maxQueuedAmount: 16 * 1024 * 1024,
    pingInterval: 30_000,
    pingTimeout: 30_000,
    idleTimeout: 0,
    closeTimeout: 10_000,
    clock: systemClock,
  });
});

test("resolveConnectionOptions takes what is given", () => {
  const given = {
    maxMessageSize: 0,
    maxFragments: 1,
    receiveHighWaterMark: 10,
    receiveLowWaterMark: 10,
    sendHighWaterMark: 0,
    sendLowWaterMark: 0,
    maxBufferedAmount: 0,
    maxQueuedAmount: 0,
    pingInterval: 0,
    pingTimeout: 0,
    idleTimeout: 2 ** 31 - 1,
    closeTimeout: 1,
    clock: new ManualClock(),
  };
  assertEquals(resolveConnectionOptions(given), given);
  assertStrictEquals(resolveConnectionOptions(given).clock, given.clock);
});

test("resolveConnectionOptions takes each option where it is the only one given", () => {
  const defaults = resolveConnectionOptions({});
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const value = name === "clock" ? new ManualClock() : 1;
    const options = { [name]: value } as ConnectionOptions;
    assertEquals(resolveConnectionOptions(options)[name], value, name);
  }
});

test("resolveConnectionOptions derives low-water marks from the high ones", () => {
  const options = resolveConnectionOptions({ receiveHighWaterMark: 101, sendHighWaterMark: 3 });
  assertEquals([options.receiveLowWaterMark, options.sendLowWaterMark], [25, 0]);
});

const names = [
  ...["maxMessageSize", "maxFragments", "receiveHighWaterMark", "receiveLowWaterMark"],
  ...["sendHighWaterMark", "sendLowWaterMark", "maxQueuedAmount"],
  ...["pingInterval", "pingTimeout", "idleTimeout", "closeTimeout"],
] as const;

test("resolveConnectionOptions refuses what is no count, naming the option", () => {
  for (const name of names) {
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, "1"] as unknown as number[]) {
      const options = { [name]: value } as ConnectionOptions;
      assertThrows(() => resolveConnectionOptions(options), RangeError, name);
    }
  }
});

test("resolveConnectionOptions refuses what timers cannot do, and low marks above high ones", () => {
  for (
    const options of [
      { pingInterval: 2 ** 31 },
      { closeTimeout: 2 ** 31 },
      { maxFragments: 0 },
      { receiveHighWaterMark: 10, receiveLowWaterMark: 11 },
      { sendHighWaterMark: 10, sendLowWaterMark: 11 },
    ]
  ) assertThrows(() => resolveConnectionOptions(options), RangeError);
});

test("resolveConnectionOptions keeps sendHighWaterMark within maxBufferedAmount", () => {
  assertEquals(
    resolveConnectionOptions({ maxBufferedAmount: Infinity }).maxBufferedAmount,
    Infinity,
  );
  assertEquals(resolveConnectionOptions({ maxBufferedAmount: 100 }).sendHighWaterMark, 100);
  const crossed = { maxBufferedAmount: 100, sendHighWaterMark: 101 };
  assertThrows(() => resolveConnectionOptions(crossed), RangeError, "sendHighWaterMark");
  for (const maxBufferedAmount of [-1, 0.5, NaN]) {
    assertThrows(() => resolveConnectionOptions({ maxBufferedAmount }), RangeError, "maxBuffered");
  }
});
