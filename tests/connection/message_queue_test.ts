import { assert, assertEquals } from "@std/assert";
import { MessageQueue } from "../../src/connection/message_queue.ts";
import { randomSource, test } from "../harness.ts";

test("MessageQueue gives messages in their order", () => {
  const queue = new MessageQueue();
  assertEquals(queue.shift(), undefined);
  queue.push("a");
  queue.push(Uint8Array.of(1));
  queue.push("");
  assertEquals(queue.length, 3);
  assertEquals([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [
    "a",
    Uint8Array.of(1),
    "",
    undefined,
  ]);
  assertEquals([queue.length, queue.bytes], [0, 0]);
});

test("MessageQueue counts bytes, and an overhead, so that empty messages count as well", () => {
  const queue = new MessageQueue();
  queue.push(new Uint8Array(1_000));
  assert(queue.bytes >= 1_000 && queue.bytes < 1_200);
  const one = queue.bytes;
  queue.push("");
  assert(queue.bytes > one);
  queue.push("x".repeat(1_000));
  assert(queue.bytes >= one + 1_000);
  for (let i = 0; i < 3; i++) queue.shift();
  assertEquals(queue.bytes, 0);
});

test("MessageQueue keeps its order and its count through random use, also when never empty", () => {
  const seed = 12;
  const random = randomSource(seed);
  const queue = new MessageQueue();
  let pushed = 0, taken = 0;
  for (let step = 0; step < 60_000; step++) {
    if (pushed - taken < 2 || random(2) === 0) {
      queue.push(String(pushed++));
    } else {
      assertEquals(queue.shift(), String(taken++), `seed ${seed}`);
    }
    assert(queue.length === pushed - taken);
  }
  while (taken < pushed) assertEquals(queue.shift(), String(taken++));
  assertEquals(queue.bytes, 0);
});
