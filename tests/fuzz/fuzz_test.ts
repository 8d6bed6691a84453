/** A short run of each fuzzer, always the same; `deno task fuzz` runs them for longer. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "../harness.ts";
import { describeFailure, type Fuzzer, runCase, Settings, shrink } from "./fuzzer.ts";
import { fuzzers } from "./fuzzers.ts";

/** Cases of each, as many as run in about half a second. */
const CASES: Readonly<Record<string, number>> = {
  frame: 200,
  utf8: 1_500,
  close: 5_000,
  headers: 5_000,
  heads: 4_000,
  bodies: 400,
  responses: 120,
  negotiation: 4_000,
  handshake: 2_000,
  inflate: 200,
  deflate: 100,
  "round-trip": 60,
  protocol: 250,
};

for (const fuzzer of fuzzers) {
  test(`The fuzzer "${fuzzer.name}" finds nothing`, async () => {
    const cases = CASES[fuzzer.name];
    assert(cases !== undefined, "its number of cases is missing");
    for (let seed = 0; seed < cases; seed++) {
      const failure = await runCase(fuzzer, seed);
      if (failure !== undefined) throw new Error(describeFailure(failure));
    }
  });
}

/** A check that fails on any input with a 7 behind a 3. */
const faulty: Fuzzer = {
  name: "faulty",
  generate: (random) => random.bytes(60).fill(3, 20, 25).fill(7, 40, 45),
  check(input) {
    const at = input.indexOf(3);
    if (at !== -1 && input.includes(7, at)) throw new Error("a 7 behind a 3");
  },
};

test("A failure tells its seed, and an input without anything that does not matter", async () => {
  const failure = (await runCase(faulty, 5))!;
  assertEquals(failure.input, Uint8Array.of(3, 7));
  const description = describeFailure(failure);
  for (const part of ["--only faulty --seed 5", "2 bytes: 03 07", "a 7 behind a 3"]) {
    assert(description.includes(part), description);
  }
  assertThrows(() => faulty.check(failure.input), Error, "a 7 behind a 3");
});

test("shrink sets to zero what it cannot leave out", async () => {
  const input = Uint8Array.from({ length: 30 }, (_, i) => i + 1);
  const shrunk = await shrink(input, (bytes) => bytes.length >= 3 && bytes.includes(9));
  assertEquals(shrunk.toSorted(), Uint8Array.of(0, 0, 9));
});

test("Settings read zeros behind the end of an input", () => {
  const settings = new Settings(Uint8Array.of(1, 2));
  assertEquals([settings.byte(), settings.word(), settings.pick(["a", "b"])], [1, 0x200, "a"]);
  assertEquals([settings.more, settings.rest().length], [false, 0]);
});
