import { assertEquals, assertRejects } from "@std/assert";
import { type Consumer, Inbox, type InboxSource } from "../../src/connection/inbox.ts";
import { READY } from "../../src/connection/promises.ts";
import type { Message } from "../../src/types.ts";
import { test } from "../harness.ts";
import { settle, stateOf } from "./fake_transport.ts";

/** What a message of `length` characters counts for in the queue. */
const costOf = (length: number): number => 64 + 2 * length;

/** An inbox with room for four empty messages, and what it asks of its source. */
function createInbox(high = costOf(0) * 4, low = costOf(0), idleTimeout = 0) {
  const calls: string[] = [];
  const hooks: { onFlush: () => void; onResume: () => void } = {
    onFlush: () => {},
    onResume: () => {},
  };
  const source: InboxSource = {
    onReceived: () => void calls.push("received"),
    pauseReading: () => void calls.push("pause"),
    resumeReading: () => {
      calls.push("resume");
      hooks.onResume();
    },
    flushAnswers: () => {
      calls.push("flush");
      hooks.onFlush();
    },
    onAllHandled: () => void calls.push("finished"),
    isClosing: () => true,
    iterationError: () => undefined,
  };
  const options = { receiveHighWaterMark: high, receiveLowWaterMark: low, idleTimeout };
  const inbox = new Inbox(options, source);
  const count = (call: string): number => calls.filter((each) => each === call).length;
  return { inbox, calls, count, hooks };
}

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new RangeError("aborted")) };
}

/** Gives a consumer messages, in the turn of one read. */
function deliver(inbox: Inbox, ...messages: Message[]): void {
  for (const message of messages) inbox.push(message);
  inbox.pump();
}

/** A promise to be settled by the test. */
function gate(): PromiseWithResolvers<void> {
  return Promise.withResolvers();
}

test("Inbox keeps messages in their order, and counts them", () => {
  const { inbox } = createInbox();
  assertEquals([inbox.take(), inbox.isFilled, inbox.received], [undefined, false, 0]);
  for (const message of ["a", Uint8Array.of(1), ""]) inbox.push(message);
  assertEquals([inbox.isFilled, inbox.received], [true, 3]);
  assertEquals([inbox.take(), inbox.take(), inbox.take(), inbox.take()], [
    "a",
    Uint8Array.of(1),
    "",
    undefined,
  ]);
  assertEquals([inbox.isFilled, inbox.received], [false, 3]);
});

test("Inbox tells its source of each message where the connection ends unused", () => {
  const { inbox, calls } = createInbox(undefined, undefined, 1_000);
  inbox.push("queued");
  inbox.take();
  void inbox.consume(() => {});
  inbox.deliver("at once");
  assertEquals(calls.filter((call) => call === "received").length, 2);
  assertEquals(inbox.received, 2);
});

test("Inbox stops reading once above the high mark, and goes on once at the low mark", () => {
  const { inbox, calls } = createInbox();
  for (let i = 0; i < 4; i++) inbox.push("");
  assertEquals([calls, inbox.isPaused], [[], false]);
  for (let i = 0; i < 3; i++) inbox.push("");
  assertEquals([calls, inbox.isPaused], [["pause"], true]);
  for (let i = 0; i < 5; i++) inbox.take();
  assertEquals([calls, inbox.isPaused], [["pause"], true]);
  inbox.take();
  assertEquals([calls, inbox.isPaused], [["pause", "resume"], false]);
  inbox.take();
  assertEquals(calls, ["pause", "resume"]);
});

test("Inbox with marks of 0 holds one message", () => {
  const { inbox, calls } = createInbox(0, 0);
  inbox.push("a");
  assertEquals(calls, ["pause"]);
  assertEquals(inbox.take(), "a");
  assertEquals(calls, ["pause", "resume"]);
});

test("Inbox does not stop reading for what is taken at once", async () => {
  const { inbox, calls } = createInbox(0, 0);
  const waiting = [inbox.receive(), inbox.receive()];
  inbox.push("a");
  inbox.push("b");
  assertEquals(await Promise.all(waiting), ["a", "b"]);
  assertEquals(calls, ["flush", "flush"]);
});

test("Inbox serves whoever waits in the order of the calls", () => {
  const { inbox } = createInbox();
  const given: (Message | null)[][] = [[], [], []];
  for (const each of given) inbox.wait({ give: (message) => void each.push(message) });
  inbox.push("a");
  inbox.push("b");
  assertEquals(given, [["a"], ["b"], []]);
  inbox.end();
  assertEquals(given, [["a"], ["b"], [null]]);
});

test("Inbox has answers written before anybody waits, but not while messages are there", async () => {
  const { inbox, count } = createInbox();
  inbox.push("a");
  assertEquals(await inbox.receive(), "a");
  assertEquals(count("flush"), 0);
  void inbox.receive();
  assertEquals(count("flush"), 1);
});

test("Inbox serves one who waits with what comes, or ends, because of the flush", () => {
  const given: (Message | null)[] = [];
  const filled = createInbox();
  filled.hooks.onFlush = () => filled.inbox.push("a");
  filled.inbox.wait({ give: (message) => void given.push(message) });
  const ended = createInbox();
  ended.hooks.onFlush = () => ended.inbox.end();
  ended.inbox.wait({ give: (message) => void given.push(message) });
  assertEquals(given, ["a", null]);
});

test("Inbox takes one who gives up out of the line, and loses no message", async () => {
  const { inbox } = createInbox();
  const controller = new AbortController();
  const first = inbox.receive({ signal: controller.signal });
  const second = inbox.receive({ signal: new AbortController().signal });
  controller.abort(new RangeError("enough"));
  await assertRejects(() => first, RangeError, "enough");
  await assertRejects(() => inbox.receive({ signal: controller.signal }), RangeError, "enough");
  inbox.push("a");
  assertEquals(await second, "a");
});

test("Inbox takes those who give up out of the middle and the end of the line", async () => {
  const { inbox } = createInbox();
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const waiting = controllers.map(({ signal }) => inbox.receive({ signal }));
  for (const at of [1, 3]) {
    controllers[at]!.abort(new RangeError("enough"));
    await assertRejects(() => waiting[at]!, RangeError, "enough");
  }
  for (const message of ["a", "b", "c"]) inbox.push(message);
  assertEquals([await waiting[0], await waiting[2], inbox.take()], ["a", "b", "c"]);
});

test("Inbox does not stay with a signal that is used again and again", async () => {
  const { inbox } = createInbox();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  for (let i = 0; i < 3; i++) {
    const received = inbox.receive({ signal });
    assertEquals(listeners, 1);
    inbox.push("a");
    assertEquals([await received, listeners], ["a", 0]);
  }
});

test("Inbox does not mind a signal once the message is there", async () => {
  const { inbox } = createInbox();
  const controller = new AbortController();
  const received = inbox.receive({ signal: controller.signal });
  inbox.push("a");
  controller.abort();
  assertEquals(await received, "a");
  inbox.push("b");
  assertEquals(inbox.take(), "b");
});

test("Inbox gives what waits after its end, and then null", async () => {
  const { inbox } = createInbox();
  inbox.push("a");
  inbox.push("b");
  inbox.end();
  assertEquals(await inbox.receive(), "a");
  assertEquals(inbox.take(), "b");
  assertEquals(await inbox.receive(), null);
  assertEquals(await inbox.receive({ signal: new AbortController().signal }), null);
});

test("Inbox released drops what is above the mark and all behind it, and reads on", async () => {
  const { inbox, calls } = createInbox();
  for (let i = 0; i < 5; i++) inbox.push(`${i}`);
  assertEquals(calls, ["pause"]);
  inbox.release();
  assertEquals([calls, inbox.isPaused], [["pause", "resume"], false]);
  inbox.push("dropped");
  for (let i = 0; i < 3; i++) inbox.take();
  inbox.push("behind it");
  assertEquals([inbox.take(), inbox.take(), inbox.take()], ["3", "4", undefined]);
  const waiting = inbox.receive();
  inbox.push("for who waits");
  inbox.deliver("by itself");
  assertEquals(await stateOf(waiting), "pending");
  for (let i = 0; i < 9; i++) inbox.push("x");
  assertEquals([inbox.isPaused, inbox.received], [false, 18]);
  inbox.end();
  assertEquals(await waiting, null);
  assertEquals(calls.includes("pause", 1), false);
});

test("Inbox hands messages to a consumer in the turn they arrived in, and flushes behind the last", async () => {
  for (const result of [undefined, READY]) {
    const { inbox, calls } = createInbox();
    const consumed: Message[] = [];
    inbox.push("before");
    const done = inbox.consume((message) => {
      consumed.push(message);
      return result;
    });
    assertEquals([consumed, calls], [["before"], ["flush"]]);
    deliver(inbox, "a", "b");
    assertEquals([consumed, calls], [["before", "a", "b"], ["flush", "flush"]]);
    assertEquals(await stateOf(done), "pending");
    inbox.end();
    await done;
  }
});

test("Inbox.push hands a message to a consumer that is free, and keeps what comes while it is busy", async () => {
  const { inbox, calls } = createInbox();
  const given: Message[] = [];
  const gate = Promise.withResolvers<void>();
  void inbox.consume((message) => {
    given.push(message);
    if (message === "b") inbox.push("c");
    return message === "d" ? gate.promise : READY;
  });
  inbox.push("a");
  assertEquals(given, ["a"]);
  inbox.push("b");
  inbox.push("d");
  assertEquals([given, inbox.length], [["a", "b"], 2]);
  inbox.pump();
  inbox.push("e");
  assertEquals([given, inbox.length], [["a", "b", "c", "d"], 1]);
  gate.resolve();
  await settle();
  assertEquals(given, ["a", "b", "c", "d", "e"]);
  assertEquals([inbox.received, calls.includes("pause")], [5, false]);
});

test("Inbox.deliver hands a message to a consumer that is free, behind those that wait", async () => {
  const { inbox, calls } = createInbox();
  const consumed: Message[] = [];
  const gate = Promise.withResolvers<void>();
  inbox.deliver("waits");
  assertEquals([inbox.isFilled, inbox.received], [true, 1]);
  const done = inbox.consume((message) => {
    consumed.push(message);
    // What arrives from within its call comes behind it.
    if (message === "outer") inbox.deliver("inner");
    return message === "slow" ? gate.promise : undefined;
  });
  assertEquals(calls, ["flush"]);
  inbox.deliver("outer");
  assertEquals(consumed, ["waits", "outer", "inner"]);
  assertEquals([calls, inbox.returning], [["flush", "flush"], "no"]);
  inbox.deliver("slow");
  inbox.deliver("behind");
  assertEquals([consumed.length, inbox.returning], [4, "surely"]);
  gate.resolve();
  await settle();
  assertEquals([consumed.at(-1), inbox.received, inbox.isFilled], ["behind", 5, false]);
  inbox.end();
  await done;
});

test("Inbox.deliver gives a message to who waited for it before, and the next to the consumer", async () => {
  const { inbox } = createInbox();
  const received = inbox.receive();
  const consumed: Message[] = [];
  void inbox.consume((message) => void consumed.push(message));
  for (const text of ["a", "b"]) inbox.deliver(text);
  assertEquals([await received, consumed], ["a", ["b"]]);
});

test("Inbox has one consumer at a time, opens no other, and heeds no other's signal", async () => {
  const { inbox } = createInbox();
  const consumed: Message[] = [];
  const consumer = (message: Message): void => void consumed.push(message);
  const first = inbox.consume(consumer);
  const { signal, abort } = abortable();
  let opened = false;
  const refused = inbox.consume(consumer, {
    signal,
    open: () => {
      opened = true;
    },
  });
  abort();
  await assertRejects(() => refused, TypeError, "already");
  inbox.deliver("a");
  inbox.end();
  await first;
  assertEquals([consumed, opened], [["a"], false]);
});

test("Inbox heeds a signal no longer once its consumer has failed", async () => {
  const { inbox } = createInbox();
  const { signal, abort } = abortable();
  const failing = inbox.consume(() => {
    throw new RangeError("consumer");
  }, { signal });
  inbox.deliver("a");
  const consumed: Message[] = [];
  const next = inbox.consume((message) => void consumed.push(message));
  abort();
  await assertRejects(() => failing, RangeError, "consumer");
  inbox.deliver("b");
  inbox.end();
  await next;
  assertEquals(consumed, ["b"]);
});

test("Inbox gives no message before its consumer has opened, and none where that throws", async () => {
  const { inbox } = createInbox();
  inbox.push("a");
  const gate = Promise.withResolvers<void>();
  const consumed: Message[] = [];
  const done = inbox.consume((message) => void consumed.push(message), {
    open: () => gate.promise,
  });
  inbox.deliver("b");
  assertEquals([consumed, inbox.returning], [[], "surely"]);
  gate.resolve();
  await settle();
  assertEquals(consumed, ["a", "b"]);
  inbox.end();
  await done;

  const other = createInbox().inbox;
  other.push("a");
  for (
    const open of [
      () => Promise.reject(new RangeError("open")),
      () => {
        throw new RangeError("open");
      },
    ]
  ) {
    await assertRejects(
      () => other.consume(() => consumed.push("c"), { open }),
      RangeError,
      "open",
    );
  }
  await settle();
  assertEquals([consumed, other.take()], [["a", "b"], "a"]);
});

test("Inbox.deliver rejects consume with what the consumer throws, and queues from then on", async () => {
  const { inbox } = createInbox();
  const done = inbox.consume(() => {
    throw new Error("thrown");
  });
  inbox.deliver("a");
  await assertRejects(() => done, Error, "thrown");
  inbox.deliver("b");
  assertEquals(inbox.take(), "b");
});

test("Inbox takes in what room that is made brings, behind the message that made it", () => {
  const { inbox, hooks } = createInbox(costOf(1), 0);
  const consumed: Message[] = [];
  for (const message of ["a", "b"]) inbox.push(message);
  hooks.onResume = () => inbox.deliver("c");
  void inbox.consume((message) => void consumed.push(message));
  assertEquals(consumed, ["a", "b", "c"]);
});

test("Inbox.discard takes messages on, and gives the consumer none of them", async () => {
  const { inbox, count } = createInbox();
  inbox.discard(); // There is no consumer, whose messages these were.
  const seen: Message[] = [];
  const consumed = inbox.consume((message) => {
    seen.push(message);
    if (message === "b") inbox.discard();
  });
  deliver(inbox, "a", "b", "c");
  for (let i = 0; i < 10; i++) deliver(inbox, "x".repeat(50));
  inbox.deliver("d");
  assertEquals([seen, inbox.length, count("pause")], [["a", "b"], 0, count("resume")]);
  inbox.end();
  await consumed;
});

test("Inbox holds messages back while a consumer's promise is pending", async () => {
  const { inbox, calls } = createInbox();
  const gates = [gate(), gate()];
  const consumed: Message[] = [];
  void inbox.consume((message) => {
    consumed.push(message);
    return gates[consumed.length - 1]?.promise;
  });
  deliver(inbox, "a");
  deliver(inbox, "b", "c", "d", "e", "f");
  assertEquals([consumed, inbox.isPaused], [["a"], true]);
  gates[0]!.resolve();
  await settle();
  assertEquals(consumed, ["a", "b"]);
  gates[1]!.resolve();
  await settle();
  assertEquals(consumed, ["a", "b", "c", "d", "e", "f"]);
  assertEquals(calls.filter((call) => call !== "flush"), ["pause", "resume"]);
  assertEquals(calls.at(-1), "flush");
});

test("Inbox gives a consumer what room it makes lets in, once each", () => {
  const { inbox, hooks } = createInbox(costOf(0), 0);
  const consumed: Message[] = [];
  hooks.onResume = () => deliver(inbox, "3", "4");
  for (const message of ["1", "2"]) inbox.push(message);
  void inbox.consume((message) => {
    if (consumed.push(message) === 3) hooks.onResume = () => {};
  });
  assertEquals(consumed, ["1", "2", "3", "4"]);
});

const FAILING: Readonly<Record<string, Consumer>> = {
  "at once": () => {
    throw new RangeError("consumer");
  },
  "later": () => Promise.reject(new RangeError("consumer")),
};

for (const [when, consumer] of Object.entries(FAILING)) {
  test(`Inbox hands over no more to a consumer that throws ${when}`, async () => {
    const { inbox } = createInbox();
    let count = 0;
    const done = inbox.consume((message) => {
      count++;
      return consumer(message);
    });
    deliver(inbox, "a", "b");
    await assertRejects(() => done, RangeError, "consumer");
    deliver(inbox, "c");
    inbox.end();
    assertEquals(count, 1);
    assertEquals([inbox.take(), inbox.take()], ["b", "c"]);
  });
}

test("Inbox rejects with what a consumer throws at a message that waited for it", async () => {
  const { inbox } = createInbox();
  inbox.push("a");
  const done = inbox.consume(() => {
    throw new RangeError("consumer");
  });
  await assertRejects(() => done, RangeError, "consumer");
});

test("Inbox that has ended waits for its consumer, and gives it all that is left", async () => {
  const { inbox } = createInbox();
  const busy = gate();
  const consumed: Message[] = [];
  const done = inbox.consume((message) => {
    consumed.push(message);
    return busy.promise;
  });
  deliver(inbox, "a", "b");
  inbox.end();
  assertEquals(await stateOf(done), "pending");
  busy.resolve();
  await done;
  assertEquals(consumed, ["a", "b"]);
});

test("Inbox that has ended before is consumed all the same", async () => {
  const { inbox } = createInbox();
  inbox.push("a");
  inbox.end();
  const consumed: Message[] = [];
  await inbox.consume((message) => void consumed.push(message));
  assertEquals(consumed, ["a"]);
});

test("Inbox knows whether whoever has a message will come back", async () => {
  const { inbox } = createInbox();
  assertEquals(inbox.returning, "no");
  const received = inbox.receive();
  inbox.push("a");
  assertEquals(inbox.returning, "perhaps");
  assertEquals(await received, "a");
  inbox.expect("surely");
  assertEquals(inbox.returning, "surely");
  inbox.leave();
  assertEquals(inbox.returning, "no");
  inbox.push("b");
  assertEquals(inbox.returning, "no");
  inbox.take("surely");
  assertEquals(inbox.returning, "surely");
  inbox.wait({ give: () => {} });
  assertEquals(inbox.returning, "no");
});

test("Inbox takes a consumer for one who comes back while it is busy", async () => {
  const { inbox } = createInbox();
  const busy = gate();
  const done = inbox.consume(() => busy.promise);
  assertEquals(inbox.returning, "no");
  deliver(inbox, "a");
  assertEquals(inbox.returning, "surely");
  busy.resolve();
  await settle();
  assertEquals(inbox.returning, "no");
  inbox.end();
  await done;
});

test("Inbox tells once its last message is done with: asked for more, left, consumed", async () => {
  const asked = createInbox();
  asked.inbox.push("a");
  asked.inbox.end();
  asked.inbox.take();
  assertEquals(asked.count("finished"), 0);
  assertEquals(await asked.inbox.receive(), null);
  assertEquals(asked.count("finished"), 1);

  const left = createInbox();
  left.inbox.push("a");
  left.inbox.take("surely");
  left.inbox.leave();
  assertEquals(left.count("finished"), 0);
  left.inbox.end();
  left.inbox.leave();
  assertEquals(left.count("finished"), 1);

  for (const fails of [false, true]) {
    const consumed = createInbox();
    const busy = gate();
    const done = consumed.inbox.consume(() => busy.promise);
    deliver(consumed.inbox, "a");
    consumed.inbox.end();
    assertEquals(consumed.count("finished"), 0);
    if (fails) busy.reject(new RangeError("consumer"));
    else busy.resolve();
    await done.catch(() => {});
    assertEquals(consumed.count("finished"), 1);
  }
});

test("Inbox gives a consumer that comes later nothing from behind a dropped message", () => {
  const { inbox } = createInbox();
  for (let i = 0; i < 5; i++) inbox.push(`${i}`);
  inbox.release();
  inbox.push("dropped");
  const consumed: Message[] = [];
  void inbox.consume((message) => void consumed.push(message));
  inbox.deliver("by itself");
  assertEquals(consumed, ["0", "1", "2", "3", "4"]);
});
