import { assertEquals } from "@std/assert";
import { History } from "../../src/deflate/history.ts";
import { randomSource, test } from "../harness.ts";
import { concat, kinds } from "./helpers.ts";

function lastBytes(history: History, count: number): Uint8Array {
  const target = new Uint8Array(count);
  history.copyTo(target, 0, count, count);
  return target;
}

test("History keeps the last bytes, however they came", () => {
  const below = randomSource(7);
  for (const capacity of [256, 1024]) {
    const history = new History(capacity);
    let all = new Uint8Array(0);
    for (let round = 0; round < 200; round++) {
      const part = kinds.random!(below(round % 10 === 0 ? 3 * capacity : 90));
      history.append(part);
      all = concat(all, part);
      const kept = all.slice(-capacity);
      assertEquals(history.length, kept.length);
      assertEquals(lastBytes(history, kept.length), kept, `round ${round}`);
    }
  }
});

test("History copies from the middle to where it is told", () => {
  const history = new History(256);
  history.append(Uint8Array.of(1, 2, 3, 4, 5));
  const target = new Uint8Array(5);
  history.copyTo(target, 2, 4, 2);
  assertEquals(target, Uint8Array.of(0, 0, 2, 3, 0));
});

test("History allocates no more than it has seen twice, and no more than its capacity", () => {
  const history = new History(32768);
  assertEquals(history.allocated, 0);
  let seen = 0;
  for (let round = 0; round < 400; round++) {
    history.append(new Uint8Array(100));
    seen += 100;
    assertEquals(history.allocated <= Math.min(2 * seen, 32768), true);
  }
  assertEquals(history.allocated, 32768);
});
