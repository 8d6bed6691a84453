import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { StreamTransport } from "../../src/connection/stream_transport.ts";
import { test } from "../harness.ts";
import { settle } from "./fake_transport.ts";
import { RecordingSink } from "./recording_sink.ts";
import { SlowStream } from "./slow_stream.ts";
import { noise, settled, transportBattery, written } from "./transport_battery.ts";

/** Two transports over a pair of identity pipes, which pass chunks by reference. */
function pipes(): Promise<{ near: StreamTransport; far: StreamTransport; dispose(): void }> {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return Promise.resolve({
    near: new StreamTransport({ readable: back.readable, writable: there.writable }),
    far: new StreamTransport({ readable: there.readable, writable: back.writable }),
    dispose() {},
  });
}

/** The same, read through byte streams. */
async function bytePipes(): Promise<
  { near: StreamTransport; far: StreamTransport; dispose(): void }
> {
  const { near, far } = rawBytePipes();
  return await Promise.resolve({
    near: new StreamTransport(near),
    far: new StreamTransport(far),
    dispose() {},
  });
}

function rawBytePipes() {
  const there = bytePipe();
  const back = bytePipe();
  return {
    near: { readable: back.readable, writable: there.writable },
    far: { readable: there.readable, writable: back.writable },
  };
}

function bytePipe(): {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
} {
  let input: ReadableByteStreamController;
  let output: WritableStreamDefaultController;
  let pulled = Promise.withResolvers<void>();
  const readable = new ReadableStream({
    type: "bytes",
    start(controller) {
      input = controller;
    },
    pull() {
      pulled.resolve();
    },
    cancel(reason) {
      output.error(reason);
      pulled.resolve();
    },
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      output = controller;
    },
    async write(chunk) {
      await pulled.promise;
      pulled = Promise.withResolvers<void>();
      input.enqueue(chunk.slice());
    },
    close() {
      input.close();
    },
    abort(reason) {
      input.error(reason);
    },
  });
  return { readable, writable };
}

transportBattery("StreamTransport over pipes", pipes);
transportBattery("StreamTransport over byte streams", bytePipes);

test("StreamTransport does not overwrite chunks that somebody else keeps", async () => {
  for (const length of [3, 65_536, 65_537]) {
    const kept = new Uint8Array(length).fill(7);
    const sink = new RecordingSink();
    const transport = new StreamTransport({
      readable: new ReadableStream({
        start(controller) {
          controller.enqueue(kept);
          controller.close();
        },
      }),
      writable: new WritableStream(),
    });
    transport.attach(sink);
    await sink.called("eof");
    assertEquals(sink.byteLength, length);
    assert(kept.every((byte) => byte === 7), `${length} bytes`);
    transport.close();
  }
});

test("StreamTransport does not hand out memory that the writer uses again", async () => {
  const { readable, writable } = deepPipe();
  const sink = new RecordingSink();
  const transport = new StreamTransport({ readable: new ReadableStream(), writable });
  transport.attach(sink);
  const chunk = new Uint8Array(4);
  for (let i = 0; i < 3; i++) {
    chunk.fill(i);
    await written(transport, sink, chunk);
  }
  transport.closeWrite();
  const chunks = await Array.fromAsync(readable);
  assertEquals(chunks.map((chunk) => chunk[0]), [0, 1, 2]);
  transport.close();
});

test("StreamTransport has a chunk taken once the stream's write has ended, whatever it queues", async () => {
  for (const highWaterMark of [0, 1, 16]) {
    const stream = new SlowStream(highWaterMark);
    const sink = new RecordingSink();
    const transport = new StreamTransport(stream);
    transport.attach(sink);
    await settle();
    for (let times = 1; times <= 3; times++) {
      assertEquals(transport.write(Uint8Array.of(times)), false);
      await settle();
      assertEquals(sink.count("drained"), times - 1, `a mark of ${highWaterMark}`);
      await stream.take();
      await sink.called("drained", times);
    }
    assertEquals(stream.bytes, Uint8Array.of(1, 2, 3));
    transport.close();
  }
});

test("StreamTransport tells how much of a large chunk the stream has taken", async () => {
  const stream = new SlowStream();
  const sink = new RecordingSink();
  const transport = new StreamTransport(stream);
  transport.attach(sink);
  const chunk = noise(600_000, 9);
  transport.write(chunk);
  transport.closeWrite();
  for (const [left, length] of [[600_000, 262_144], [337_856, 262_144], [75_712, 75_712]]) {
    await settle();
    assertEquals([transport.unwritten, sink.calls], [left, []]);
    assertEquals(await stream.take(), length);
  }
  await sink.called("drained");
  await settle();
  assertEquals([transport.unwritten, stream.ends], [0, ["close"]]);
  assertEquals(stream.bytes, chunk);
  transport.close();
});

const ORDERLY_ENDS: readonly (readonly [
  name: string,
  end: (transport: StreamTransport, sink: RecordingSink, endInput: () => void) => Promise<void>,
])[] = [
  ["our own end", (transport) => Promise.resolve(transport.closeWrite())],
  ["the peer's end", async (_, sink, endInput) => {
    endInput();
    await sink.called("eof");
  }],
  ["both ends", async (transport, sink, endInput) => {
    endInput();
    await sink.called("eof");
    transport.closeWrite();
  }],
];

for (const [name, end] of ORDERLY_ENDS) {
  test(`StreamTransport close() behind ${name} leaves what was taken to be read`, async () => {
    const { readable, writable } = deepPipe();
    const input = new TransformStream<Uint8Array, Uint8Array>();
    const sink = new RecordingSink();
    const transport = new StreamTransport({ readable: input.readable, writable });
    transport.attach(sink);
    for (let i = 0; i < 3; i++) await written(transport, sink, Uint8Array.of(i));
    await end(transport, sink, () => void input.writable.close());
    transport.close();
    await settle();
    const chunks = await Array.fromAsync(readable);
    assertEquals(chunks.map((chunk) => chunk[0]), [0, 1, 2]);
  });
}

test("StreamTransport close() aborts a write that is under way behind an end as well", async () => {
  const stream = new SlowStream();
  const transport = new StreamTransport(stream);
  transport.attach(new RecordingSink());
  transport.write(Uint8Array.of(1));
  transport.closeWrite();
  await settle();
  transport.close();
  await stream.take();
  await settle();
  assertEquals(stream.ends, ["abort"]);
});

/** A pipe that takes what nobody reads yet. */
function deepPipe(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({}, { highWaterMark: 16 }, { highWaterMark: 16 });
}

test("StreamTransport keeps the rest of a large chunk while paused, and delivers it once", async () => {
  const sink = new RecordingSink();
  const chunk = new Uint8Array(200_000).map((_, at) => at % 251);
  const transport = new StreamTransport({
    readable: new ReadableStream({
      start(controller) {
        controller.enqueue(chunk);
        controller.enqueue(Uint8Array.of(1, 2, 3));
        controller.close();
      },
    }),
    writable: new WritableStream(),
  });
  sink.onReceive = () => transport.pause();
  transport.attach(sink);
  for (let pieces = 1; pieces <= 5; pieces++) {
    await sink.called("receive", pieces);
    await settled(() => sink.calls.length);
    assertEquals(sink.count("receive"), pieces);
    transport.resume();
  }
  await sink.called("eof");
  const received = sink.bytes();
  assertEquals(received.subarray(-3), Uint8Array.of(1, 2, 3));
  assert(chunk.every((byte, at) => byte === received[at]));
  transport.close();
});

test("StreamTransport tells of each side that fails, once", async () => {
  const cases: [string, (stream: Controllers) => void, boolean, string[]][] = [
    ["readable", ({ input, error }) => input.error(error), false, ["lost"]],
    ["writable", ({ output, error }) => output.error(error), false, ["writeFailed"]],
    [
      "both",
      ({ input, output, error }) => (input.error(error), output.error(error)),
      false,
      ["lost"],
    ],
    ["writable while paused", ({ output, error }) => output.error(error), true, ["writeFailed"]],
  ];
  for (const [name, fail, paused, calls] of cases) {
    const { stream, controllers } = controlled();
    const sink = new RecordingSink();
    const transport = new StreamTransport(stream);
    transport.attach(sink);
    if (paused) transport.pause();
    transport.write(Uint8Array.of(1));
    fail(controllers);
    await sink.called(calls.at(-1)!);
    await settled(() => sink.calls.length);
    assertEquals(sink.calls, calls, name);
    assertEquals(sink.error, controllers.error, name);
    transport.close();
  }
});

test("StreamTransport delivers what the peer sent before its writable failed", async () => {
  const { stream, controllers } = controlled();
  const sink = new RecordingSink();
  const transport = new StreamTransport(stream);
  transport.attach(sink);
  transport.pause();
  controllers.input.enqueue(Uint8Array.of(1));
  controllers.output.error(controllers.error);
  await sink.called("writeFailed");
  // Dropped.
  assertEquals(transport.write(Uint8Array.of(2)), true);
  transport.closeWrite();
  transport.resume();
  controllers.input.enqueue(Uint8Array.of(3));
  controllers.input.close();
  await sink.called("eof");
  assertEquals(sink.bytes(), Uint8Array.of(1, 3));
  assertEquals(sink.count("lost"), 0);
  transport.close();
});

test("StreamTransport tells of a writable that failed before attach", async () => {
  const { stream, controllers } = controlled();
  const transport = new StreamTransport(stream);
  controllers.output.error(controllers.error);
  await settled(() => 0);
  const sink = new RecordingSink();
  transport.attach(sink);
  await sink.called("writeFailed");
  assertEquals(sink.error, controllers.error);
  transport.close();
});

test("StreamTransport tells of a write that fails though the stream does not, once", async () => {
  const writable = new WritableStream<Uint8Array>();
  await writable.close();
  const sink = new RecordingSink();
  const transport = new StreamTransport({ readable: new ReadableStream(), writable });
  transport.attach(sink);
  assertEquals(transport.write(Uint8Array.of(1)), false);
  await sink.called("writeFailed");
  assertInstanceOf(sink.error, TypeError);
  assertEquals(transport.write(Uint8Array.of(2)), true);
  transport.close();
  await settled(() => sink.calls.length);
  assertEquals(sink.calls, ["writeFailed"]);
});

test("StreamTransport gives an error where the stream does not say why it failed", async () => {
  for (const [side, call] of [["output", "writeFailed"], ["input", "lost"]] as const) {
    const { stream, controllers } = controlled();
    const transport = new StreamTransport(stream);
    const sink = new RecordingSink();
    transport.attach(sink);
    controllers[side].error();
    await sink.called(call);
    assertInstanceOf(sink.error, Error, side);
    transport.close();
  }
});

test("StreamTransport is lost where a chunk is no Uint8Array", async () => {
  const sink = new RecordingSink();
  const readable = new ReadableStream<unknown>({
    start: (controller) => controller.enqueue("text"),
  });
  new StreamTransport({
    readable: readable as ReadableStream<Uint8Array>,
    writable: new WritableStream(),
  }).attach(sink);
  await sink.called("lost");
  assert(sink.error instanceof TypeError);
});

test("StreamTransport close() cancels the readable and aborts the writable", async () => {
  const reasons: unknown[] = [];
  const transport = new StreamTransport({
    readable: new ReadableStream({
      cancel(reason) {
        reasons.push(reason);
        return Promise.reject(new Error("cancel failed"));
      },
    }),
    writable: new WritableStream({
      abort(reason) {
        reasons.push(reason);
        return Promise.reject(new Error("abort failed"));
      },
    }),
  });
  transport.attach(new RecordingSink());
  transport.close();
  await settled(() => reasons.length);
  assertEquals(reasons.map((reason) => (reason as DOMException).name), [
    "AbortError",
    "AbortError",
  ]);
});

test("StreamTransport refuses a locked stream and locks nothing then", () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const reader = readable.getReader();
  assertThrows(() => new StreamTransport({ readable, writable }), TypeError, "readable");
  reader.releaseLock();
  const writer = writable.getWriter();
  assertThrows(() => new StreamTransport({ readable, writable }), TypeError, "writable");
  writer.releaseLock();
  assert(!readable.locked && !writable.locked);
});

test("StreamTransport has no noDelay to set", () => {
  const transport = new StreamTransport(controlled().stream);
  assertEquals(transport.supportsNoDelay, false);
  assertThrows(() => transport.setNoDelay(true), Error, "no such switch");
});

interface Controllers {
  readonly input: ReadableStreamDefaultController<Uint8Array>;
  readonly output: WritableStreamDefaultController;
  readonly error: Error;
}

/** Streams that a test can let fail. */
function controlled() {
  let input: ReadableStreamDefaultController<Uint8Array>;
  let output: WritableStreamDefaultController;
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      input = controller;
    },
  });
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      output = controller;
    },
  });
  const controllers: Controllers = { input: input!, output: output!, error: new Error("broken") };
  return { stream: { readable, writable }, controllers };
}

test("StreamTransport delivers what a pause has left to who is named after resume", async () => {
  const chunk = Uint8Array.from({ length: 65_536 + 100 }, (_, i) => i % 251);
  const transport = new StreamTransport({
    readable: new ReadableStream({
      start(controller) {
        controller.enqueue(chunk);
        controller.close();
      },
    }),
    writable: new WritableStream(),
  });
  const [first, second] = [new RecordingSink(), new RecordingSink()];
  first.onReceive = () => transport.pause();
  transport.attach(first);
  await first.called("receive");
  transport.resume();
  assertEquals(first.count("receive"), 1, "nothing comes from within resume");
  transport.attach(second);
  await second.called("eof");
  assertEquals([first.byteLength, second.bytes()], [65_536, chunk.slice(65_536)]);
  transport.close();
});

test("StreamTransport delivers nothing once paused or closed again behind resume", async () => {
  for (const end of ["pause", "close"] as const) {
    const transport = new StreamTransport({
      readable: new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(70_000)),
      }),
      writable: new WritableStream(),
    });
    const sink = new RecordingSink();
    sink.onReceive = () => transport.pause();
    transport.attach(sink);
    await sink.called("receive");
    transport.resume();
    transport[end]();
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(sink.count("receive"), 1, end);
    if (end === "pause") {
      transport.resume();
      await sink.called("receive", 2);
      assertEquals(sink.byteLength, 70_000);
    }
    transport.close();
  }
});
