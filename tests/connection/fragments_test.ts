import { assert, assertEquals, assertRejects } from "@std/assert";
import { openSource, readFragments, refuseSource } from "../../src/connection/fragments.ts";
import type { Payload, PayloadStream } from "../../src/connection/sendable.ts";
import { test } from "../harness.ts";
import { bytes, concat } from "../protocol/frames.ts";
import { settle } from "./fake_transport.ts";

async function collect(
  stream: PayloadStream,
): Promise<{ type: string | undefined; pieces: Uint8Array[] }> {
  const { type, pieces } = await readFragments(openSource(stream));
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece.slice());
  return { type, pieces: collected };
}

/** The pieces as a stream, and as a generator. */
function sources(...pieces: readonly unknown[]): PayloadStream[] {
  return [
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece as Payload);
        controller.close();
      },
    }),
    (async function* () {
      yield* pieces as Payload[];
    })(),
  ];
}

test("readFragments tells text from bytes by the first piece", async () => {
  for (const source of sources("a", "é", "b")) {
    assertEquals(await collect(source), {
      type: "text",
      pieces: [bytes("a"), bytes("é"), bytes("b")],
    });
  }
  for (const source of sources(Uint8Array.of(1), Uint8Array.of(2, 3))) {
    assertEquals(await collect(source), {
      type: "binary",
      pieces: [Uint8Array.of(1), Uint8Array.of(2, 3)],
    });
  }
});

test("readFragments passes over empty pieces; no piece at all is of no type", async () => {
  const none = new Uint8Array(0);
  for (const source of sources()) {
    assertEquals(await collect(source), { type: undefined, pieces: [] });
  }
  for (const source of sources(none, Uint8Array.of(1), none)) {
    assertEquals(await collect(source), { type: "binary", pieces: [Uint8Array.of(1)] });
  }
  for (const source of sources("", "a", "")) {
    assertEquals(await collect(source), { type: "text", pieces: [bytes("a")] });
  }
  for (const source of sources("", "")) {
    assertEquals(await collect(source), { type: "text", pieces: [] });
  }
});

test("readFragments joins surrogates that two pieces share", async () => {
  const text = "a😀b\ud83d\ud83d\ude00c";
  for (let cut = 0; cut <= text.length; cut++) {
    for (const source of sources(text.slice(0, cut), "", text.slice(cut))) {
      const { type, pieces } = await collect(source);
      assertEquals(type, "text");
      assertEquals(concat(...pieces), bytes(text), `cut at ${cut}`);
      assert(pieces.every((piece) => piece.length > 0));
    }
  }
  for (const source of sources(...text.split(""))) {
    assertEquals(concat(...(await collect(source)).pieces), bytes(text));
  }
  for (const source of sources("a\ud83d")) {
    assertEquals(concat(...(await collect(source)).pieces), bytes("a\ufffd"));
  }
});

test("readFragments refuses a mixture, and pieces of another kind", async () => {
  for (const pieces of [["a", Uint8Array.of(1)], [Uint8Array.of(1), "a"]]) {
    for (const source of sources(...pieces)) {
      await assertRejects(() => collect(source), TypeError, "mixes");
    }
  }
  for (const pieces of [[5], [null], [undefined], [new ArrayBuffer(2)], [Uint8Array.of(1), {}]]) {
    for (const source of sources(...pieces)) {
      await assertRejects(() => collect(source), TypeError, "Cannot send message");
    }
  }
});

test("readFragments throws what the stream throws, before and after its first piece", async () => {
  const failing = async function* (count: number) {
    for (let i = 0; i < count; i++) yield "piece";
    throw new RangeError("source");
  };
  await assertRejects(() => readFragments(openSource(failing(0))), RangeError, "source");
  await assertRejects(() => collect(failing(1)), RangeError, "source");
  await assertRejects(() => collect(failing(3)), RangeError, "source");
});

test("readFragments ends its source where the reader leaves", async () => {
  let ended = 0;
  const generator = async function* () {
    try {
      for (;;) yield "piece";
    } finally {
      ended++;
    }
  };
  const stream = new ReadableStream<string>({
    pull: (controller) => controller.enqueue("piece"),
    cancel: () => void ended++,
  });
  for (const source of [generator(), stream]) {
    const { pieces } = await readFragments(openSource(source));
    for await (const _piece of pieces) break;
  }
  await settle();
  assertEquals(ended, 2);
});

test("readFragments asks no source to end that has ended, or failed, by itself", async () => {
  for (const last of ["end", "failure"]) {
    let returned = 0;
    let left = 2;
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next() {
          if (left-- > 0) return Promise.resolve({ value: "piece", done: false });
          if (last === "failure") return Promise.reject(new RangeError("source"));
          return Promise.resolve({ value: undefined, done: true });
        },
        return() {
          returned++;
          return Promise.resolve({ value: undefined, done: true });
        },
      }),
    };
    if (last === "failure") await assertRejects(() => collect(source), RangeError, "source");
    else assertEquals((await collect(source)).pieces.length, 2);
    await settle();
    assertEquals(returned, 0, last);
  }
});

test("openSource ends a stream that has nothing to say, and gives it free", async () => {
  let reason: unknown;
  const stream = new ReadableStream<string>({ cancel: (given) => void (reason = given) });
  const source = openSource(stream);
  const next = source.next();
  source.cancel("enough");
  assertEquals(await next, { value: undefined, done: true });
  await settle();
  assertEquals([reason, stream.locked], ["enough", false]);
});

test("openSource gives a stream free that has ended", async () => {
  const stream = sources("a")[0] as ReadableStream<string>;
  const source = openSource(stream);
  assertEquals(await source.next(), { value: "a", done: false });
  assertEquals(await source.next(), { value: undefined, done: true });
  assertEquals(stream.locked, false);
  source.cancel();
  await settle();
});

test("refuseSource ends a stream that nobody reads, and leaves everything else alone", async () => {
  let cancelled = 0;
  const stream = () => new ReadableStream<string>({ cancel: () => void cancelled++ });
  const locked = stream();
  const reader = locked.getReader();
  for (const value of [stream(), locked, "text", undefined, null, sources("a")[1]]) {
    refuseSource(value, new Error("closed"));
  }
  await settle();
  assertEquals(cancelled, 1);
  reader.releaseLock();
});
