import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pings } from "../../src/connection/pings.ts";
import { test } from "../harness.ts";
import { bytes } from "../protocol/frames.ts";
import { stateOf } from "./fake_transport.ts";

test("Pings resolves with the round trip", async () => {
  const pings = new Pings();
  const answered = pings.wait(bytes("a"), 100);
  pings.settle(bytes("a"), 130);
  assertEquals(await answered, 30);
});

test("Pings settles earlier pings with a later one's pong (RFC 6455 5.5.3)", async () => {
  const pings = new Pings();
  const all = [pings.wait(bytes("a"), 0), pings.wait(bytes("b"), 10), pings.wait(bytes("c"), 20)];
  pings.settle(bytes("b"), 50);
  assertEquals(await Promise.all(all.slice(0, 2)), [50, 40]);
  assertEquals(await stateOf(all[2]!), "pending");
  pings.settle(bytes("c"), 60);
  assertEquals(await all[2], 40);
});

test("Pings ignores a pong that answers none (RFC 6455 5.5.3)", async () => {
  const pings = new Pings();
  const waiting = pings.wait(bytes("a"), 0);
  for (const pong of ["", "b", "aa"]) pings.settle(bytes(pong), 1);
  assertEquals(await stateOf(waiting), "pending");
  pings.settle(bytes("a"), 2);
  assertEquals(await waiting, 2);
});

/** The milliseconds of the fastest of three runs: a machine that stands still spoils one of them. */
function fastest(prepare: () => () => void): number {
  const times = Array.from({ length: 3 }, () => {
    const run = prepare();
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

test("Pings finds one among very many, and takes no time for pongs that answer none", async () => {
  const pings = new Pings();
  const count = 20_000;
  const all = Array.from({ length: count }, () => pings.wait(pings.nextPayload(), 0));
  const wrong = Uint8Array.of(0, 0, 0xff, 0xff);
  const took = fastest(() => () => {
    for (let i = 0; i < count; i++) pings.settle(wrong, 1);
  });
  // Compared one by one, they would be 400 million comparisons.
  assert(took < 500, `${took} ms`);
  pings.settle(Uint8Array.of(0, 0, 0, 99), 2);
  assertEquals((await Promise.all(all.slice(0, 100))).at(-1), 2);
  assertEquals(await stateOf(all[100]!), "pending");
});

test("Pings that are answered one by one take no time for all the others", async () => {
  const pings = new Pings();
  const count = 20_000;
  const all: Promise<number>[] = [];
  const payloads = Array.from({ length: count }, () => pings.nextPayload());
  const took = fastest(() => {
    for (const payload of payloads) all.push(pings.wait(payload, 0));
    return () => {
      for (const payload of payloads) pings.settle(payload, 3);
    };
  });
  assert(took < 1_000, `${took} ms`);
  assertEquals(new Set(await Promise.all(all)), new Set([3]));
  pings.settle(payloads[0]!, 4);
});

test("Pings keeps a payload of its own", async () => {
  const pings = new Pings();
  const payload = bytes("a");
  const waiting = pings.wait(payload, 0);
  payload.fill(0);
  pings.settle(bytes("a"), 1);
  assertEquals(await waiting, 1);
});

test("Pings makes payloads that differ", () => {
  const pings = new Pings();
  const made = Array.from({ length: 1_000 }, () => pings.nextPayload().join());
  assertEquals(new Set(made).size, 1_000);
});

test("Pings rejects all that wait, once", async () => {
  const pings = new Pings();
  const waiting = [pings.wait(bytes("a"), 0), pings.wait(bytes("b"), 0)];
  pings.rejectAll(new RangeError("over"));
  for (const each of waiting) await assertRejects(() => each, RangeError, "over");
  pings.settle(bytes("b"), 1);
});

test("Pings remembers the latest of those that nobody waits for, and no other", async () => {
  const pings = new Pings();
  const waiting = pings.wait(bytes("a"), 0);
  for (let i = 0; i < 10; i++) pings.note(bytes(`own ${i}`));
  pings.settle(bytes("own 8"), 1);
  assertEquals(await stateOf(waiting), "pending");
  pings.settle(bytes("own 9"), 2);
  assertEquals(await waiting, 2);
  pings.note(bytes("own"));
  pings.rejectAll(new RangeError("over"));
});
