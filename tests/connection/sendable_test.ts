import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  openSource,
  type Payload,
  type PayloadStream,
  readFragments,
  refuseSource,
  toControlPayload,
  toPayload,
} from "../../src/connection/sendable.ts";
import { test } from "../harness.ts";
import { bytes, concat } from "../protocol/frames.ts";
import { settle } from "./fake_transport.ts";

test("toPayload takes text and bytes as they are", () => {
  assertEquals(toPayload("text"), "text");
  const data = Uint8Array.of(1, 2);
  assertStrictEquals(toPayload(data), data);
});

test("toPayload looks at the bytes of every view, not at its elements", () => {
  const { buffer } = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  assertEquals(toPayload(new DataView(buffer, 1, 2)), Uint8Array.of(1, 2));
  assertEquals(toPayload(new Uint16Array(buffer, 2, 2)), Uint8Array.of(2, 3, 4, 5));
  assertEquals(toPayload(new Float64Array(buffer, 8, 1)), new Uint8Array(buffer, 8, 8));
  assertEquals(toPayload(new Uint8ClampedArray(buffer, 3, 1)), Uint8Array.of(3));
  assertEquals(toPayload(buffer), new Uint8Array(buffer));
});

test("toPayload makes JSON of plain objects, arrays, and what has a toJSON", () => {
  assertEquals(toPayload({ a: 1, b: [null, "x"] }), '{"a":1,"b":[null,"x"]}');
  assertEquals(toPayload([1, { a: 2 }]), '[1,{"a":2}]');
  assertEquals(toPayload([]), "[]");
  assertEquals(toPayload(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  assertEquals(toPayload(new Date(0)), '"1970-01-01T00:00:00.000Z"');
  class Point {
    toJSON(): unknown {
      return { x: 1 };
    }
  }
  assertEquals(toPayload(new Point()), '{"x":1}');
});

test("toPayload refuses what is no message, naming it", () => {
  class Point {
    readonly x = 1;
  }
  const refused: readonly (readonly [unknown, string])[] = [
    [undefined, "undefined"],
    [null, "null"],
    [5, "number"],
    [NaN, "number"],
    [5n, "bigint"],
    [true, "boolean"],
    [Symbol("s"), "symbol"],
    [() => {}, "function"],
    [new Point(), "Point"],
    [new Map(), "Map"],
    [new Set([1]), "Set"],
    [/x/, "RegExp"],
    [Promise.resolve("x"), "Promise"],
    [new String("x"), "String"],
    [new SharedArrayBuffer(8), "SharedArrayBuffer"],
    [new Error("x"), "Error"],
    [{ toJSON: () => undefined }, "Object"],
  ];
  for (const [value, name] of refused) {
    assertThrows(() => toPayload(value), TypeError, name);
  }
});

test("toPayload lets JSON refuse what it cannot write", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  assertThrows(() => toPayload(circular), TypeError);
  assertThrows(() => toPayload([5n]), TypeError);
});

test("toPayload gives Blobs and streams back as they are", () => {
  const sources = [new Blob(["x"]), new ReadableStream(), (async function* () {})()];
  for (const source of sources) assertStrictEquals(toPayload(source), source);
});

test("toControlPayload takes text and bytes, and refuses numbers", () => {
  assertEquals(toControlPayload("é"), Uint8Array.of(0xc3, 0xa9));
  assertEquals(toControlPayload(Uint8Array.of(1)), Uint8Array.of(1));
  assertEquals(toControlPayload(Uint8Array.of(1, 2).buffer), Uint8Array.of(1, 2));
  assertEquals(toControlPayload(new Uint16Array(2)), new Uint8Array(4));
  for (const value of [5, null, {}, [1], true, new Blob([])]) {
    assertThrows(() => toControlPayload(value), TypeError, "text or bytes");
  }
});

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
