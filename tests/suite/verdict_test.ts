import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import type { Script } from "./case.ts";
import type { Observation } from "./observer.ts";
import { accepts, closed, echoes, failed, fails, text, toBytes } from "./steps.ts";
import { type Behaviour, type Course, judge } from "./verdict.ts";

const SEEN: Observation = {
  messages: [],
  pongs: [],
  compressed: 0,
  pongsFirst: 0,
  closeCode: 1000,
  ended: "cleanly",
  fault: undefined,
};
const COURSE: Course = { timedOut: false, late: false, hasty: false };

type Row = readonly [
  what: string,
  script: Script,
  seen: Partial<Observation>,
  behaviour: Behaviour,
  course?: Partial<Course>,
];

const a = text("a"), b = text("b");
const echo = echoes([], [a, b]);
const failure = fails([], 1002, { messages: [a] });
const pinged = accepts([], { messages: [a], pongs: ["1", "2"], pongsFirst: 1 });
const pongs = ["1", "2"].map(toBytes);

const ROWS: readonly Row[] = [
  ["an echo", echo, { messages: [a, b] }, "strict"],
  ["another echo", echo, { messages: [a, text("c")] }, "wrong"],
  ["another type", echo, { messages: [a, { ...b, type: "binary" }] }, "wrong"],
  ["another order", echo, { messages: [b, a] }, "wrong"],
  ["too few", echo, { messages: [a] }, "wrong"],
  ["too many", echo, { messages: [a, b, b] }, "wrong"],
  ["another close code", echo, { messages: [a, b], closeCode: 1001 }, "non-strict"],
  ["no Close", echo, { messages: [a, b], closeCode: undefined }, "wrong"],
  ["a breach", echo, { messages: [a, b], fault: "a masked frame" }, "wrong"],
  ["no end", echo, { messages: [a, b], ended: undefined }, "hung", { timedOut: true }],
  ["an end by a reset", echo, { messages: [a, b], ended: "by a reset" }, "strict"],
  ["haste", echo, { messages: [a, b] }, "non-strict", { hasty: true }],
  ["a failure", failure, { messages: [a], closeCode: 1002 }, "strict"],
  ["a late failure", failure, { messages: [a], closeCode: 1002 }, "non-strict", { late: true }],
  ["a failure with another code", failure, { messages: [a], closeCode: 1007 }, "non-strict"],
  ["a failure without a code", failure, { messages: [a], closeCode: undefined }, "non-strict"],
  ["a failure before the echo", failure, { closeCode: 1002 }, "non-strict"],
  ["an echo in place of failure", failure, { messages: [a, b], ended: undefined }, "wrong"],
  ["the same, waited for", failure, { messages: [a, b], ended: undefined }, "wrong", {
    timedOut: true,
  }],
  ["nothing", failure, { closeCode: undefined, ended: undefined }, "hung", { timedOut: true }],
  ["pongs", pinged, { messages: [a], pongs, pongsFirst: 1 }, "strict"],
  ["pongs behind the echo", pinged, { messages: [a], pongs }, "non-strict"],
  ["the last pong alone", pinged, { messages: [a], pongs: pongs.slice(1) }, "non-strict"],
  ["the first pong alone", pinged, { messages: [a], pongs: pongs.slice(0, 1) }, "wrong"],
  ["pongs in another order", pinged, { messages: [a], pongs: [...pongs].reverse() }, "wrong"],
  ["the other answer", { ...echo, or: failed([1002]) }, { closeCode: 1002 }, "strict"],
  ["what is tolerated", { ...echo, tolerate: closed([1000]) }, {}, "non-strict"],
  [
    "less, where that is allowed",
    { ...echo, or: { ...echo.expect, mayLack: true } },
    { messages: [a] },
    "strict",
  ],
];

test("judge tells strict from non-strict, wrong and hung", () => {
  for (const [what, script, seen, behaviour, course] of ROWS) {
    const outcome = judge(script, { ...SEEN, ...seen }, { ...COURSE, ...course });
    assertEquals(outcome.behaviour, behaviour, what);
  }
});

test("judge says what was expected and what was observed", () => {
  const { expected, observed } = judge(
    fails([], [1002, 1007], { messages: [a], pongs: [Uint8Array.of(0xff)] }),
    { ...SEEN, messages: [text("x".repeat(17))], closeCode: 1002 },
    { ...COURSE, late: true },
  );
  assertEquals(expected, 'text "a", pong ff, failure with 1002/1007');
  assertEquals(observed, "text of 17 bytes, Close 1002, ended cleanly, failed late");
});
