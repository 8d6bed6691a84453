/** What has gone wrong with the messages of others; `docs/threats.md` maps it to these tests. */

import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { applyMask } from "../../src/protocol/mask.ts";
import { createPair } from "../../src/testing.ts";
import { openConnection, settle } from "../connection/fake_transport.ts";
import { platformDeflate } from "../deflate/helpers.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  concat,
  CONTINUATION,
  frameFor,
  maskNaively,
  PING,
  PONG,
  RecordedProtocol,
  ROLES,
  TEXT,
} from "../protocol/frames.ts";

const MEBIBYTE = 1024 * 1024;
const COMPRESSION = {
  level: 6,
  threshold: 256,
  parameters: {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  },
} as const;

// What the application hands over ------------------------------------------------------------------

test("A number given to ping or send becomes no memory of the process", async () => {
  const { connection, transport } = openConnection();
  for (const number of [5, 125, 5n, true, null, { length: 5 }]) {
    await assertRejects(() => connection.ping(number as unknown as string), TypeError);
  }
  for (const number of [5, 125, 5n, true, null]) {
    await assertRejects(async () => await connection.send(number as unknown as string), TypeError);
  }
  await settle();
  assertEquals(transport.writes, []);
  connection.abort();
});

test("A typed array given as the reason of a Close sends none of its memory", async () => {
  const { connection, transport } = openConnection();
  for (const reason of [new Float32Array(20), new Uint8Array(20), new ArrayBuffer(20), 20, null]) {
    const close = async () => void await connection.close(1000, reason as unknown as string);
    await assertRejects(close, TypeError);
  }
  for (const code of ["1000", 1000.5, NaN, new Uint16Array(1)]) {
    await assertRejects(async () => void await connection.close(code as unknown as number));
  }
  await settle();
  assertEquals(transport.writes, []);
  connection.abort();
});

test("Sizes of what is sent and received are those of bytes, not of UTF-16", async () => {
  const text = "€".repeat(1000); // 3000 bytes
  const { connection, transport } = openConnection({ sendHighWaterMark: 0 });
  transport.blocked = true;
  void connection.send("a");
  await settle();
  const before = connection.bufferedAmount;
  void connection.send(text);
  assert(connection.bufferedAmount - before >= 3000, `${connection.bufferedAmount - before}`);
  connection.abort();

  for (const role of ROLES) {
    const limited = () => new RecordedProtocol(role, { maxMessageSize: 2999 });
    limited().receive(frameFor(role, TEXT, text)).assertFailed(1009);
    const fits = new RecordedProtocol(role, { maxMessageSize: 3000 });
    assertEquals(fits.receive(frameFor(role, TEXT, text)).messages, [text]);
  }
});

// Limits on what arrives ---------------------------------------------------------------------------

test("There is a limit on messages although nobody has set one", () => {
  const { connection, transport } = openConnection();
  transport.receive(frameFor("server", BINARY, "", { length: BigInt(10 * MEBIBYTE + 1) }));
  assertEquals(transport.frames.at(-1)!.payload.subarray(0, 2), Uint8Array.of(0x03, 0xf1));
  connection.abort();
});

test("Lengths beyond 2^31 are refused at the header, whatever arithmetic would make of them", () => {
  const lengths: [length: bigint, code: number][] = [
    [2n ** 31n, 1009],
    [2n ** 32n - 1n, 1009],
    [2n ** 32n, 1009],
    [2n ** 32n + 1n, 1009],
    [2n ** 53n - 1n, 1009],
    [2n ** 53n, 1009],
    [2n ** 63n - 1n, 1009],
    [2n ** 63n, 1002],
    [2n ** 64n - 1n, 1002],
  ];
  for (const role of ROLES) {
    for (const [length, code] of lengths) {
      const protocol = new RecordedProtocol(role);
      protocol.receive(frameFor(role, BINARY, "", { length, lengthSize: 8 }));
      protocol.assertFailed(code, `${length}`);
    }
  }
});

test("Fragments that each fit are refused once their sum does not", () => {
  for (const role of ROLES) {
    const protocol = new RecordedProtocol(role, { maxMessageSize: 1000 });
    protocol.receive(frameFor(role, BINARY, new Uint8Array(900), { fin: false }));
    protocol.assertOpen();
    // The header of the second is enough.
    protocol.receive(frameFor(role, CONTINUATION, "", { length: 101n, lengthSize: 2 }));
    protocol.assertFailed(1009);
  }
});

test("A huge length behind a first fragment does not wrap around the limit", () => {
  for (const role of ROLES) {
    for (const length of [2n ** 31n - 1n, 2n ** 32n - 10n, 2n ** 53n - 10n, 2n ** 63n - 10n]) {
      const protocol = new RecordedProtocol(role, { maxMessageSize: 1000 });
      protocol.receive(frameFor(role, BINARY, new Uint8Array(10), { fin: false }));
      protocol.receive(frameFor(role, CONTINUATION, "", { length, lengthSize: 8 }));
      protocol.assertFailed(1009, `${length}`);
    }
  }
});

test("Tiny and empty fragments are bounded in number, and cost no object each", () => {
  for (const role of ROLES) {
    for (const size of [0, 1]) {
      const protocol = new RecordedProtocol(role, { maxFragments: 1000 });
      protocol.receive(frameFor(role, BINARY, "", { fin: false }));
      const fragment = frameFor(role, CONTINUATION, new Uint8Array(size), { fin: false });
      for (let count = 1; count < 1000; count++) protocol.receive(fragment);
      protocol.assertOpen();
      protocol.receive(fragment);
      protocol.assertFailed(1008);
    }
    // What is no attack passes: 4 MiB in fragments of 64 bytes.
    const protocol = new RecordedProtocol(role);
    protocol.receive(frameFor(role, BINARY, new Uint8Array(64), { fin: false }));
    const fragment = frameFor(role, CONTINUATION, new Uint8Array(64), { fin: false });
    const many = concat(...Array.from({ length: 1024 }, () => fragment));
    for (let count = 0; count < 64; count++) protocol.receive(many);
    protocol.receive(frameFor(role, CONTINUATION));
    assertEquals((protocol.messages[0] as Uint8Array).length, 64 * 65_537);
  }
});

test("Every way to take messages is under the one limit", async () => {
  const ways: Record<string, (connection: WebSocketConnection) => Promise<unknown>> = {
    receive: (connection) => connection.receive(),
    iteration: async (connection) => {
      for await (const message of connection) return message;
      return null;
    },
    readable: async (connection) => (await connection.readable.getReader().read()).value ?? null,
  };
  for (const [name, take] of Object.entries(ways)) {
    for (const compression of [false, true]) {
      const { client, server } = createPair({ server: { maxMessageSize: 1000 }, compression });
      const taken = take(server).catch(() => null);
      void client.send("x".repeat(1001)).catch(() => {});
      assertEquals(await taken, null, name);
      assertEquals((await client.closed).code, 1009, name);
    }
  }
});

/** A message of zeros, compressed by the platform to a thousandth. */
async function bomb(size: number): Promise<Uint8Array> {
  return await platformDeflate(new Uint8Array(size));
}

test("A bomb of compressed zeros is stopped at the limit, not at its end", async () => {
  const payload = await bomb(64 * MEBIBYTE);
  assertLess(payload.length, 100_000);
  for (const role of ROLES) {
    const compression = COMPRESSION;
    const protocol = new RecordedProtocol(role, { compression, maxMessageSize: MEBIBYTE });
    const wire = frameFor(role, BINARY, payload, { reserved: 4 });
    let fed = 0;
    while (protocol.core.failure === undefined && fed < wire.length) {
      protocol.receive(wire.subarray(fed, fed += 64));
    }
    protocol.assertFailed(1009);
    // A byte of it holds a KiB: the limit is met behind the first few.
    assertLess(fed, 3000);
  }
});

test("The limit holds for what comes out of decompression, and to the byte", async () => {
  for (const role of ROLES) {
    for (const [size, fits] of [[MEBIBYTE, true], [MEBIBYTE + 1, false]] as const) {
      const compression = COMPRESSION;
      const protocol = new RecordedProtocol(role, { compression, maxMessageSize: MEBIBYTE });
      protocol.receive(frameFor(role, BINARY, await bomb(size), { reserved: 4 }));
      if (fits) assertEquals((protocol.messages[0] as Uint8Array).length, size);
      else protocol.assertFailed(1009);
    }
  }
});

// Masks, and answers that cannot be written ---------------------------------------------------------

test("Masking touches no byte beside the payload, at any length and offset", () => {
  const key = [0x12, 0x34, 0xf6, 0x78];
  const view = new DataView(Uint8Array.from(key).buffer);
  for (let length = 0; length <= 80; length++) {
    for (let offset = 0; offset <= 17; offset++) {
      for (const littleEndian of [true, false]) {
        const all = new Uint8Array(offset + length + 24).fill(0xa5);
        const payload = Uint8Array.from({ length }, (_, index) => index * 7);
        all.set(payload, offset);
        const probe = new Uint8Array(4);
        applyMask(probe, 0, 4, view.getInt32(0, littleEndian));
        applyMask(all, offset, offset + length, view.getInt32(0, littleEndian));
        assertEquals(all.subarray(offset, offset + length), maskNaively(payload, [...probe]));
        assert(all.subarray(0, offset).every((byte) => byte === 0xa5));
        assert(all.subarray(offset + length).every((byte) => byte === 0xa5));
      }
    }
  }
});

test("A client's frames each have a key of their own, and its payload does not show on the wire", () => {
  const protocol = new RecordedProtocol("client");
  const evil = "GET /poison HTTP/1.1\r\n";
  for (let count = 0; count < 200; count++) protocol.core.sendText(evil);
  const wire = protocol.takeOutput();
  const heads = Array.from({ length: 200 }, (_, index) => wire.slice(index * (6 + evil.length)));
  assertEquals(new Set(heads.map((frame) => frame.subarray(2, 6).join())).size, 200);
  assert(!new TextDecoder("latin1").decode(wire).includes("poison"));
});

test("A flood of pings that cannot be answered holds little, and loops nowhere", () => {
  const { connection, transport } = openConnection();
  transport.blocked = true;
  const flood = concat(
    ...Array.from({ length: 1000 }, () => frameFor("server", PING, "x".repeat(125))),
  );
  for (let count = 0; count < 50; count++) transport.receive(flood);
  assertLess(transport.writes.length, 3);
  // The pongs under way, and those that go out next.
  assertLess(connection.bufferedAmount, 2 * 17 * 1024);
  transport.blocked = false;
  transport.drain();
  assertEquals(transport.frames.at(-1)!.opcode, PONG);
  connection.abort();
});

test("Whoever leaves while a broadcast goes on disturbs it for nobody", async () => {
  const room = new Set<WebSocketConnection>();
  const pairs = Array.from({ length: 20 }, () => createPair());
  for (const { server } of pairs) {
    room.add(server);
    void server.closed.then(() => room.delete(server));
  }
  for (const [index, member] of [...room].entries()) {
    // Every third goes, and takes its neighbour along, in the middle of the broadcast.
    if (index % 3 === 0) {
      member.abort();
      pairs[index + 1]?.server.abort();
    }
    await member.send("to all").catch(() => {});
  }
  const received = await Promise.all(pairs.map(({ client }) => client.receive().catch(() => null)));
  const expected = pairs.map((_, index) => index % 3 === 2 ? "to all" : null);
  assertEquals(received, expected);
  assertEquals(room.size, expected.filter((message) => message !== null).length);
  for (const { client } of pairs) client.abort();
});
