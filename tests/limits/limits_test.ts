/** What a hostile peer can make a connection hold, counted, against the formulas of `docs/limits.md`. */

import { assert, assertEquals } from "@std/assert";
import { constants, deflateRawSync } from "node:zlib";
import { type FakeTransport, openConnection, settle } from "../connection/fake_transport.ts";
import { Deflater } from "../../src/deflate/deflate.ts";
import { Inflater } from "../../src/deflate/inflate.ts";
import type { PermessageDeflateInit } from "../../src/extensions/permessage_deflate.ts";
import { RequestHeadReader } from "../../src/handshake/http1.ts";
import { HttpExchange } from "../../src/server/http_exchange.ts";
import { createPair, ManualClock } from "../../src/testing.ts";
import type { Message } from "../../src/types.ts";
import { Random } from "../fuzz/random.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  concat,
  CONTINUATION,
  frame,
  frameFor,
  PING,
  PONG,
  TEXT,
} from "../protocol/frames.ts";
import { countTextBuffers } from "../protocol/vector_buffers.ts";
import { FakeTransport as FakeServerTransport } from "../server/fakes.ts";
import { allocatedBy } from "./allocations.ts";
import * as formula from "./formula.ts";
import { readProjectFile } from "../tools/files.ts";

const COMPRESSION: PermessageDeflateInit = {
  level: 6,
  threshold: 256,
  parameters: {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  },
};

/** Small ones, so that the counts are reached fast. */
const LIMITS: formula.Limits = {
  ...formula.DEFAULT_LIMITS,
  maxMessageSize: 20_000,
  receiveHighWaterMark: 10_000,
  sendHighWaterMark: 8_000,
  readSize: 4_096,
  sentMessageSize: 20_000,
};

/** What a message is counted for, at its dearest. */
function costOf(message: Message): number {
  return formula.MESSAGE_OVERHEAD + message.length * (typeof message === "string" ? 2 : 1);
}

/** Feeds the same bytes again and again, read by read, until the connection stops reading. */
function feedUntilPaused(transport: FakeTransport, wire: Uint8Array, readSize: number): number {
  let fed = 0;
  let rest = wire;
  while (!transport.paused && !transport.closed && fed < 100_000_000) {
    while (rest.length < readSize) rest = concat(rest, wire);
    transport.receive(rest.subarray(0, readSize));
    rest = rest.subarray(readSize);
    fed += readSize;
  }
  // A read that was under way when reading stopped is still delivered.
  transport.receive(rest.subarray(0, Math.min(rest.length, readSize)));
  return fed;
}

/** What is allocated for the arrival of some bytes, without what the fake makes of them itself. */
function allocatedOn(transport: FakeTransport, wire: Uint8Array): number {
  return allocatedBy(() => transport.receive(wire)) - allocatedBy(() => void concat(wire));
}

for (const compressed of [false, true]) {
  const how = compressed ? "compressed" : "plain";
  test(`A peer of a busy application fills the queue to its mark, and no more (${how})`, async () => {
    const random = new Random(1);
    for (const size of [0, 1, 125, 126, 3_000, 19_000]) {
      for (const opcode of [TEXT, BINARY]) {
        const init = compressed ? { compression: COMPRESSION } : {};
        const { connection, transport } = openConnection({ ...LIMITS }, init);
        const plain = opcode === TEXT ? new Uint8Array(size).fill(97) : random.bytes(size);
        const payload = compressed
          ? deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
          : plain;
        const wire = frameFor("server", opcode, payload, { reserved: compressed ? 4 : 0 });
        feedUntilPaused(transport, wire, LIMITS.readSize);
        assert(transport.paused, `${size}: reading never stopped`);

        const { messagesReceived, bytesReceived } = connection.stats();
        let queued = 0;
        for (let i = 0; i < messagesReceived; i++) queued += costOf((await connection.receive())!);
        const most = formula.queuedMessages(LIMITS);
        assert(queued <= most, `${size}: ${queued} bytes queued, not at most ${most}`);
        const held = bytesReceived - messagesReceived * wire.length;
        assert(held <= formula.heldInput(LIMITS), `${size}: ${held} bytes held`);
        connection.abort();
      }
    }
  });
}

test("Messages that come each with other frames hold what they are counted for, and no more", async () => {
  const key = { key: [0, 0, 0, 0] } as const;
  const ping = frame(PING, new Uint8Array(125), key);
  for (const size of [0, 1, 16, 125, 1_000]) {
    for (const count of [1, 2]) {
      const { connection, transport } = openConnection({ ...LIMITS, maxFragments: 1 });
      const message = frame(BINARY, new Uint8Array(size), key);
      const wire = concat(...Array(count).fill(message), ...Array(8).fill(ping));
      while (!transport.paused) transport.receive(wire);
      const buffers = new Set<ArrayBufferLike>();
      for (let left = connection.stats().messagesReceived; left > 0; left--) {
        buffers.add((await connection.receive() as Uint8Array).buffer);
      }
      const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
      const most = formula.queuedMessages(LIMITS);
      assert(held <= most, `${count} of ${size}: ${held} bytes held, not at most ${most}`);
      connection.abort();
    }
  }
});

test("A peer that never reads makes an application wait that awaits its sends", async () => {
  for (const size of [10, 1_000, 20_000]) {
    const { connection, transport } = openConnection({ ...LIMITS });
    transport.blocked = true;
    const echo = (async () => {
      for await (const message of connection) await connection.send(message);
    })();
    echo.catch(() => {});
    const wire = frameFor("server", BINARY, new Uint8Array(size));
    let most = 0;
    for (let i = 0; i < 2_000 && !transport.paused; i++) {
      transport.receive(wire);
      await settle();
      most = Math.max(most, connection.bufferedAmount);
    }
    assert(transport.paused, "reading never stopped");
    assert(most > 0 && most <= formula.waitingOutput(LIMITS), `${most} bytes wait`);
    connection.abort();
  }
});

test("A flood of pings while nothing can be written leaves one pong to send (RFC 6455 5.5.3)", () => {
  const { connection, transport } = openConnection({ ...LIMITS });
  transport.blocked = true;
  transport.receive(frameFor("server", PING, "first"));
  const lent = connection.bufferedAmount;
  const flood = concat(
    ...Array.from({ length: 1_000 }, (_, i) =>
      frameFor(
        "server",
        PING,
        Uint8Array.from({ length: 125 }, (_, at) => i >> (at & 7)),
      )),
  );
  for (let i = 0; i < 20; i++) transport.receive(flood);
  transport.receive(frameFor("server", PING, "latest"));
  const most = lent + formula.MAX_PONGS;
  assert(connection.bufferedAmount <= most, `${connection.bufferedAmount} bytes wait`);
  transport.blocked = false;
  transport.drain();
  const pongs = transport.frames.filter(({ opcode }) => opcode === PONG);
  assertEquals(new TextDecoder().decode(pongs.at(-1)!.payload), "latest");
  assert(pongs.length < 150, `${pongs.length} pongs`);
  connection.abort();
});

test("A message announced takes no memory before it comes (RFC 6455 10.4)", () => {
  const { connection, transport } = openConnection();
  const header = frameFor("server", BINARY, "x", { length: 10_485_760n });
  const allocated = allocatedBy(() => transport.receive(header));
  assert(allocated < 70_000, `${allocated} bytes allocated`);
  assertEquals(connection.stats().messagesReceived, 0);
  connection.abort();
});

test("A byte a second costs what has come, and idleTimeout ends it", async () => {
  const clock = new ManualClock();
  const { connection, transport } = openConnection({ clock, idleTimeout: 60_000 });
  transport.receive(frameFor("server", BINARY, "", { length: 1_000_000n }));
  let seconds = 0;
  const bytes = allocatedBy(() => {
    for (; seconds < 50; seconds++) transport.receive(Uint8Array.of(1));
  });
  assert(bytes < 70_000, `${bytes} bytes allocated`);
  for (let i = 0; i < 75 && !transport.closed; i++, seconds++) {
    await clock.advance(1_000);
    transport.receive(Uint8Array.of(1));
  }
  assert(transport.closed, "the connection was not given up");
  assertEquals((await connection.closed).code, 1006);
});

test("Tiny fragments cost their bytes, and their number is limited (RFC 6455 10.4)", () => {
  const maxFragments = 20_000;
  for (const [payload, size] of [["", 0], ["x", 1], ["\u00e9\u00e9", 4]] as const) {
    const { connection, transport } = openConnection({ maxFragments });
    const first = frameFor("server", TEXT, payload, { fin: false });
    const next = frameFor("server", CONTINUATION, payload, { fin: false });
    const wire = concat(first, ...Array.from({ length: maxFragments - 1 }, () => next));
    const allocated = allocatedOn(transport, wire);
    // Its sizes are each 16 times the one before, and the last at most 16 times what is in it.
    const most = Math.max(2 * 65_536, 256 / 15 * maxFragments * size);
    assert(allocated <= most, `${allocated} bytes allocated for ${maxFragments * size}`);
    assertEquals(transport.frames.length, 0);
    transport.receive(next);
    assertEquals(
      transport.frames.at(-1)?.payload.slice(0, 2),
      Uint8Array.of(1008 >> 8, 1008 & 255),
    );
    connection.abort();
  }
});

test("A large text that is never completed gives its buffer back, however its connection ends", async () => {
  const free = countTextBuffers();
  const begun = frameFor("server", TEXT, "x".repeat(200_000)).subarray(0, 150_000);
  const ends: Record<string, (opened: Opened) => void | Promise<void>> = {
    "lost": ({ transport }) => transport.lose(),
    "ended by the peer": ({ transport }) => transport.receiveEof(),
    "aborted": ({ connection }) => connection.abort(),
    "closed by us, without an answer": async ({ connection, clock }) => {
      void connection.close();
      await clock.advance(60_000);
    },
    "failed by what follows": async ({ transport, clock }) => {
      transport.receive(new Uint8Array(10_000).fill(0xff));
      await clock.advance(60_000);
    },
    "idle": ({ clock }) => clock.advance(400_000),
  };
  for (const [how, end] of Object.entries(ends)) {
    const clock = new ManualClock();
    const opened = openConnection({ clock, idleTimeout: 300_000 });
    opened.transport.receive(begun);
    assertEquals(countTextBuffers(), free - 1, how);
    await end({ ...opened, clock });
    await settle();
    assertEquals((await opened.connection.closed).wasClean, false, how);
    assertEquals(countTextBuffers(), free, how);
  }
});

interface Opened extends ReturnType<typeof openConnection> {
  readonly clock: ManualClock;
}

test("A decompression bomb is stopped at the limit, not behind it (RFC 7692 8)", () => {
  const maxMessageSize = 1 << 20;
  const bomb = deflateRawSync(new Uint8Array(64 << 20), { finishFlush: constants.Z_SYNC_FLUSH });
  assert(bomb.length < 70_000);
  for (const fragments of [1, 7]) {
    const { connection, transport } = openConnection({ maxMessageSize }, {
      compression: COMPRESSION,
    });
    const size = Math.ceil(bomb.length / fragments);
    const wire = concat(
      ...Array.from({ length: fragments }, (_, i) =>
        frameFor(
          "server",
          i === 0 ? BINARY : CONTINUATION,
          bomb.subarray(i * size, (i + 1) * size),
          {
            fin: i === fragments - 1,
            reserved: i === 0 ? 4 : 0,
          },
        )),
    );
    const allocated = allocatedOn(transport, wire);
    // The output grows by doubling, so that all its sizes together are twice the last one.
    assert(allocated < 2 * maxMessageSize + 200_000, `${allocated} bytes allocated`);
    const { payload } = transport.frames.at(-1)!;
    assertEquals(payload[0]! << 8 | payload[1]!, 1009);
    connection.abort();
  }
});

test("A head that never ends is cut off at its limit", () => {
  const limits = { maxHeadSize: 16_384, maxLineSize: 8_192, maxFields: 100 };
  const heads: [string, () => string][] = [
    ["one line", () => "a"],
    ["many fields", () => "a: b\r\n"],
    ["long fields", () => `a: ${"b".repeat(8_000)}\r\n`],
    ["empty values", () => `${"a".repeat(8_000)}:\r\n`],
  ];
  for (const [name, next] of heads) {
    const reader = new RequestHeadReader(limits);
    const start = new TextEncoder().encode("GET / HTTP/1.1\r\n");
    const piece = new TextEncoder().encode(next());
    let taken = 0;
    const allocated = allocatedBy(() => {
      assertEquals(reader.receive(start), -1);
      for (let i = 0; i < 20_000 && reader.violation === undefined; i++) {
        for (let at = 0; at < piece.length && reader.violation === undefined; at++) {
          reader.receive(piece.subarray(at, at + 1));
          taken++;
        }
      }
    });
    assert(reader.violation !== undefined, `${name}: never refused`);
    assert(taken <= limits.maxHeadSize, `${name}: ${taken} bytes taken`);
    assert(allocated <= 4 * limits.maxLineSize, `${name}: ${allocated} bytes allocated`);
  }
});

test("A head that comes a byte a second ends with the handshake's time", async () => {
  const clock = new ManualClock();
  const transport = new FakeServerTransport();
  let ended = false;
  const exchange = new HttpExchange(transport, () => new Response(), {
    secure: false,
    headLimits: {},
    handshakeTimeout: 10_000,
    stallTimeout: 30_000,
    clock,
    onError() {},
    onRefuse() {},
    onEnd: () => ended = true,
  });
  exchange.start();
  let taken = 0;
  while (!ended && taken < 100) {
    transport.feed(Uint8Array.of("GET / HTTP/1.1\r\nX: ".charCodeAt(taken++) || 97));
    await clock.advance(1_000);
  }
  assert(ended);
  assert(transport.text.startsWith("HTTP/1.1 408"), transport.text);
  assert(taken <= 12, `${taken} bytes taken`);
  assertEquals(clock.pending, 0);
});

test("10,000 idle connections hold no buffers, and no timeout once they are over", () => {
  const clock = new ManualClock();
  const count = 10_000;
  for (const compression of [undefined, COMPRESSION]) {
    const connections: { abort(): void }[] = [];
    const allocated = allocatedBy(() => {
      for (let i = 0; i < count; i++) {
        connections.push(openConnection({ clock }, { compression }).connection);
      }
    });
    assertEquals(allocated, 0);
    assert(clock.pending > 0 && clock.pending <= count, `${clock.pending} timeouts`);
    for (const connection of connections) connection.abort();
    assertEquals(clock.pending, 0);
  }
});

test("A connection that has spoken holds the windows agreed, and gives the rest back", async () => {
  const { client, server } = createPair({ compression: { threshold: 0 } });
  const data = new Random(3).bytes(200_000);
  const exchange = async (): Promise<void> => {
    for (let at = 0; at < data.length; at += 10_000) {
      await client.send(data.subarray(at, at + 10_000));
      await server.receive();
    }
  };
  await exchange();
  // Once the windows are full, a message takes what it is itself, on its way out and in.
  const message = data.subarray(0, 10_000);
  const allocated = allocatedBy(() => void client.send(message));
  assert(allocated <= 4 * message.length, `${allocated} bytes allocated`);
  await server.receive();
  await client.close();
});

test("A window of compression takes what the formula says, whatever its size", () => {
  const data = new Random(4).bytes(70_000);
  for (let windowBits = 8; windowBits <= 15; windowBits++) {
    // What all share is there after the first, which keeps its window. The next one gets its own,
    // in one go: the message is larger.
    const first = new Deflater({ windowBits });
    const message = first.deflate(data).slice(0, -4);
    const own = allocatedBy(() => void new Deflater({ windowBits }).deflate(data));
    const most = formula.windows({
      ...LIMITS,
      peerWindowBits: undefined,
      ownWindowBits: windowBits,
    });
    assert(own <= most, `${windowBits}: ${own} bytes allocated, not at most ${most}`);
    assert(own >= most - 1_032, `${windowBits}: ${own} bytes allocated, not about ${most}`);

    const receive = (): void => {
      const inflater = new Inflater({ windowBits });
      inflater.push(message, data.length);
      const { output } = inflater.finish({ keepWindow: true, copy: false });
      assert(output.length === data.length);
    };
    receive();
    const peer = { ...LIMITS, peerWindowBits: windowBits, ownWindowBits: undefined };
    assertEquals(allocatedBy(receive), formula.windows(peer), `${windowBits}: the peer's`);
  }
});

test("docs/limits.md gives the results of the formulas for the defaults", () => {
  const text = readProjectFile("docs/limits.md").replace(/\s+/g, " ");
  const { DEFAULT_LIMITS } = formula;
  for (
    const [what, bytes] of [
      ["queued", formula.queuedMessages(DEFAULT_LIMITS)],
      ["receiving", formula.receiving(DEFAULT_LIMITS)],
      ["held", formula.heldInput(DEFAULT_LIMITS)],
      ["output", formula.waitingOutput(DEFAULT_LIMITS)],
      ["windows", formula.windows(DEFAULT_LIMITS)],
      ["all", formula.worstCase(DEFAULT_LIMITS)],
      ["all, small messages", formula.worstCase({ ...DEFAULT_LIMITS, maxMessageSize: 65_536 })],
    ] as const
  ) assert(text.includes(bytes.toLocaleString("en")), `${what}: ${bytes.toLocaleString("en")}`);
});
