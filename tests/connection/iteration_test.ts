import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { forEachMessage, MessageIterator } from "../../src/connection/iteration.ts";
import type { Message } from "../../src/types.ts";
import { test } from "../harness.ts";
import { settle, stateOf } from "./fake_transport.ts";
import { createInbox } from "./inbox_fixture.ts";

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

test("MessageIterator that is left while it waits leaves the next message to others", async () => {
  const { inbox } = createInbox();
  const iterator = new MessageIterator(inbox);
  const step = iterator.next();
  await iterator.return();
  assertEquals(await step, { value: undefined, done: true });
  const received = inbox.receive();
  inbox.push("a");
  assertEquals(await received, "a");
  // One whose step has its message keeps it.
  const next = iterator.next();
  inbox.push("b");
  await iterator.return();
  assertEquals(await next, { value: "b", done: false });
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

test("MessageIterator serves a loop that goes on where next has begun", async () => {
  const { inbox } = createInbox();
  for (const text of ["a", "b", "c"]) inbox.push(text);
  inbox.end();
  const iterator = new MessageIterator(inbox);
  assertEquals(await iterator.next(), { value: "a", done: false });
  const rest: Message[] = [];
  for await (const message of iterator) rest.push(message);
  assertEquals(rest, ["b", "c"]);
});

test("MessageIterator throws to all who wait for the next message", async () => {
  const error = new RangeError("lost");
  const { inbox } = createInbox(error);
  const iterator = new MessageIterator(inbox);
  const next = [iterator.next(), iterator.next(), iterator.next()];
  inbox.end();
  for (const step of next) assertStrictEquals(await assertRejects(() => step), error);
});

test("forEachMessage gives what is there and what comes, and resolves behind the last", async () => {
  const { inbox, calls } = createInbox();
  inbox.push("a");
  const given: Message[] = [];
  const done = forEachMessage(inbox, (message) => given.push(message), {});
  await settle();
  assertEquals([given, inbox.returning], [["a"], "no"]);
  inbox.deliver("b");
  inbox.push("c");
  assertEquals(given, ["a", "b", "c"]);
  inbox.end();
  assertEquals(await done, undefined);
  assertEquals([given, calls], [["a", "b", "c"], ["finished"]]);
  await forEachMessage(inbox, () => given.push("none"), {});
  assertEquals(given.length, 3);
});

test("forEachMessage waits for the promise of a message before it gives the next", async () => {
  const { inbox } = createInbox();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const given: Message[] = [];
  const done = forEachMessage(inbox, (message) => gates[given.push(message) - 1]!.promise, {});
  await settle();
  inbox.deliver("a");
  inbox.deliver("b");
  assertEquals([given, inbox.returning], [["a"], "surely"]);
  inbox.end();
  gates[0]!.resolve();
  await settle();
  assertEquals([given, await stateOf(done)], [["a", "b"], "pending"]);
  gates[1]!.resolve();
  await done;
});

test("forEachMessage rejects with what the end says, after the last message", async () => {
  const error = new RangeError("lost");
  const { inbox } = createInbox(error);
  const given: Message[] = [];
  inbox.push("a");
  inbox.end();
  const done = forEachMessage(inbox, (message) => given.push(message), {});
  assertStrictEquals(await assertRejects(() => done), error);
  assertEquals(given, ["a"]);
});

const FAILING: Readonly<Record<string, () => unknown>> = {
  "throws": () => {
    throw new RangeError("enough");
  },
  "returns a promise that rejects": () => Promise.reject(new RangeError("enough")),
};
for (const [what, callback] of Object.entries(FAILING)) {
  test(`forEachMessage leaves the rest where its function ${what}`, async () => {
    const { inbox, calls } = createInbox();
    inbox.push("a");
    inbox.push("b");
    await assertRejects(() => forEachMessage(inbox, callback, {}), RangeError, "enough");
    assertEquals([inbox.returning, calls], ["no", []]);
    const given: Message[] = [];
    void forEachMessage(inbox, (message) => given.push(message), {});
    await settle();
    assertEquals(given, ["b"]);
  });
}

test("forEachMessage serves one function at a time", async () => {
  const { inbox } = createInbox();
  const first: Message[] = [];
  const done = forEachMessage(inbox, (message) => first.push(message), {});
  await settle();
  await assertRejects(() => forEachMessage(inbox, () => {}, {}), TypeError, "already");
  inbox.deliver("a");
  inbox.end();
  await done;
  assertEquals(first, ["a"]);
});

test("forEachMessage gives up by its signal: within its function, while that works, while it waits", async () => {
  const { inbox } = createInbox();
  for (const text of ["a", "b", "c", "d"]) inbox.push(text);
  const given: Message[] = [];
  const stop = (callback: (message: Message, controller: AbortController) => unknown) => {
    const controller = new AbortController();
    const { signal } = controller;
    const done = forEachMessage(inbox, (message) => {
      given.push(message);
      return callback(message, controller);
    }, { signal });
    return { done, controller };
  };
  const within = stop((_message, controller) => controller.abort(new RangeError("within")));
  await assertRejects(() => within.done, RangeError, "within");
  assertEquals(given, ["a"]);

  const gate = Promise.withResolvers<void>();
  const working = stop(() => gate.promise);
  await settle();
  working.controller.abort(new RangeError("working"));
  await assertRejects(() => working.done, RangeError, "working");
  assertEquals([given, inbox.returning], [["a", "b"], "no"]);
  // What it does afterwards is no failure of the next one.
  gate.reject(new Error("late"));
  await settle();

  const waiting = stop(() => {});
  await settle();
  waiting.controller.abort(new RangeError("waiting"));
  await assertRejects(() => waiting.done, RangeError, "waiting");
  assertEquals(given, ["a", "b", "c", "d"]);
  inbox.push("e");
  assertEquals(await inbox.receive(), "e");

  const before = stop(() => {});
  before.controller.abort();
  await assertRejects(() => before.done, DOMException);
  await assertRejects(
    () => forEachMessage(inbox, () => {}, { signal: AbortSignal.abort(new RangeError("early")) }),
    RangeError,
    "early",
  );
});

test("forEachMessage that has ended does not look at its signal any more", async () => {
  const { inbox } = createInbox();
  const controller = new AbortController();
  const callback = (): void => {};
  inbox.push("a");
  const failing = forEachMessage(inbox, FAILING["throws"]!, { signal: controller.signal });
  await assertRejects(() => failing, RangeError);
  const done = forEachMessage(inbox, callback, {});
  controller.abort();
  inbox.end();
  await done;
});

test("forEachMessage tells what is no function and no signal, and takes nothing", async () => {
  const { inbox } = createInbox();
  inbox.push("a");
  const wrong = (value: unknown) => value as never;
  await assertRejects(() => forEachMessage(inbox, wrong("x"), {}), TypeError, "callback must be");
  await assertRejects(
    () => forEachMessage(inbox, () => {}, { signal: wrong(1) }),
    TypeError,
    "signal must be",
  );
  assertEquals(inbox.isFilled, true);
});
