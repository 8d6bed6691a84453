/** When a `WebSocketConnection` answers the peer's Close: behind the messages that came before it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { consumeMessages, type WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { BINARY, CLOSE, closeFrameFor, frameFor, TEXT } from "../protocol/frames.ts";
import { type FakeTransport, openConnection, settle, stateOf } from "./fake_transport.ts";

/** What was written: the text of messages, and the code of the Close frame. */
function written(transport: FakeTransport): (string | number)[] {
  return transport.frames.map(({ opcode, payload }) =>
    opcode === CLOSE ? (payload[0]! << 8) | payload[1]! : new TextDecoder().decode(payload)
  );
}

/** Messages and a Close, in one read. */
function receiveWithClose(transport: FakeTransport, texts: readonly string[]): void {
  transport.receive(
    ...texts.map((text) => frameFor("server", TEXT, text)),
    closeFrameFor("server", 4000, "bye"),
  );
}

/** An application that works on one message until it is told to go on. */
function worker(connection: WebSocketConnection) {
  let go = (): void => {};
  const finished = (async () => {
    for await (const message of connection) {
      await new Promise<void>((resolve) => go = resolve);
      await connection.send(`echo ${message}`);
    }
  })();
  // Looked at later.
  finished.catch(() => {});
  return {
    finished,
    next: () => {
      go();
      return settle();
    },
  };
}

const ECHOES: Readonly<Record<string, (connection: WebSocketConnection) => Promise<unknown>>> = {
  async iteration(connection) {
    for await (const message of connection) await connection.send(`echo ${message}`);
  },
  async "receive loop"(connection) {
    for (;;) {
      const message = await connection.receive();
      if (message === null) return;
      await connection.send(`echo ${message}`);
    }
  },
  consumer: (connection) =>
    consumeMessages(connection, (message) => connection.send(`echo ${message}`)),
  "asynchronous consumer": (connection) =>
    consumeMessages(connection, async (message) => {
      await settle();
      await connection.send(`echo ${message}`);
    }),
  pipe: (connection) =>
    connection.readable.pipeThrough(
      new TransformStream({
        transform: (message, controller) => controller.enqueue(`echo ${message}`),
      }),
    ).pipeTo(connection.writable),
};

for (const [name, echo] of Object.entries(ECHOES)) {
  test(`The Close waits for an echo by ${name} (RFC 6455 5.5.1, Autobahn 7.1.1)`, async () => {
    for (const texts of [["a"], ["a", "b", "c"]]) {
      const { connection, transport } = openConnection();
      const echoing = echo(connection);
      await settle();
      receiveWithClose(transport, texts);
      transport.receiveEof();
      assertEquals([connection.closeCode, connection.closeReason], [4000, "bye"]);
      await echoing;
      assertEquals(await connection.closed, { code: 4000, reason: "bye", wasClean: true });
      assertEquals(written(transport), [...texts.map((text) => `echo ${text}`), 4000]);
    }
  });
}

test("The Close is answered in the same call where nobody is at work and nothing waits", async () => {
  const idle = openConnection();
  transportAnswers(idle.transport);
  const waiting = openConnection();
  const received = waiting.connection.receive();
  transportAnswers(waiting.transport);
  assertEquals(await received, null);
  for (const { connection } of [idle, waiting]) connection.abort();

  function transportAnswers(transport: FakeTransport): void {
    receiveWithClose(transport, []);
    assertEquals(written(transport), [4000]);
    assertEquals(transport.writeEnded, true);
  }
});

test("The Close waits for who has had no turn yet to take what came before, and no longer", async () => {
  const late = openConnection();
  receiveWithClose(late.transport, ["a", "b"]);
  await Promise.resolve();
  for await (const message of late.connection) await late.connection.send(`echo ${message}`);
  await settle();
  assertEquals(written(late.transport), ["echo a", "echo b", 4000]);

  const unread = openConnection();
  receiveWithClose(unread.transport, ["nobody", "reads this"]);
  await settle();
  assertEquals(written(unread.transport), [4000]);
  const left = openConnection();
  left.transport.receive(frameFor("server", TEXT, "a"));
  for await (const _ of left.connection) break;
  receiveWithClose(left.transport, ["b"]);
  await settle();
  assertEquals(written(left.transport), [4000]);
  for (const { connection } of [late, unread, left]) connection.abort();
});

test("The Close waits for a loop that begins with what came along with it", async () => {
  const { connection, transport } = openConnection();
  const finished = (async () => {
    assertEquals(await connection.receive(), "token");
    for await (const message of connection) {
      await settle();
      await connection.send(`echo ${message}`);
    }
  })();
  receiveWithClose(transport, ["token", "a", "b"]);
  await finished;
  assertEquals(written(transport), ["echo a", "echo b", 4000]);
  connection.abort();
});

test("The Close waits for one who may call receive again only until all has run that can", async () => {
  const { connection, transport } = openConnection();
  const received = connection.receive();
  receiveWithClose(transport, ["a", "not taken"]);
  assertEquals(await received, "a");
  assertEquals(written(transport), []);
  await settle();
  await settle();
  assertEquals(written(transport), [4000]);
  assertEquals(await connection.receive(), "not taken");
  assertEquals(await connection.receive(), null);
  connection.abort();
});

test("The Close waits for a loop at work, until it is left or asks for more", async () => {
  for (const leave of [false, true]) {
    const { connection, transport } = openConnection();
    let go = (): void => {};
    const looping = (async () => {
      for await (const _ of connection) {
        await new Promise<void>((resolve) => go = resolve);
        if (leave) break;
      }
    })();
    transport.receive(frameFor("server", TEXT, "a"));
    await settle();
    receiveWithClose(transport, []);
    await settle();
    assertEquals([written(transport), transport.writeEnded], [[], false]);
    await assertRejects(() => connection.ping(), WebSocketClosedError, "closing");
    await connection.send("meanwhile");
    go();
    await looping;
    assertEquals(written(transport), ["meanwhile", 4000]);
    await assertRejects(() => connection.send("late"), WebSocketClosedError, "closing");
    transport.receiveEof();
    assertEquals((await connection.closed).wasClean, true);
  }
});

test("The Close waits for half of closeTimeout, and the transport's end for the rest", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 8_000 });
  const { finished, next } = worker(connection);
  receiveWithClose(transport, ["a", "b"]);
  await clock.advance(3_999);
  assertEquals(written(transport), []);
  await clock.advance(1);
  assertEquals([written(transport), transport.closed], [[4000], false]);
  await clock.advance(3_999);
  assertEquals(await stateOf(connection.closed), "pending");
  await clock.advance(1);
  assertEquals(await connection.closed, { code: 4000, reason: "bye", wasClean: true });
  assertEquals([transport.closed, clock.pending], [true, 0]);
  await next();
  await assertRejects(() => finished, WebSocketClosedError, "closed");
});

test("A close of the application's own answers with its code, behind what was sent", async () => {
  const { connection, transport } = openConnection();
  const { finished, next } = worker(connection);
  receiveWithClose(transport, ["a"]);
  await settle();
  void connection.send(new Blob(["blob"]));
  const closed = connection.close(4001, "mine");
  await settle();
  assertEquals(written(transport), ["blob", 4001]);
  transport.receiveEof();
  assertEquals(await closed, { code: 4000, reason: "bye", wasClean: true });
  await next();
  await assertRejects(() => finished, WebSocketClosedError);
});

test("The Close waits for a Blob or a stream that was sent before it, awaited or not", async () => {
  const sources = {
    "a Blob": () => new Blob(["sent"]),
    "a stream": () => ReadableStream.from(["se", "nt"]),
  };
  for (const [what, source] of Object.entries(sources)) {
    const unasked = openConnection();
    const sending = unasked.connection.send(source());
    unasked.transport.receive(closeFrameFor("server", 4000));
    await sending;
    await settle();
    assertEquals([written(unasked.transport).at(-1), what], [4000, what]);
    unasked.transport.receiveEof();
    assertEquals((await unasked.connection.closed).wasClean, true);

    const answer = openConnection();
    const done = answer.connection.forEach(() => void answer.connection.send(source()));
    receiveWithClose(answer.transport, ["a", "b"]);
    await done;
    await settle();
    assertEquals([written(answer.transport).at(-1), what], [4000, what]);
    assertEquals(written(answer.transport).slice(0, -1).join(""), "sentsent");
    answer.connection.abort();
  }
});

test("A close of the application's own stays behind a Blob, though the peer's Close comes first", async () => {
  const { connection, transport } = openConnection();
  const sending = connection.send(new Blob(["blob"]));
  const closed = connection.close(4001);
  transport.receive(closeFrameFor("server", 4000));
  await sending;
  await settle();
  assertEquals(written(transport), ["blob", 4001]);
  transport.receiveEof();
  assertEquals(await closed, { code: 4000, reason: "", wasClean: true });
});

test("The Close waits for a stream that hangs for half of closeTimeout", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 1_000 });
  const sending = connection.send(
    new ReadableStream<string>({ pull: () => new Promise(() => {}) }),
  );
  sending.catch(() => {});
  transport.receive(closeFrameFor("server", 4000));
  await clock.advance(499);
  assertEquals([written(transport), await stateOf(sending)], [[], "pending"]);
  await clock.advance(1);
  assertEquals(written(transport), [4000]);
  await assertRejects(() => sending, WebSocketClosedError);
  transport.receiveEof();
  assertEquals([(await connection.closed).code, clock.pending], [4000, 0]);
});

test("A close of the application's own goes before a stream that hangs, after half of closeTimeout", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 1_000 });
  const sending = connection.send(
    new ReadableStream<string>({ pull: () => new Promise(() => {}) }),
  );
  sending.catch(() => {});
  void connection.close(4001);
  transport.receive(closeFrameFor("server", 4000));
  await clock.advance(500);
  assertEquals(written(transport), [4001]);
  await assertRejects(() => sending, WebSocketClosedError);
  transport.receiveEof();
  assertEquals([(await connection.closed).code, clock.pending], [4000, 0]);
});

test("The Close waits for half of closeTimeout where a stream was begun behind it, too", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 1_000 });
  const answering = connection.receive().then((message) => {
    assertEquals(message, "a");
    const sending = connection.send(new ReadableStream({ pull: () => new Promise(() => {}) }));
    return assertRejects(() => sending, WebSocketClosedError);
  });
  receiveWithClose(transport, ["a"]);
  await settle();
  await clock.advance(499);
  assertEquals(written(transport), []);
  await clock.advance(1);
  assertEquals(written(transport), [4000]);
  await answering;
  connection.abort();
});

test("A Blob that has been handed over is not given up with the Close behind it", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, closeTimeout: 1_000 });
  transport.blocked = true;
  const sending = connection.send(new Blob([new Uint8Array(100_000)]));
  await settle();
  assertEquals(transport.writes.length > 0, true);
  transport.receive(closeFrameFor("server", 4000));
  await clock.advance(500);
  assertEquals(await stateOf(sending), "pending");
  transport.blocked = false;
  while (transport.lent !== undefined) transport.drain();
  await sending;
  assertEquals(transport.frames.map(({ opcode }) => opcode), [BINARY, CLOSE]);
  transport.receiveEof();
  assertEquals(await connection.closed, { code: 4000, reason: "", wasClean: true });
});

test("A close in answer to the last message, behind a Blob, leaves no timeout behind", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock });
  void connection.forEach(() => {
    void connection.send(new Blob(["blob"]));
    void connection.close(4001);
  });
  receiveWithClose(transport, ["a"]);
  await settle();
  assertEquals(written(transport), ["blob", 4001]);
  transport.receiveEof();
  assertEquals([(await connection.closed).wasClean, clock.pending], [true, 0]);
});

test("receive within a handler's function does not answer the Close before it is done", async () => {
  const { connection, transport } = openConnection();
  const done = consumeMessages(connection, async (message) => {
    await settle();
    await connection.send(`${message} ${await connection.receive()}`);
  });
  receiveWithClose(transport, ["a"]);
  await done;
  await settle();
  assertEquals(written(transport), ["a null", 4000]);
  connection.abort();
});

test("A connection lost before the Close is answered did not end cleanly (RFC 6455 7.1.4)", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock });
  const { finished, next } = worker(connection);
  receiveWithClose(transport, ["a"]);
  const cause = new Error("cut");
  transport.lose(cause);
  assertEquals(await connection.closed, {
    code: 4000,
    reason: "bye",
    wasClean: false,
    error: cause,
  });
  assertEquals(clock.pending, 0);
  await next();
  const error = await assertRejects(() => finished, WebSocketClosedError);
  assertEquals([error.code, error.wasClean], [4000, false]);
});

test("The Close is answered where the consumer fails, now or later", async () => {
  for (const later of [false, true]) {
    const { connection, transport } = openConnection();
    const consuming = consumeMessages(connection, async () => {
      if (later) await settle();
      throw new RangeError("consumer");
    });
    receiveWithClose(transport, ["a", "b"]);
    await assertRejects(() => consuming, RangeError);
    assertEquals(written(transport), [4000]);
    connection.abort();
  }
});

test("Pings on their way are given up when the Close arrives, though its answer waits", async () => {
  const { connection, transport } = openConnection();
  const { finished, next } = worker(connection);
  const ping = connection.ping();
  receiveWithClose(transport, ["a"]);
  const error = await assertRejects(() => ping, WebSocketClosedError);
  assertEquals([error.code, error.wasClean], [4000, true]);
  await settle();
  await next();
  await finished;
  assert(written(transport).includes("echo a"));
  connection.abort();
});
