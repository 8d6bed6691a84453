import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { WebSocketClosedError } from "../../src/errors.ts";
import type { Link } from "../../src/connection/link.ts";
import { Outbox, type OutboxOwner } from "../../src/connection/outbox.ts";
import { READY } from "../../src/connection/promises.ts";
import { runtime, test } from "../harness.ts";
import { bytes } from "../protocol/frames.ts";
import { unhandled } from "../tools/unhandled.ts";
import { settle, stateOf } from "./fake_transport.ts";

/** Notes what is sent, and buffers it until it is told to write. */
class FakeLink implements Partial<Link> {
  readonly gathers: boolean = true;
  /** What was sent: `text a`, `begin text a`, `more b`, `last`, `flush`. */
  readonly calls: string[] = [];
  /** The arrays of binary messages, as they were given. */
  readonly arrays: Uint8Array[] = [];
  readonly compress: (boolean | undefined)[] = [];
  bufferedAmount = 0;
  /** Whether a flush writes all there is. */
  writes = true;

  buffersAtMost(bytes: number): boolean {
    return this.bufferedAmount <= bytes;
  }
  sendText(text: string, compress: boolean | undefined): void {
    this.#note(`text ${text}`, text.length, compress);
  }

  sendBinary(data: Uint8Array, compress: boolean | undefined): void {
    this.arrays.push(data);
    this.#note(`binary ${new TextDecoder().decode(data)}`, data.length, compress);
  }

  beginMessage(type: "text" | "binary", data: Uint8Array, compress: boolean | undefined): void {
    this.#note(`begin ${type} ${new TextDecoder().decode(data)}`, data.length, compress);
  }

  sendFragment(data: Uint8Array, last: boolean): void {
    this.calls.push(last ? "last" : `more ${new TextDecoder().decode(data)}`);
    this.bufferedAmount += data.length;
  }

  flush(): void {
    this.calls.push("flush");
    if (this.writes) this.bufferedAmount = 0;
  }

  /** What was sent, without the flushes. */
  get sent(): string[] {
    return this.calls.filter((call) => call !== "flush");
  }

  #note(call: string, length: number, compress: boolean | undefined): void {
    this.calls.push(call);
    this.compress.push(compress);
    this.bufferedAmount += length;
  }
}

/** An outbox over a fake link, with a high-water mark of ten bytes. */
function createOutbox(idleTimeout = 0) {
  const link = new FakeLink();
  const owner = {
    error: undefined as Error | undefined,
    answering: false,
    sent: 0,
    unfinished: 0,
    closedError(): Error {
      return this.error!;
    },
    isClosing(): boolean {
      return this.error !== undefined;
    },
    checkSendable(): void {
      if (this.error !== undefined) throw this.error;
    },
    onSent(): void {
      this.sent++;
    },
    isAnswering(): boolean {
      return this.answering;
    },
    received: 0,
    countReceived(): number {
      return this.received;
    },
    onUnfinished(): void {
      this.unfinished++;
    },
    overflows: 0,
    onOverflow(): void {
      this.overflows++;
    },
  };
  const options = { sendHighWaterMark: 10, maxBufferedAmount: 100, idleTimeout };
  const outbox = new Outbox(link as unknown as Link, options, owner satisfies OutboxOwner);
  return { link, owner, outbox };
}

/** A stream whose pieces, end and failure are the test's to give. */
function controlled<T extends string | Uint8Array>() {
  let controller!: ReadableStreamDefaultController<T>;
  let cancelled = false;
  const stream = new ReadableStream<T>({
    start: (given) => void (controller = given),
    cancel: () => void (cancelled = true),
  });
  return { stream, controller, isCancelled: () => cancelled };
}

test("Outbox sends each kind of value as the message it stands for", async () => {
  const { link, owner, outbox } = createOutbox();
  for (
    const value of [
      "text",
      bytes("array"),
      bytes("buffer").buffer,
      new DataView(bytes("view").buffer),
      { json: 1 },
      [1, 2],
      new Blob(["blob"]),
      (async function* () {
        yield "a";
        yield "b";
      })(),
    ]
  ) await outbox.send(value);
  assertEquals(link.sent, [
    "text text",
    "binary array",
    "binary buffer",
    "binary view",
    'text {"json":1}',
    "text [1,2]",
    "binary blob",
    "begin text a",
    "more b",
    "last",
  ]);
  assertEquals([outbox.sent, owner.sent], [8, 0]);
});

test("Outbox tells its owner of each message where the connection ends unused", async () => {
  const { owner, outbox } = createOutbox(1_000);
  await outbox.send("text");
  await outbox.send(new Blob(["blob"]));
  assertEquals([outbox.sent, owner.sent], [2, 2]);
});

test("Outbox sends text as binary where asked, and passes the wish for compression on", async () => {
  const { link, outbox } = createOutbox();
  await outbox.send("é", { binary: true });
  await outbox.send({ a: 1 }, { binary: true, compress: true });
  await outbox.send("plain", { compress: false });
  await outbox.send(bytes("x"));
  assertEquals(link.sent, ["binary é", 'binary {"a":1}', "text plain", "binary x"]);
  assertEquals(link.compress, [undefined, true, false, undefined]);
});

test("Outbox refuses bytes that are said to be text, and sends nothing of them", async () => {
  const { link, outbox } = createOutbox();
  for (const value of [bytes("x"), bytes("x").buffer, new Blob(["x"])]) {
    await assertRejects(
      () => outbox.send(value, { binary: false }),
      TypeError,
      "bytes cannot be sent as text",
    );
  }
  const source = controlled<Uint8Array>();
  source.controller.enqueue(bytes("x"));
  const sending = outbox.send(source.stream, { binary: false });
  await assertRejects(() => sending, TypeError, "bytes cannot be sent as text");
  assert(source.isCancelled(), "the source goes on");
  await outbox.send("text", { binary: false });
  await outbox.send({ a: 1 }, { binary: false });
  await outbox.send(ReadableStream.from(["b"]), { binary: false });
  await outbox.send(ReadableStream.from([]), { binary: false });
  assertEquals(link.sent, [
    "text text",
    'text {"a":1}',
    "begin text b",
    "last",
    "begin text ",
    "last",
  ]);
});

test("Outbox counts a Blob as queued until its bytes have reached the link", async () => {
  const { link, owner, outbox } = createOutbox();
  link.writes = false;
  const { stream, controller } = controlled<string>();
  const first = outbox.send(stream);
  const sends = [outbox.send(new Blob(["x".repeat(60)])), outbox.send(new Blob(["y".repeat(40)]))];
  assertEquals([outbox.queued, owner.overflows], [100, 0]);
  sends.push(outbox.send(new Blob(["z"])));
  assertEquals([outbox.queued, owner.overflows], [101, 1]);
  controller.close();
  await first;
  await settle();
  assertEquals([outbox.queued, link.bufferedAmount], [41, 60]);
  link.writes = true;
  outbox.onDrain();
  await Promise.all(sends);
  assertEquals([outbox.queued, outbox.sent], [0, 4]);
});

test("Outbox takes a Blob that is larger than may wait, where the transport takes it at once", async () => {
  const { owner, outbox } = createOutbox();
  await outbox.send(new Blob(["x".repeat(1_000)]));
  assertEquals(owner.overflows, 0);
});

test("Outbox hides no failure of a Blob or a stream where nobody awaits its send", async () => {
  const { link, outbox } = createOutbox();
  const failure = new Error("the source failed");
  const broken = new ReadableStream<string>({ start: (controller) => controller.error(failure) });
  assertEquals(await unhandled(() => void outbox.send(broken)), [failure]);
  const mixed = await unhandled(() => void outbox.send(ReadableStream.from([1 as never])));
  assert(mixed[0] instanceof TypeError && mixed.length === 1, String(mixed));
  // The next message does not wait for it.
  await outbox.send("next");
  assertEquals(link.sent.at(-1), "text next");
}, { skip: runtime === "bun" ? "Bun's runner reports it, and fails the file" : undefined });

test("Outbox reports to nobody what the end of its connection has left undone", async () => {
  const { owner, outbox } = createOutbox();
  const { stream } = controlled<string>();
  const closed = new WebSocketClosedError("Cannot send message: connection is closed", {
    code: 1006,
    reason: "",
    wasClean: false,
  });
  const told = await unhandled(() => {
    void outbox.send(stream);
    void outbox.send(new Blob(["behind"]));
    owner.error = closed;
    outbox.giveUp();
    outbox.end();
  });
  assertEquals(told, []);
});

test("Outbox ends the source of a stream once", async () => {
  const { owner, outbox } = createOutbox();
  let returned = 0;
  const endless: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => Promise.resolve({ value: ++returned, done: true }),
    }),
  };
  const sent = outbox.send(endless);
  await settle();
  owner.error = new Error("over");
  outbox.giveUp();
  outbox.giveUp();
  outbox.end();
  await assertRejects(() => sent, Error, "over");
  await settle();
  assertEquals(returned, 1);
});

test("Outbox refuses what is no message, and sends nothing of it", async () => {
  const { link, outbox } = createOutbox();
  for (const value of [7, null, undefined, () => {}, new Map()]) {
    await assertRejects(() => outbox.send(value), TypeError, "Cannot send message");
  }
  assertEquals([link.calls, outbox.sent, outbox.backlog], [[], 0, undefined]);
});

test("Outbox is ready again at once up to the mark, and above it where the link writes", async () => {
  const { link, outbox } = createOutbox();
  assertStrictEquals(outbox.send("x".repeat(10)), READY);
  assertEquals(link.calls.includes("flush"), false);
  assertStrictEquals(outbox.send("x"), READY);
  assertEquals(link.calls.at(-1), "flush");
  await settle();
});

test("Outbox holds back its promise above the mark until the link drains, one for all", async () => {
  const { link, outbox } = createOutbox();
  link.writes = false;
  const first = outbox.send("x".repeat(11)), second = outbox.send("y");
  assertStrictEquals(first, second);
  assertEquals(await stateOf(first), "pending");
  outbox.onDrain();
  await first;
  const third = outbox.send("z");
  assertEquals(await stateOf(third), "pending");
  outbox.onDrain();
  await third;
});

test("Outbox rejects what it has held back at the end", async () => {
  const { link, owner, outbox } = createOutbox();
  link.writes = false;
  const held = outbox.send("x".repeat(11));
  // Nobody looks at this one, and it is not reported.
  void outbox.send("y");
  owner.error = new RangeError("over");
  outbox.end();
  assertStrictEquals(await assertRejects(() => held), owner.error);
});

test("Outbox rejects what waits for its source at the end", async () => {
  const { owner, outbox } = createOutbox();
  const { stream } = controlled<string>();
  const held = outbox.send(stream);
  await settle();
  owner.error = new RangeError("over");
  outbox.end();
  assertStrictEquals(await assertRejects(() => held), owner.error);
});

test("Outbox keeps the order of the calls behind Blobs and streams", async () => {
  const { link, outbox } = createOutbox();
  const { stream, controller } = controlled<string>();
  const sends = [
    outbox.send("1"),
    outbox.send(stream),
    outbox.send("2"),
    outbox.send(new Blob(["3"])),
    outbox.send(bytes("4")),
    outbox.send({ five: 5 }),
  ];
  const { backlog } = outbox;
  assert(backlog !== undefined);
  await settle();
  assertEquals([link.sent, outbox.sent], [["text 1"], 1]);
  assertEquals(await stateOf(backlog), "pending");
  controller.enqueue("a");
  controller.enqueue("b");
  await settle();
  assertEquals(link.sent, ["text 1", "begin text a", "more b"]);
  controller.close();
  await Promise.all(sends);
  await backlog;
  assertEquals(link.sent.slice(3), ["last", "text 2", "binary 3", "binary 4", 'text {"five":5}']);
  assertEquals([outbox.sent, outbox.backlog], [6, undefined]);
  assertStrictEquals(outbox.send("at once again"), READY);
  await settle();
});

test("Outbox sends what a stream sends as it is first read after that stream", async () => {
  const { link, outbox } = createOutbox();
  let inner: Promise<unknown> | undefined;
  async function* source() {
    inner = Promise.all([outbox.send(new Blob(["blob"])), outbox.send("text")]);
    yield "a";
    await settle();
    yield "b";
  }
  await outbox.send(source());
  await inner;
  assertEquals(link.sent, ["begin text a", "more b", "last", "binary blob", "text text"]);
});

test("Outbox goes on behind a Blob or a stream that fails", async () => {
  const { link, outbox } = createOutbox();
  const { stream, controller } = controlled<string>();
  const failing = outbox.send(stream);
  const after = outbox.send("after");
  controller.error(new RangeError("source"));
  await assertRejects(() => failing, RangeError, "source");
  await after;
  assertEquals(link.sent, ["text after"]);
});

test("Outbox copies an array that waits, unless it is larger than the mark", async () => {
  const { link, outbox } = createOutbox();
  const small = bytes("small"), large = bytes("larger than ten");
  void outbox.send(new Blob(["first"]));
  const sends = [outbox.send(small), outbox.send(large)];
  small.fill(0);
  await Promise.all(sends);
  assertEquals(link.sent, ["binary first", "binary small", "binary larger than ten"]);
  assertStrictEquals(link.arrays[2], large);
  const direct = bytes("direct");
  await outbox.send(direct);
  assertStrictEquals(link.arrays[3], direct);
});

test("Outbox gives a stream the type of its first piece, binary where there is none", async () => {
  const { link, outbox } = createOutbox();
  for (const pieces of [["é", "b"], [bytes(""), bytes("a"), bytes("b")], []]) {
    await outbox.send(ReadableStream.from(pieces as Iterable<string | Uint8Array>));
  }
  assertEquals(link.sent, [
    ...["begin text é", "more b", "last"],
    ...["begin binary a", "more b", "last"],
    ...["begin binary ", "last"],
  ]);
  assertEquals(outbox.sent, 3);
});

test("Outbox draws no further piece of a stream while too much waits to be written", async () => {
  const { link, outbox } = createOutbox();
  link.writes = false;
  let drawn = 0;
  const sending = outbox.send((async function* () {
    for (; drawn < 3; drawn++) yield "x".repeat(11);
  })());
  await settle();
  assertEquals(link.sent.length, 1);
  for (let i = 2; i <= 3; i++) {
    outbox.onDrain();
    await settle();
    assertEquals(link.sent.length, i);
  }
  outbox.onDrain();
  await settle();
  outbox.onDrain();
  await sending;
  assertEquals([drawn, link.sent.at(-1)], [3, "last"]);
});

test("Outbox tells of a message that was begun and cannot be finished, and of no other", async () => {
  for (const begun of [false, true]) {
    const { link, owner, outbox } = createOutbox();
    const { stream, controller } = controlled<string>();
    const sending = outbox.send(stream);
    if (begun) controller.enqueue("a");
    await settle();
    controller.error(new RangeError("source"));
    await assertRejects(() => sending, RangeError, "source");
    assertEquals([link.sent.length, owner.unfinished], begun ? [1, 1] : [0, 0]);
    assertEquals(outbox.sent, 0);
  }
});

test("Outbox begins no message for a stream whose first piece is neither text nor bytes", async () => {
  const { link, owner, outbox } = createOutbox();
  const numbers = ReadableStream.from([7]);
  await assertRejects(() => outbox.send(numbers), TypeError, "a number within a stream");
  assertEquals([link.sent, owner.unfinished], [[], 0]);
});

test("Outbox tells of a stream that mixes text and bytes as of one that failed", async () => {
  const { owner, outbox } = createOutbox();
  const mixed = ReadableStream.from<string | Uint8Array>(["a", bytes("b")]);
  await assertRejects(() => outbox.send(mixed), TypeError, "mixes");
  assertEquals(owner.unfinished, 1);
});

test("Outbox checks before each thing that had to wait whether it can still be sent", async () => {
  const { link, owner, outbox } = createOutbox();
  const { stream, controller, isCancelled } = controlled<string>();
  const sends = [outbox.send(stream), outbox.send("b"), outbox.send(new Blob(["c"]))];
  controller.enqueue("a");
  await settle();
  owner.error = new RangeError("closed");
  controller.enqueue("too late");
  for (const send of sends) assertStrictEquals(await assertRejects(() => send), owner.error);
  assertEquals([link.sent, owner.unfinished, isCancelled()], [["begin text a"], 1, true]);
});

test("Outbox sends no Blob and finishes no stream that was read too late", async () => {
  const { link, owner, outbox } = createOutbox();
  const blob = outbox.send(new Blob(["a"]));
  owner.error = new RangeError("closed");
  assertStrictEquals(await assertRejects(() => blob), owner.error);
  await settle();
  owner.error = undefined;
  const { stream, controller } = controlled<string>();
  const send = outbox.send(stream);
  controller.enqueue("b");
  await settle();
  owner.error = new RangeError("closed");
  controller.close();
  assertStrictEquals(await assertRejects(() => send), owner.error);
  assertEquals([link.sent, owner.unfinished], [["begin text b"], 1]);
});

test("Outbox gives up a send whose source does not go on, and those behind it", async () => {
  const { link, owner, outbox } = createOutbox();
  const { stream } = controlled<string>();
  const sends = [outbox.send(stream), outbox.send("behind")];
  await settle();
  owner.error = new RangeError("closed");
  outbox.giveUp();
  for (const send of sends) assertStrictEquals(await assertRejects(() => send), owner.error);
  await settle();
  assertEquals([link.sent, outbox.backlog], [[], undefined]);
  // There is nothing left to be given up.
  outbox.giveUp();
});

test("Outbox flushes once for all that is sent in a turn, answers and pings included", async () => {
  for (const answering of [false, true]) {
    const { link, owner, outbox } = createOutbox();
    owner.answering = answering;
    for (let turn = 1; turn <= 3; turn++) {
      for (let i = 0; i < 5; i++) {
        void outbox.send("x");
        if (answering) await undefined;
      }
      assertEquals(link.calls.filter((call) => call === "flush").length, turn - 1);
      await settle();
      await settle();
      assertEquals(link.calls.filter((call) => call === "flush").length, turn);
    }
    outbox.noteControlFrame();
    await settle();
    assertEquals(link.calls.at(-1), "flush");
  }
});

test("Outbox tells of a peer that is further behind than it may be, and of no other", async () => {
  const { link, owner, outbox } = createOutbox();
  void outbox.send("a".repeat(101));
  assertEquals([link.bufferedAmount, owner.overflows], [0, 0]);
  link.writes = false;
  void outbox.send("a".repeat(100));
  assertEquals(owner.overflows, 0);
  const waiting = outbox.send("b");
  assertEquals([owner.overflows, await stateOf(waiting)], [1, "pending"]);
  link.bufferedAmount = 0;
  outbox.onDrain();
  await waiting;
});

test("Outbox writes a lone answer at once, as long as each message has one", async () => {
  const { link, owner, outbox } = createOutbox();
  const flushes = () => link.calls.filter((call) => call === "flush").length;
  // The first time nothing is known: the end of the turn is looked for.
  owner.received++;
  void outbox.send("a");
  assertEquals(flushes(), 0);
  await settle();
  assertEquals(flushes(), 1);

  owner.received++;
  void outbox.send("b");
  assertEquals(flushes(), 2);
  await settle();
  assertEquals(flushes(), 2);

  // A second answer gathers, and teaches that more than one may come.
  owner.received++;
  void outbox.send("c");
  void outbox.send("d");
  void outbox.send("e");
  assertEquals(flushes(), 3);
  await settle();
  assertEquals(flushes(), 4);
  owner.received++;
  void outbox.send("f");
  assertEquals(flushes(), 4);
  await settle();
  assertEquals(flushes(), 5);
});

test("Outbox gathers answers while more messages wait for theirs", async () => {
  const { link, owner, outbox } = createOutbox();
  for (let i = 0; i < 2; i++) {
    owner.received++;
    void outbox.send("a");
    await settle();
  }
  link.calls.length = 0;
  owner.answering = true;
  owner.received += 2;
  void outbox.send("b");
  void outbox.send("c");
  assertEquals(link.calls.includes("flush"), false);
});

test("Outbox looks for no end of the turn where the link gathers nothing", async () => {
  const { link, outbox } = createOutbox();
  Object.assign(link, { gathers: false });
  await outbox.send("a");
  await settle();
  assertEquals(link.calls, ["text a"]);
});

test("Outbox counts what waits behind a stream, until it is handed over or refused", async () => {
  for (const end of ["sent", "refused"]) {
    const { link, owner, outbox } = createOutbox();
    const { stream, controller } = controlled<string>();
    const waiting = [stream, "text", bytes("array"), { a: 1 }].map((value) => outbox.send(value));
    assertEquals(outbox.queued, 16);
    if (end === "refused") owner.error = new RangeError("closed");
    controller.close();
    await Promise.allSettled(waiting);
    await settle();
    assertEquals([outbox.queued, owner.overflows], [0, 0]);
    assertEquals(link.sent.includes("text text"), end === "sent");
  }
});

test("Outbox tells of a peer that is further behind than it may be, though a stream is under way", async () => {
  const { link, owner, outbox } = createOutbox();
  const { stream, controller } = controlled<string>();
  void outbox.send(stream).catch(() => {});
  // What leaves when it is flushed does not count.
  link.bufferedAmount = 90;
  void outbox.send("a".repeat(60));
  assertEquals([outbox.queued, owner.overflows, link.bufferedAmount], [60, 0, 0]);
  void outbox.send("b".repeat(41));
  assertEquals([outbox.queued, owner.overflows], [101, 1]);
  controller.close();
  await settle();
});

test("Outbox ends the source of a stream that it gives up, and of those behind it", async () => {
  const { owner, outbox } = createOutbox();
  const silent = controlled<string>(), behind = controlled<string>();
  const sends = [outbox.send(silent.stream), outbox.send(behind.stream)];
  silent.controller.enqueue("a");
  await settle();
  owner.error = new RangeError("closed");
  outbox.end();
  for (const send of sends) assertStrictEquals(await assertRejects(() => send), owner.error);
  await settle();
  assertEquals([silent.isCancelled(), behind.isCancelled()], [true, true]);
  assertEquals([silent.stream.locked, behind.stream.locked], [false, false]);
});
