import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { PromiseTransport } from "../../src/adapters/promise_transport.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import { settled } from "../connection/transport_battery.ts";
import { test } from "../harness.ts";

/** What a scripted read brings: so many bytes, the end, or an error. */
type Read = number | null | Error;

/** A socket that does what it is told. */
class ScriptedSocket {
  /** What was asked of it: "read", "delivered", "release", "write", "endWriting", "dispose". */
  readonly calls: string[] = [];
  /** The bytes of each write. */
  readonly writes: number[][] = [];
  /** How many bytes a write takes at most. */
  writeLimit = Infinity;
  writeError: Error | undefined = undefined;
  closeWriteError: Error | undefined = undefined;
  #reads: Read[] = [];
  #pending: PromiseWithResolvers<number | null> | undefined;

  /** How often it was closed. */
  get closed(): number {
    return this.calls.filter((call) => call === "dispose").length;
  }

  /** Lets reads end so, now and later. */
  bring(...reads: Read[]): void {
    this.#reads.push(...reads);
    this.#serve();
  }

  read(): Promise<number | null> {
    this.calls.push("read");
    this.#pending = Promise.withResolvers();
    const { promise } = this.#pending;
    this.#serve();
    return promise;
  }

  write(chunk: Uint8Array): Promise<number> {
    this.calls.push("write");
    if (this.writeError !== undefined) return Promise.reject(this.writeError);
    const taken = chunk.subarray(0, this.writeLimit);
    this.writes.push([...taken]);
    return Promise.resolve(taken.length);
  }

  endWriting(): Promise<void> {
    this.calls.push("endWriting");
    return this.closeWriteError ? Promise.reject(this.closeWriteError) : Promise.resolve();
  }

  dispose(): void {
    this.calls.push("dispose");
    this.#pending?.reject(new Error("Interrupted"));
    this.#pending = undefined;
  }

  #serve(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#reads.length === 0) return;
    const read = this.#reads.shift()!;
    this.#pending = undefined;
    if (read instanceof Error) pending.reject(read);
    else pending.resolve(read);
  }
}

class ScriptedTransport extends PromiseTransport<number | null, number> {
  override readonly remoteAddress = undefined;
  override readonly supportsNoDelay = false;
  readonly #socket: ScriptedSocket;

  constructor(socket: ScriptedSocket) {
    super();
    this.#socket = socket;
  }

  override setNoDelay(): void {}

  protected override startRead(): Promise<number | null> {
    return this.#socket.read();
  }

  protected override bytesRead(length: number | null): Uint8Array | null {
    return length === null ? null : new Uint8Array(length);
  }

  protected override afterDelivery(): void {
    this.#socket.calls.push("delivered");
  }

  protected override releaseReading(): void {
    this.#socket.calls.push("release");
  }

  protected override startWrite(chunk: Uint8Array): Promise<number> {
    return this.#socket.write(chunk);
  }

  protected override bytesWritten(length: number): number {
    return length;
  }

  protected override endWriting(): Promise<void> {
    return this.#socket.endWriting();
  }

  protected override dispose(): void {
    this.#socket.dispose();
  }
}

function scripted() {
  const socket = new ScriptedSocket();
  const transport = new ScriptedTransport(socket);
  const sink = new RecordingSink();
  transport.attach(sink);
  return { socket, transport, sink };
}

test("PromiseTransport asks for the next read once the bytes of the last are delivered", async () => {
  const { socket, transport, sink } = scripted();
  sink.onReceive = () => socket.calls.push("receive");
  socket.bring(2, 3);
  await sink.called("receive", 2);
  await settled(() => socket.calls.length);
  assertEquals(socket.calls, [
    "read",
    "receive",
    "delivered",
    "read",
    "receive",
    "delivered",
    "read",
  ]);
  transport.close();
});

test("PromiseTransport lends the bytes of the last read for as long as it is paused", async () => {
  const { socket, transport, sink } = scripted();
  assert(transport.holdsChunks);
  sink.onReceive = () => transport.pause();
  socket.bring(2, 3);
  await settled(() => socket.calls.length);
  assertEquals(socket.calls, ["read"]);
  transport.resume();
  await settled(() => socket.calls.length);
  assertEquals(socket.calls, ["read", "delivered", "read"]);
  assertEquals(sink.count("receive"), 2);
  transport.close();
  await settled(() => socket.calls.length);
  assertEquals(socket.calls.slice(3), ["dispose", "release"]);
});

test("PromiseTransport reads nothing before attach", async () => {
  const socket = new ScriptedSocket();
  const transport = new ScriptedTransport(socket);
  transport.pause();
  transport.resume();
  socket.bring(1);
  await settled(() => socket.calls.length);
  assertEquals(socket.calls, []);
  transport.close();
});

test("PromiseTransport releases what it reads into once no read is pending", async () => {
  const pending = scripted();
  pending.transport.close();
  assertEquals(pending.socket.calls, ["read", "dispose"]);
  await settled(() => pending.socket.calls.length);
  assertEquals(pending.socket.calls, ["read", "dispose", "release"]);

  const paused = scripted();
  paused.transport.pause();
  paused.socket.bring(1);
  await settled(() => paused.socket.calls.length);
  paused.transport.close();
  assertEquals(paused.socket.calls, ["read", "dispose", "release"]);

  const ended = scripted();
  ended.socket.bring(null);
  await ended.sink.called("eof");
  await settled(() => ended.socket.calls.length);
  assertEquals(ended.socket.calls, ["read", "release"]);
  ended.transport.close();
});

test("PromiseTransport writes on where a part was taken, and tells what is left", async () => {
  const { socket, transport, sink } = scripted();
  const left: number[] = [];
  const write = socket.write.bind(socket);
  socket.write = (chunk) => (left.push(transport.unwritten), write(chunk));
  socket.writeLimit = 2;
  assertEquals(transport.write(Uint8Array.of(1, 2, 3, 4, 5)), false);
  transport.closeWrite();
  await sink.called("drained");
  assertEquals([socket.writes, left], [[[1, 2], [3, 4], [5]], [5, 3, 1]]);
  assertEquals([transport.unwritten, sink.calls], [0, ["drained"]]);
  assertEquals(socket.calls, ["read", "write", "write", "write", "endWriting"]);
  assertEquals(transport.write(Uint8Array.of(6)), true);
  transport.close();
});

test("PromiseTransport writes no more of a chunk once it is closed", async () => {
  const { socket, transport, sink } = scripted();
  socket.writeLimit = 1;
  transport.write(Uint8Array.of(1, 2, 3));
  transport.close();
  await settled(() => socket.writes.length);
  assertEquals([socket.writes, sink.calls], [[[1]], []]);
});

test("PromiseTransport delivers what the peer sent before a write failed", async () => {
  const { socket, transport, sink } = scripted();
  socket.writeError = new Error("Broken pipe");
  transport.write(Uint8Array.of(1));
  await sink.called("writeFailed");
  assertStrictEquals(sink.error, socket.writeError);
  // Dropped.
  assertEquals(transport.write(Uint8Array.of(2)), true);
  transport.pause();
  socket.bring(100);
  await sink.called("receive");
  transport.closeWrite();
  transport.resume();
  socket.bring(100, null);
  await sink.called("eof");
  assertEquals(sink.calls, ["writeFailed", "receive", "receive", "eof"]);
  assertEquals([socket.calls.filter((call) => call !== "read"), socket.closed], [
    ["write", "delivered", "delivered", "release"],
    0,
  ]);
  transport.close();
  assertEquals(socket.closed, 1);
});

test("PromiseTransport tells of each direction that fails, once", async () => {
  const cases: [string, (scene: ReturnType<typeof scripted>) => void, string[], string][] = [
    ["a read fails", ({ socket }) => socket.bring(new Error("reset")), ["lost"], "reset"],
    [
      "a write and then the read fail",
      ({ socket, transport }) => {
        socket.writeError = new Error("pipe");
        transport.write(Uint8Array.of(1));
        queueMicrotask(() => socket.bring(new Error("reset")));
      },
      ["writeFailed", "lost"],
      "reset",
    ],
    [
      "a write fails after the end of reading",
      ({ socket, transport, sink }) => {
        socket.writeError = new Error("pipe");
        socket.bring(null);
        sink.called("eof").then(() => transport.write(Uint8Array.of(1)));
      },
      ["eof", "writeFailed"],
      "pipe",
    ],
    [
      "a write fails while paused",
      ({ socket, transport, sink }) => {
        socket.writeError = new Error("pipe");
        sink.onReceive = () => (transport.pause(), transport.write(Uint8Array.of(1)));
        socket.bring(1);
      },
      ["receive", "writeFailed"],
      "pipe",
    ],
    [
      "the shutdown fails",
      ({ socket, transport }) => {
        socket.closeWriteError = new Error("not connected");
        transport.closeWrite();
        queueMicrotask(() => socket.bring(null));
      },
      ["writeFailed", "eof"],
      "not connected",
    ],
  ];
  for (const [name, happen, calls, message] of cases) {
    const scene = scripted();
    happen(scene);
    await scene.sink.called(calls.at(-1)!);
    await settled(() => scene.sink.calls.length);
    assertEquals(scene.sink.calls, calls, name);
    assertEquals((scene.sink.error as Error).message, message, name);
    assertEquals(scene.socket.closed, calls.includes("lost") ? 1 : 0, name);
    scene.transport.close();
  }
});

test("PromiseTransport closes the socket once both directions have ended", async () => {
  for (const first of ["reading", "writing"]) {
    const { socket, transport, sink } = scripted();
    if (first === "writing") transport.closeWrite();
    await settled(() => socket.closed);
    socket.bring(null);
    await sink.called("eof");
    if (first === "reading") transport.closeWrite();
    await settled(() => socket.closed);
    assertEquals(socket.closed, 1, first);
    assertEquals(sink.calls, ["eof"], first);
    transport.close();
    assertEquals(socket.closed, 1, first);
  }
});

test("PromiseTransport takes no offence at a peer that is gone when it ends its direction", async () => {
  const { socket, transport, sink } = scripted();
  socket.closeWriteError = new Error("not connected");
  socket.bring(null);
  await sink.called("eof");
  transport.closeWrite();
  await settled(() => socket.closed);
  assertEquals(socket.closed, 1);
  assertEquals(sink.calls, ["eof"]);
});
