import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { chunkings, randomSource, test } from "../harness.ts";
import { NodeBuffer } from "../node_buffer.ts";
import {
  BINARY,
  bytes,
  CLOSE,
  closeFrameFor,
  concat,
  CONTINUATION,
  frameFor,
  hex,
  parseFrames,
  PING,
  PONG,
  randomBytes,
  RecordedProtocol,
  type Role,
  ROLES,
  TEXT,
} from "./frames.ts";

// Receiving --------------------------------------------------------------------------------------

for (const role of ROLES) {
  test(`Protocol of a ${role} delivers messages of each kind, cut anywhere (RFC 6455 5.4, 5.6)`, () => {
    const wire = concat(
      frameFor(role, TEXT, "Hello"),
      frameFor(role, BINARY, [1, 2, 3]),
      frameFor(role, TEXT, ""),
      frameFor(role, BINARY, ""),
      frameFor(role, TEXT, "κό", { fin: false }),
      frameFor(role, CONTINUATION, "", { fin: false }),
      frameFor(role, CONTINUATION, "σμε"),
      frameFor(role, BINARY, [4], { fin: false }),
      frameFor(role, CONTINUATION, [5]),
    );
    const expected = [
      "Hello",
      Uint8Array.of(1, 2, 3),
      "",
      new Uint8Array(0),
      "κόσμε",
      Uint8Array.of(4, 5),
    ];
    for (const pieces of chunkings(wire)) {
      const protocol = new RecordedProtocol(role).receive(...pieces);
      protocol.assertOpen();
      assertEquals(protocol.messages, expected);
      assertEquals(protocol.takeOutput().length, 0);
    }
  });

  test(`Protocol of a ${role} handles control frames between fragments at once (RFC 6455 5.4, 5.5)`, () => {
    const wire = concat(
      frameFor(role, TEXT, "Hel", { fin: false }),
      frameFor(role, PING, "ping"),
      frameFor(role, CONTINUATION, "l", { fin: false }),
      frameFor(role, PONG, "pong"),
      frameFor(role, CONTINUATION, "o"),
    );
    for (const pieces of chunkings(wire)) {
      const protocol = new RecordedProtocol(role).receive(...pieces);
      assertEquals(protocol.events, [
        { ping: bytes("ping") },
        { pong: bytes("pong") },
        { message: "Hello" },
      ]);
      const sent = protocol.takeFrames();
      assertEquals(sent.map(({ opcode, payload }) => [opcode, payload]), [[PONG, bytes("ping")]]);
    }
  });

  test(`Protocol of a ${role} answers a ping with its data, whatever its size (RFC 6455 5.5.2)`, () => {
    for (const size of [0, 1, 100, 125]) {
      const payload = new Uint8Array(size).map((_, i) => 255 - i);
      for (const pieces of chunkings(frameFor(role, PING, payload))) {
        const protocol = new RecordedProtocol(role).receive(...pieces);
        assertEquals(protocol.events, [{ ping: payload }]);
        const [pong, ...others] = protocol.takeFrames();
        assertEquals(others, []);
        assertEquals(pong?.opcode, PONG);
        assertEquals(pong?.payload, payload);
        assertEquals(pong?.masked, role === "client");
      }
    }
  });

  test(`Protocol of a ${role} fails the connection on a violation of framing, and reads no further (RFC 6455 7.1.7)`, () => {
    const wire = concat(
      frameFor(role, TEXT, "before"),
      frameFor(role, TEXT, "", { reserved: 2 }),
      frameFor(role, TEXT, "after"),
    );
    for (const pieces of chunkings(wire)) {
      const protocol = new RecordedProtocol(role).receive(...pieces);
      protocol.receive(frameFor(role, TEXT, "later"), frameFor(role, PING, ""));
      assertEquals(protocol.messages, ["before"]);
      protocol.assertFailed(1002);
      protocol.receive(closeFrameFor(role, 1002));
      assertEquals(protocol.takeOutput().length, 0);
    }
  });

  test(`Protocol of a ${role} refuses lengths beyond the limit with 1009, at the header (RFC 6455 7.4.1, 10.4)`, () => {
    for (
      const length of [
        10_485_761n,
        2n ** 31n,
        2n ** 32n,
        2n ** 53n - 1n,
        2n ** 53n,
        2n ** 63n - 1n,
      ]
    ) {
      for (const pieces of chunkings(frameFor(role, BINARY, "", { length }))) {
        new RecordedProtocol(role).receive(...pieces).assertFailed(1009, String(length));
      }
      const second = concat(
        frameFor(role, BINARY, "a", { fin: false }),
        frameFor(role, CONTINUATION, "", { length }),
      );
      new RecordedProtocol(role).receive(second).assertFailed(1009, `second, ${length}`);
    }
    for (const length of [2n ** 63n, 2n ** 64n - 1n]) {
      const wire = frameFor(role, BINARY, "", { length });
      new RecordedProtocol(role).receive(wire).assertFailed(1002, String(length));
    }
  });

  test(`Protocol of a ${role} applies the limit to the sum of the fragments, and exactly`, () => {
    const init = { maxMessageSize: 100 };
    const fitting = concat(
      frameFor(role, BINARY, new Uint8Array(60), { fin: false }),
      frameFor(role, CONTINUATION, new Uint8Array(40)),
      frameFor(role, BINARY, new Uint8Array(100)),
    );
    const protocol = new RecordedProtocol(role, init).receive(fitting);
    protocol.assertOpen();
    assertEquals(protocol.messages.map(({ length }) => length), [100, 100]);
    const beyond = concat(
      frameFor(role, BINARY, new Uint8Array(60), { fin: false }),
      frameFor(role, CONTINUATION, new Uint8Array(41)),
    );
    new RecordedProtocol(role, init).receive(beyond).assertFailed(1009);
    const single = frameFor(role, BINARY, new Uint8Array(101));
    new RecordedProtocol(role, init).receive(single).assertFailed(1009);
  });

  test(`Protocol of a ${role} counts fragments, empty ones as well`, () => {
    const init = { maxFragments: 4 };
    const fragments = (count: number) =>
      concat(
        frameFor(role, TEXT, "", { fin: false }),
        ...Array.from(
          { length: count - 2 },
          () => frameFor(role, CONTINUATION, "", { fin: false }),
        ),
        frameFor(role, CONTINUATION, "x"),
      );
    const protocol = new RecordedProtocol(role, init).receive(fragments(4), fragments(4));
    assertEquals(protocol.messages, ["x", "x"]);
    protocol.receive(fragments(5)).assertFailed(1008);
  });

  test(`Protocol of a ${role} takes a message of 4 MiB in fragments of 64 bytes`, () => {
    const count = 65_536;
    const first = frameFor(role, BINARY, new Uint8Array(64).fill(1), { fin: false });
    const middle = frameFor(role, CONTINUATION, new Uint8Array(64).fill(2), { fin: false });
    const last = frameFor(role, CONTINUATION, new Uint8Array(64).fill(3));
    const protocol = new RecordedProtocol(role).receive(first);
    for (let i = 2; i < count; i++) protocol.receive(middle);
    protocol.receive(last);
    protocol.assertOpen();
    const [message] = protocol.messages as Uint8Array[];
    assertEquals(message!.length, 4_194_304);
    assertEquals([message![63], message![64], message!.at(-65), message!.at(-64)], [1, 2, 2, 3]);
  });

  test(`Protocol of a ${role} answers text that is not UTF-8 with 1007, at the bad byte (RFC 6455 8.1)`, () => {
    const bad = hex("cebae1bdb9cf83cebcceb5eda080656469746564");
    // The first twelve bytes are fine, and so is the thirteenth for itself.
    for (const cut of [12, 13]) {
      const protocol = new RecordedProtocol(role).receive(
        frameFor(role, TEXT, bad.subarray(0, cut - 1), { fin: false }),
      );
      protocol.assertOpen();
      const next = frameFor(role, CONTINUATION, bad.subarray(cut - 1, 13), { fin: false });
      protocol.receive(next).assertFailed(1007, `cut at ${cut}`);
    }
    const wire = frameFor(role, TEXT, concat(bad, "x".repeat(500)));
    const header = wire.length - bad.length - 500;
    const unfinished = new RecordedProtocol(role);
    unfinished.receive(wire.subarray(0, header + 12));
    unfinished.assertOpen();
    unfinished.receive(wire.subarray(header + 12, header + 13));
    unfinished.assertFailed(1007);
    for (const pieces of chunkings(frameFor(role, TEXT, bad))) {
      new RecordedProtocol(role).receive(...pieces).assertFailed(1007);
    }
  });

  test(`Protocol of a ${role} refuses text that ends within a character (RFC 6455 8.1)`, () => {
    for (const digits of ["c3", "e282", "f09f98"]) {
      for (const pieces of chunkings(frameFor(role, TEXT, hex(digits)))) {
        new RecordedProtocol(role).receive(...pieces).assertFailed(1007, digits);
      }
      const fragments = concat(
        frameFor(role, TEXT, hex(digits), { fin: false }),
        frameFor(role, CONTINUATION, ""),
      );
      new RecordedProtocol(role).receive(fragments).assertFailed(1007, digits);
    }
  });

  test(`Protocol of a ${role} joins characters that straddle fragments, and keeps a BOM (RFC 6455 5.6, 8.1)`, () => {
    const text = "\ufeffaé€😀z";
    const encoded = bytes(text);
    for (let cut = 0; cut <= encoded.length; cut++) {
      const protocol = new RecordedProtocol(role).receive(
        frameFor(role, TEXT, encoded.subarray(0, cut), { fin: false }),
        frameFor(role, PING, ""),
        frameFor(role, CONTINUATION, encoded.subarray(cut)),
      );
      assertEquals(protocol.messages, [text]);
    }
    const byByte = [...encoded].map((byte, i) =>
      frameFor(role, i === 0 ? TEXT : CONTINUATION, [byte], { fin: i === encoded.length - 1 })
    );
    assertEquals(new RecordedProtocol(role).receive(...byByte).messages, [text]);
  });

  test(`Protocol of a ${role} keeps no view of what it is lent`, () => {
    for (const size of [10, 125, 126, 2_000, 70_000]) {
      const protocol = new RecordedProtocol(role);
      const wire = frameFor(role, BINARY, new Uint8Array(size).fill(7));
      const control = frameFor(role, PING, [7, 7]);
      for (const chunk of [wire.subarray(0, 9).slice(), wire.slice(9), wire.slice(), control]) {
        protocol.core.receiveData(chunk);
        chunk.fill(0xee);
      }
      assertEquals(protocol.messages, [new Uint8Array(size).fill(7), new Uint8Array(size).fill(7)]);
      assertEquals(protocol.events.at(-1), { ping: Uint8Array.of(7, 7) });
      assertEquals(protocol.takeFrames()[0]?.payload, Uint8Array.of(7, 7));
    }
  });

  test(`Protocol of a ${role} never throws out of receiveData, whatever arrives`, () => {
    const seed = 99;
    const random = randomSource(seed);
    for (let round = 0; round < 2_000; round++) {
      const protocol = new RecordedProtocol(role, {
        compression: round % 2 === 0 ? undefined : {
          parameters: {
            serverNoContextTakeover: false,
            clientNoContextTakeover: false,
            serverMaxWindowBits: 15,
            clientMaxWindowBits: 15,
          },
          level: 6,
          threshold: 256,
        },
      });
      const wire = randomBytes(random, 1 + random(60));
      // Half of them start as a valid header would, so that more than the header is reached.
      if (random(2) === 0) wire[0] = [0x81, 0x82, 0x01, 0xc1, 0x89, 0x88][random(6)]!;
      if (random(2) === 0) wire[1] = (role === "server" ? 0x80 : 0) | random(20);
      protocol.receive(wire);
      if (protocol.core.failure !== undefined) {
        assert([1002, 1007, 1008, 1009].includes(protocol.core.failure.closeCode), `seed ${seed}`);
        assertEquals(protocol.takeFrames().at(-1)?.opcode, CLOSE, `seed ${seed}, round ${round}`);
      }
    }
  });
}

// Sending ----------------------------------------------------------------------------------------

test("Protocol masks each frame of a client, also empty and control frames, and none of a server (RFC 6455 5.1)", () => {
  for (const role of ROLES) {
    const { core, ...rest } = openProtocol(role);
    rest.protocol.receive(frameFor(role, PING, "p"));
    core.sendText("");
    core.sendText("é".repeat(100));
    core.sendText("long ".repeat(5_000));
    core.sendBinary(new Uint8Array(0));
    core.sendBinary(new Uint8Array(100_000).fill(3));
    core.sendPing(new Uint8Array(0));
    core.beginMessage("text", bytes("a"));
    core.sendFragment(new Uint8Array(0), true);
    core.sendClose(1000, "bye");
    const frames = rest.protocol.takeFrames();
    assertEquals(frames.length, 10);
    assert(frames.every(({ masked }) => masked === (role === "client")));
    assertEquals(frames.map(({ payload }) => payload.length), [
      1,
      0,
      200,
      25_000,
      0,
      100_000,
      0,
      1,
      0,
      5,
    ]);
    assert(frames[5]!.payload.every((byte) => byte === 3));
  }
});

test("Protocol of a client draws a fresh key for each frame (RFC 6455 5.3)", () => {
  const { core, protocol } = openProtocol("client");
  for (let i = 0; i < 200; i++) core.sendBinary(Uint8Array.of(0, 0, 0, 0));
  const keys = protocol.takeFrames().map(({ key }) => key.join());
  assert(new Set(keys).size >= 199);
});

test("Protocol sends the shortest length at each boundary, received as it was sent (RFC 6455 5.2)", () => {
  for (const role of ROLES) {
    for (
      const [size, lengthField] of [
        [0, 1],
        [1, 1],
        [125, 1],
        [126, 3],
        [127, 3],
        [65_535, 3],
        [65_536, 9],
        [65_537, 9],
        [100_000, 9],
      ] as const
    ) {
      const data = new Uint8Array(size).map((_, i) => i * 31);
      const { core, protocol } = openProtocol(role);
      core.sendBinary(data);
      core.sendText("x".repeat(size));
      const wire = protocol.takeOutput();
      const peer = new RecordedProtocol(role === "client" ? "server" : "client").receive(wire);
      const [binary, text] = peer.messages as [Uint8Array, string];
      assertEquals(binary.length, size);
      assert(binary.every((byte, i) => byte === data[i]));
      assertEquals(text, "x".repeat(size));
      const again = openProtocol(role);
      again.core.sendBinary(data);
      again.core.sendText("x".repeat(size));
      assertEquals(again.protocol.takeFrames().map((frame) => frame.lengthField), [
        lengthField,
        lengthField,
      ]);
    }
  }
});

test("Protocol counts the length of text in bytes, where UTF-8 takes more than UTF-16", () => {
  for (
    const text of [
      "é".repeat(62),
      "é".repeat(63),
      "€".repeat(42),
      "😀".repeat(32),
      "€".repeat(21_845),
      "€".repeat(21_846),
    ]
  ) {
    for (const role of ROLES) {
      const { core, protocol } = openProtocol(role);
      core.sendText(text);
      const [frame] = protocol.takeFrames();
      assertEquals(new TextDecoder().decode(frame!.payload), text);
      assertEquals(
        frame!.lengthField,
        frame!.payload.length < 126 ? 1 : frame!.payload.length < 65_536 ? 3 : 9,
      );
    }
  }
});

test("Protocol sends U+FFFD for lone surrogates (WHATWG USVString)", () => {
  for (const length of [1, 50, 20_000]) {
    const { core, protocol } = openProtocol("server");
    core.sendText("\ud800" + "x".repeat(length));
    const [frame] = protocol.takeFrames();
    assertEquals(frame!.payload.subarray(0, 4), hex("efbfbd78"));
  }
});

test("Protocol does not change the caller's buffer (RFC 6455 5.3)", () => {
  for (const role of ROLES) {
    for (const size of [4, 200, 70_000, 200_000]) {
      const whole = new Uint8Array(size + 8).map((_, i) => i * 3);
      const copy = whole.slice();
      const { core, protocol } = openProtocol(role);
      core.sendBinary(whole.subarray(3, 3 + size));
      core.beginMessage("binary", whole.subarray(1, 1 + size));
      core.sendFragment(whole.subarray(5, 5 + size), true);
      core.sendPing(whole.subarray(0, 4));
      const frames = protocol.takeFrames();
      assert(same(whole, copy), `${role}, ${size}`);
      assert(same(frames[0]!.payload, copy.subarray(3, 3 + size)));
      assert(same(frames[2]!.payload, copy.subarray(5, 5 + size)));
    }
  }
});

test("Protocol copies a payload at once, but for that of a server's frame above the copy limit", () => {
  for (const role of ROLES) {
    const { core, protocol } = openProtocol(role, { copyLimit: 1000 });
    // The header does not count: with that gone, what is left would be below the mark while it is lent.
    const payloads = [992, 997, 1000, 1001].map((size) => new Uint8Array(size).fill(1));
    for (const payload of payloads) core.sendBinary(payload);
    for (const payload of payloads) payload.fill(2);
    const firsts = protocol.takeFrames().map(({ payload }) => payload[0]);
    assertEquals(firsts, [1, 1, 1, role === "server" ? 2 : 1]);
  }
});

test("Protocol neither masks nor keeps what an application gave, a Buffer least of all", () => {
  for (const role of ROLES) {
    for (const size of [20, 100, 900, 1100]) {
      const { core, protocol } = openProtocol(role, { copyLimit: 1000 });
      const buffer = new NodeBuffer(size).fill(1);
      core.sendBinary(buffer);
      assertEquals(buffer, new NodeBuffer(size).fill(1), `${role}, ${size}`);
      if (role === "client" || size < 1000) buffer.fill(2);
      const [frame] = protocol.takeFrames();
      assertEquals(frame!.payload, new Uint8Array(size).fill(1), `${role}, ${size}`);
    }
  }
});

/** A message of this size as a protocol of each kind receives it: gathered, and as a view of its chunk. */
function receiveLarge(role: Role, size: number): Uint8Array<ArrayBuffer>[] {
  const payload = Uint8Array.from({ length: size }, (_, i) => i % 251);
  const bytes = frameFor(role, BINARY, payload);
  const gathering = openProtocol(role).protocol;
  gathering.receive(bytes.subarray(0, 1_000), bytes.subarray(1_000));
  const keeping = openProtocol(role);
  keeping.core.keepChunks();
  keeping.protocol.receive(bytes);
  return [gathering, keeping.protocol].map(({ messages }) => {
    const [message] = messages as Uint8Array<ArrayBuffer>[];
    assertEquals(message, payload);
    return message!;
  });
}

test("Protocol of a server sends a large message that was received in one piece with its header", () => {
  for (const role of ROLES) {
    for (const size of [20_000, 65_535, 65_536, 300_000]) {
      for (const message of receiveLarge(role, size)) {
        const copy = message.slice();
        // A broadcast: to one connection after the other, before any of them has written it.
        const targets = [0, 1].map(() => openProtocol("server", { copyLimit: 10_000 }));
        for (const { core } of targets) core.sendBinary(message);
        for (const { core } of targets) {
          const chunk = core.output.take()!;
          assert(chunk.buffer === message.buffer);
          assertEquals(core.output.length, 0);
          const [frame] = parseFrames(chunk.slice(0, core.output.takenLength));
          assertEquals([frame!.opcode, frame!.fin, frame!.masked], [BINARY, true, false]);
          assertEquals(frame!.payload, copy);
        }
        assertEquals(message, copy);
      }
    }
  }
});

test("Protocol sends a message that was received behind what was sent before, and in front of what is then", () => {
  const [message] = receiveLarge("server", 70_000);
  const { core, protocol } = openProtocol("server");
  core.sendText("before");
  core.sendBinary(message!);
  core.sendText("behind");
  const frames = protocol.takeFrames();
  assertEquals(frames.map(({ payload }) => payload.length), [6, 70_000, 6]);
  assertEquals(frames[1]!.payload, message!.slice());
});

test("Protocol has a header of its own for what is not that message, whole and unmasked", () => {
  const [message] = receiveLarge("server", 70_000);
  const before = new Uint8Array(message!.buffer, 0, message!.byteOffset).slice();
  const unchanged = () => {
    assertEquals(new Uint8Array(message!.buffer, 0, message!.byteOffset), before);
    assertEquals(message![0], 0);
  };
  const fragments = openProtocol("server");
  fragments.core.beginMessage("binary", message!);
  fragments.core.sendFragment(message!, true);
  assertEquals(fragments.protocol.takeFrames().map(({ fin, opcode }) => [fin, opcode]), [
    [false, BINARY],
    [true, CONTINUATION],
  ]);
  unchanged();
  const part = openProtocol("server");
  part.core.sendBinary(message!.subarray(0, 69_000));
  assertEquals(part.protocol.takeFrames()[0]!.payload.length, 69_000);
  unchanged();
  const client = openProtocol("client");
  client.core.sendBinary(message!);
  assertEquals(client.protocol.takeFrames()[0]!.payload, message!.slice());
  unchanged();
});

test("Protocol sends text of every length, ASCII or not, whole", () => {
  for (const role of ROLES) {
    for (const length of [4_095, 4_096, 4_097, 30_000, 65_535, 65_536, 98_304, 98_305]) {
      for (const text of ["a".repeat(length), `${"a".repeat(length - 1)}é`, "€".repeat(length)]) {
        const { core, protocol } = openProtocol(role);
        core.sendText("before");
        core.sendText(text);
        core.sendText("behind");
        const texts = protocol.takeFrames().map(({ payload }) => new TextDecoder().decode(payload));
        assert(texts.length === 3 && texts[1] === text, `${role}, ${length}`);
      }
    }
  }
});

test("Protocol lends nothing of a compressor that all connections share", () => {
  const parameters = {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const compression = { parameters, level: 6, threshold: 0 };
  // Sizes about the limit, since the header counts as well.
  for (let size = 960; size <= 1_010; size++) {
    const noise = randomBytes(randomSource(size), size);
    const { core, protocol } = openProtocol("server", { copyLimit: 1000, compression });
    const other = openProtocol("server", { copyLimit: 1000, compression });
    core.sendBinary(noise, true);
    other.core.sendBinary(new Uint8Array(2_000).fill(7), true);
    const [frame] = protocol.takeFrames();
    const client = openProtocol("client", { compression }).protocol;
    client.receive(frameFor("client", BINARY, frame!.payload, { reserved: 4 }));
    assertEquals(client.messages, [noise.slice()], `${size}`);
  }
});

test("Protocol copies the payload of a control frame, whatever the copy limit", () => {
  for (const role of ROLES) {
    const { core, protocol } = openProtocol(role, { copyLimit: 0 });
    const payload = new Uint8Array(125).fill(1);
    core.sendPing(payload);
    payload.fill(2);
    protocol.onEvent = () => {
      const event = protocol.events.at(-1);
      if (event !== undefined && "ping" in event) event.ping.fill(2);
    };
    protocol.receive(frameFor(role, PING, new Uint8Array(125).fill(1)));
    assertEquals(protocol.takeFrames().map(({ payload }) => payload), [
      new Uint8Array(125).fill(1),
      new Uint8Array(125).fill(1),
    ]);
  }
});

test("Protocol sends fragments with the opcode first, and FIN last (RFC 6455 5.4)", () => {
  const { core, protocol } = openProtocol("server");
  core.beginMessage("text", bytes("a"));
  core.sendPing(bytes("p"));
  core.sendFragment(bytes("b"), false);
  core.sendFragment(new Uint8Array(0), true);
  core.beginMessage("binary", bytes("c"));
  core.sendFragment(bytes("d"), true);
  const frames = protocol.takeFrames();
  assertEquals(frames.map(({ opcode, fin }) => [opcode, fin]), [
    [TEXT, false],
    [PING, true],
    [CONTINUATION, false],
    [CONTINUATION, true],
    [BINARY, false],
    [CONTINUATION, true],
  ]);
});

test("Protocol lets no other message into a fragmented one (RFC 6455 5.4)", () => {
  const { core, protocol } = openProtocol("server");
  assertThrows(() => core.sendFragment(bytes("a"), true), Error, "no message is begun");
  core.beginMessage("text", bytes("a"));
  assertThrows(() => core.sendText("b"), Error, "under way");
  assertThrows(() => core.sendBinary(bytes("b")), Error, "under way");
  assertThrows(() => core.beginMessage("text", bytes("b")), Error, "under way");
  core.sendFragment(bytes("c"), true);
  core.sendText("d");
  assertEquals(protocol.takeFrames().map(({ payload }) => new TextDecoder().decode(payload)), [
    "a",
    "c",
    "d",
  ]);
});

test("Protocol refuses control payloads of more than 125 bytes, and sends nothing (RFC 6455 5.5)", () => {
  const { core, protocol } = openProtocol("client");
  core.sendPing(new Uint8Array(125));
  protocol.takeOutput();
  assertThrows(() => core.sendPing(new Uint8Array(126)), RangeError, "125");
  assertEquals(protocol.takeOutput().length, 0);
});

// Pings ------------------------------------------------------------------------------------------

test("Protocol holds little for a flood of pings while nothing can be written, and answers the latest (RFC 6455 5.5.3)", () => {
  for (const role of ROLES) {
    const { core, protocol } = openProtocol(role);
    const flood = concat(
      ...Array.from({ length: 1_000 }, (_, i) => frameFor(role, PING, payloadOf(i, 125))),
    );
    for (let i = 0; i < 20; i++) protocol.receive(flood);
    assert(core.output.length < 17 * 1024, `${core.output.length} bytes wait`);
    const frames = protocol.takeFrames();
    assert(frames.every(({ opcode }) => opcode === PONG));
    assertEquals(frames.at(-1)?.payload, payloadOf(999, 125));
    protocol.receive(frameFor(role, PING, "next"));
    assertEquals(protocol.takeFrames().map(({ payload }) => payload), [bytes("next")]);
  }
});

test("Protocol owes no pong twice, and none behind its Close frame", () => {
  const { core, protocol } = openProtocol("server");
  core.sendBinary(new Uint8Array(20_000));
  protocol.receive(frameFor("server", PING, "late"));
  core.sendClose(1000, "");
  assertEquals(protocol.takeFrames().map(({ opcode }) => opcode), [BINARY, PONG, CLOSE]);
  protocol.receive(frameFor("server", PING, "too late"));
  assertEquals(protocol.takeOutput().length, 0);
});

test("Protocol answers with what arrived, whatever the observer makes of the payload", () => {
  const { core, protocol } = openProtocol("server");
  protocol.onEvent = () => {
    const event = protocol.events.at(-1)!;
    if ("ping" in event) event.ping.fill(0);
  };
  core.sendBinary(new Uint8Array(20_000));
  protocol.receive(frameFor("server", PING, "real"));
  assertEquals(protocol.takeFrames().at(-1)?.payload, bytes("real"));
});

function openProtocol(
  role: typeof ROLES[number],
  init: ConstructorParameters<typeof RecordedProtocol>[1] = {},
): { readonly protocol: RecordedProtocol; readonly core: RecordedProtocol["core"] } {
  const protocol = new RecordedProtocol(role, init);
  return { protocol, core: protocol.core };
}

function payloadOf(number: number, size: number): Uint8Array {
  const payload = new Uint8Array(size);
  new DataView(payload.buffer).setUint32(0, number);
  return payload;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

test("RecordedProtocol tells a violation from an open connection", () => {
  // The assertions of this file rest on it.
  const failed = new RecordedProtocol("server").receive(frameFor("client", TEXT, "x"));
  assertThrows(() => failed.assertOpen());
  assertNotEquals(failed.core.failure, undefined);
  assertThrows(() => new RecordedProtocol("server").assertFailed(1002));
});
