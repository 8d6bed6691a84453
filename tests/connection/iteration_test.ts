import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Inbox } from "../../src/connection/inbox.ts";
import { createReadable, MessageIterator } from "../../src/connection/iteration.ts";
import { test } from "../harness.ts";
import { settle } from "./fake_transport.ts";

function createInbox(error?: Error) {
  const calls: string[] = [];
  const inbox = new Inbox(
    { receiveHighWaterMark: 1_000, receiveLowWaterMark: 500, idleTimeout: 0 },
    {
      onReceived: () => {},
      pauseReading: () => {},
      resumeReading: () => {},
      flushAnswers: () => {},
      onFinished: () => void calls.push("finished"),
      endOfMessages: () => error,
    },
  );
  return { inbox, calls };
}

test("MessageIterator gives what is there, and what comes", async () => {
  const { inbox } = createInbox();
  inbox.push("a");
  const iterator = new MessageIterator(inbox);
  assertEquals(await iterator.next(), { value: "a", done: false });
  const next = [iterator.next(), iterator.next()];
  inbox.push("b");
  inbox.end();
  assertEquals(await Promise.all(next), [
    { value: "b", done: false },
    { value: undefined, done: true },
  ]);
});

test("MessageIterator is expected back for each message it was given", async () => {
  const { inbox, calls } = createInbox();
  const iterator = new MessageIterator(inbox);
  const next = iterator.next();
  assertEquals(inbox.returning, "no");
  inbox.push("a");
  assertEquals(inbox.returning, "surely");
  await next;
  inbox.push("b");
  await iterator.next();
  assertEquals(inbox.returning, "surely");
  inbox.end();
  assertEquals(await iterator.return(), { value: undefined, done: true });
  assertEquals([inbox.returning, calls], ["no", ["finished"]]);
});

test("MessageIterator throws what the end says, after the last message", async () => {
  const error = new RangeError("lost");
  const { inbox } = createInbox(error);
  const iterator = new MessageIterator(inbox);
  inbox.push("a");
  inbox.end();
  assertEquals((await iterator.next()).value, "a");
  assertStrictEquals(await assertRejects(() => iterator.next()), error);
});

test("MessageIterator throws to all who wait for the next message", async () => {
  const error = new RangeError("lost");
  const { inbox } = createInbox(error);
  const iterator = new MessageIterator(inbox);
  const next = [iterator.next(), iterator.next(), iterator.next()];
  inbox.end();
  for (const step of next) assertStrictEquals(await assertRejects(() => step), error);
});

test("createReadable takes a message when one is read, and ends or fails as told", async () => {
  for (const error of [undefined, new RangeError("lost")]) {
    const { inbox } = createInbox(error);
    const reader = createReadable(inbox, () => Promise.resolve()).getReader();
    inbox.push("a");
    inbox.push("b");
    await settle();
    assertEquals(inbox.returning, "no");
    assertEquals((await reader.read()).value, "a");
    assertEquals([inbox.take(), inbox.returning], ["b", "perhaps"]);
    inbox.end();
    if (error === undefined) assertEquals((await reader.read()).done, true);
    else assertStrictEquals(await assertRejects(() => reader.read()), error);
  }
});

test("createReadable calls back where it is cancelled", async () => {
  const { inbox } = createInbox();
  let cancelled = 0;
  const readable = createReadable(inbox, () => Promise.resolve(void cancelled++));
  await readable.cancel();
  assertEquals(cancelled, 1);
});
