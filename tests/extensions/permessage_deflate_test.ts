import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { constants, inflateRawSync } from "node:zlib";
import { InflateStatus } from "../../src/deflate/inflate.ts";
import { Compressor, Decompressor } from "../../src/extensions/permessage_deflate.ts";
import type { PermessageDeflateParameters } from "../../src/extensions/permessage_deflate_negotiation.ts";
import { chunkings, randomSource, test } from "../harness.ts";
import {
  BINARY,
  bytes,
  CLOSE,
  concat,
  CONTINUATION,
  frameFor,
  hex,
  type ParsedFrame,
  PING,
  PONG,
  randomBytes,
  RecordedProtocol,
  type Role,
  ROLES,
  TEXT,
} from "../protocol/frames.ts";

const PARAMETERS: PermessageDeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
/** What a side chooses for itself. */
const CHOICE = { level: 6, threshold: 256 };
const NO_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true };
const RSV1 = { reserved: 4 } as const;
const TAIL = [0x00, 0x00, 0xff, 0xff];

function open(
  role: Role,
  parameters: Partial<PermessageDeflateParameters> = {},
  init: ConstructorParameters<typeof RecordedProtocol>[1] & { readonly threshold?: number } = {},
): RecordedProtocol {
  const { threshold = 0, ...rest } = init;
  return new RecordedProtocol(role, {
    compression: { ...CHOICE, parameters: { ...PARAMETERS, ...parameters }, threshold },
    ...rest,
  });
}

const other = (role: Role): Role => role === "server" ? "client" : "server";

/** Inflates with zlib what a message's frames carry, given what the window holds before. */
function inflateFrames(frames: readonly ParsedFrame[], windowBits = 15): Uint8Array {
  const compressed = concat(...frames.map(({ payload }) => payload), TAIL);
  const finishFlush = constants.Z_SYNC_FLUSH;
  return Uint8Array.from(inflateRawSync(compressed, { finishFlush, windowBits }));
}

// Vectors ----------------------------------------------------------------------------------------

const HELLO = "f2 48 cd c9 c9 07 00";

/** Messages as their frames' payloads, and what they say. */
const VECTORS: readonly (readonly [what: string, payloads: readonly string[], text: string])[] = [
  ["one block (7.2.3.1)", [HELLO], "Hello"],
  ["one block in two fragments (7.2.3.1)", ["f2 48 cd", "c9 c9 07 00"], "Hello"],
  ["a block without compression (7.2.3.3)", ["00 05 00 fa ff 48 65 6c 6c 6f 00"], "Hello"],
  ["a block with BFINAL set (7.2.3.4)", ["f3 48 cd c9 c9 07 00 00"], "Hello"],
  ["two blocks (7.2.3.5)", ["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"], "Hello"],
  ["an empty message (7.2.3.6)", ["00"], ""],
  ["an empty message in fragments", ["", "00", ""], ""],
  ["many empty stored blocks", ["00 00 00 ff ff 00 00 00 ff ff 00"], ""],
  ["empty fragments around", ["", HELLO, ""], "Hello"],
];

for (const role of ROLES) {
  for (const [what, payloads, text] of VECTORS) {
    test(`Protocol of a ${role} inflates ${what}, cut anywhere (RFC 7692)`, () => {
      const frames = payloads.map((digits, i) =>
        frameFor(role, i === 0 ? TEXT : CONTINUATION, hex(digits), {
          fin: i === payloads.length - 1,
          reserved: i === 0 ? 4 : 0,
        })
      );
      for (const pieces of chunkings(concat(...frames))) {
        const protocol = open(role).receive(...pieces);
        protocol.assertOpen();
        assertEquals(protocol.messages, [text]);
      }
      const binary = frames.map((frame) => frame.slice());
      binary[0]![0]! ^= TEXT ^ BINARY;
      assertEquals(open(role).receive(...binary).messages, [bytes(text)]);
    });
  }

  test(`Protocol of a ${role} keeps the window from message to message (RFC 7692 7.2.3.2)`, () => {
    const wire = concat(
      frameFor(role, TEXT, hex(HELLO), RSV1),
      frameFor(role, TEXT, hex("f2 00 11 00 00"), RSV1),
    );
    for (const pieces of chunkings(wire)) {
      assertEquals(open(role).receive(...pieces).messages, ["Hello", "Hello"]);
    }
  });

  test(`Protocol of a ${role} forgets the window where that is agreed for the peer (RFC 7692 7.1.1)`, () => {
    const peer = role === "server" ? "clientNoContextTakeover" : "serverNoContextTakeover";
    const wire = [
      frameFor(role, TEXT, hex(HELLO), RSV1),
      frameFor(role, TEXT, hex("f2 00 11 00 00"), RSV1),
    ];
    open(role, { [peer]: true }).receive(...wire).assertFailed(1007);
    const own = role === "server" ? "serverNoContextTakeover" : "clientNoContextTakeover";
    assertEquals(open(role, { [own]: true }).receive(...wire).messages, ["Hello", "Hello"]);
  });

  test(`Protocol of a ${role} leaves the window alone with an uncompressed message between (RFC 7692 6, 7.2)`, () => {
    const wire = concat(
      frameFor(role, TEXT, hex(HELLO), RSV1),
      frameFor(role, TEXT, "plain", {}),
      frameFor(role, BINARY, "pl", { fin: false }),
      frameFor(role, CONTINUATION, "ain"),
      frameFor(role, TEXT, hex("f2 00 11 00 00"), RSV1),
    );
    for (const pieces of chunkings(wire)) {
      const { messages } = open(role).receive(...pieces);
      assertEquals(messages, ["Hello", "plain", bytes("plain"), "Hello"]);
    }
  });

  test(`Protocol of a ${role} answers a ping between the fragments of a compressed message, and inflates on (RFC 7692 6.1)`, () => {
    for (let cut = 0; cut <= 7; cut++) {
      const wire = concat(
        frameFor(role, TEXT, hex(HELLO).subarray(0, cut), { ...RSV1, fin: false }),
        frameFor(role, PING, "ping"),
        frameFor(role, PONG, "pong"),
        frameFor(role, CONTINUATION, hex(HELLO).subarray(cut)),
      );
      for (const pieces of chunkings(wire)) {
        const protocol = open(role).receive(...pieces);
        protocol.assertOpen();
        assertEquals(protocol.events, [
          { ping: bytes("ping") },
          { pong: bytes("pong") },
          { message: "Hello" },
        ]);
        assertEquals(protocol.takeFrames().map(({ opcode, payload }) => [opcode, payload]), [
          [PONG, bytes("ping")],
        ]);
      }
    }
  });

  test(`Protocol of a ${role} refuses RSV1 on continuations and control frames with 1002 (RFC 7692 6.1)`, () => {
    const begin = frameFor(role, TEXT, hex("f2 48"), { ...RSV1, fin: false });
    const again = concat(begin, frameFor(role, CONTINUATION, hex("cd c9 c9 07 00"), RSV1));
    open(role).receive(again).assertFailed(1002);
    for (const opcode of [PING, PONG, CLOSE]) {
      open(role).receive(frameFor(role, opcode, "", RSV1)).assertFailed(1002);
    }
    open(role).receive(frameFor(role, TEXT, "x", { reserved: 6 })).assertFailed(1002);
    new RecordedProtocol(role).receive(frameFor(role, TEXT, hex(HELLO), RSV1)).assertFailed(1002);
  });

  test(`Protocol of a ${role} answers corrupt data with 1007 (RFC 7692 7.2.2)`, () => {
    const corrupt: readonly (readonly [string, string])[] = [
      ["reserved block type", "06"],
      ["nothing at all", ""],
      ["stored length without its complement", "00 05 00 fa fe 48"],
      ["distance before the window", "f2 00 11 00 00"],
      ["broken off within a block", "f2 48 cd"],
      ["invalid literals", "ff ff ff ff"],
    ];
    for (const [what, digits] of corrupt) {
      for (const pieces of chunkings(frameFor(role, BINARY, hex(digits), RSV1))) {
        const protocol = open(role).receive(...pieces);
        protocol.assertFailed(1007, what);
        assertEquals(protocol.messages, []);
      }
    }
  });

  test(`Protocol of a ${role} checks UTF-8 after inflating, and fails early (RFC 6455 8.1, RFC 7692)`, () => {
    // A stored block with the bytes c3 28.
    const bad = hex("00 02 00 fd ff c3 28");
    for (const pieces of chunkings(frameFor(role, TEXT, concat(bad, [0]), RSV1))) {
      open(role).receive(...pieces).assertFailed(1007);
    }
    const unfinished = frameFor(role, TEXT, bad, { ...RSV1, fin: false });
    open(role).receive(unfinished).assertFailed(1007);
    const binary = open(role).receive(frameFor(role, BINARY, concat(bad, [0]), RSV1));
    assertEquals(binary.messages, [Uint8Array.of(0xc3, 0x28)]);
    const truncated = hex("00 01 00 fe ff c3 00");
    open(role).receive(frameFor(role, TEXT, truncated, RSV1)).assertFailed(1007);
  });

  test(`Protocol of a ${role} stops a bomb with 1009 while it inflates (RFC 7692 8)`, () => {
    const bomb = compressWhole(new Uint8Array(20_000_000));
    assertLess(bomb.length, 100_000);
    for (const [fin, size] of [[true, 65_536], [false, 1_000_000]] as const) {
      const protocol = open(role, {}, { maxMessageSize: size });
      protocol.receive(frameFor(role, BINARY, bomb, { ...RSV1, fin }));
      protocol.assertFailed(1009);
      assertEquals(protocol.messages, []);
      protocol.receive(frameFor(role, TEXT, "more"));
      assertEquals(protocol.messages, []);
    }
  });

  test(`Protocol of a ${role} applies the limit to what comes out, exactly, over all fragments`, () => {
    const compressed = compressWhole(new Uint8Array(1_000));
    for (const [limit, fits] of [[999, false], [1_000, true]] as const) {
      for (let cut = 0; cut <= compressed.length; cut++) {
        const protocol = open(role, {}, { maxMessageSize: limit });
        protocol.receive(
          frameFor(role, BINARY, compressed.subarray(0, cut), { ...RSV1, fin: false }),
          frameFor(role, CONTINUATION, compressed.subarray(cut)),
        );
        if (fits) assertEquals((protocol.messages[0] as Uint8Array).length, 1_000);
        else protocol.assertFailed(1009);
      }
    }
  });

  test(`Protocol of a ${role} lets a compressed message be longer than what comes out`, () => {
    const stored = compressWhole(randomBytes(randomSource(5), 1_000));
    assert(stored.length > 1_000);
    const protocol = open(role, {}, { maxMessageSize: 1_000 });
    protocol.receive(frameFor(role, BINARY, stored, RSV1)).assertOpen();
    assertEquals(protocol.messages.length, 1);
  });

  test(`Protocol of a ${role} refuses compressed lengths beyond count with 1009`, () => {
    for (const length of [2n ** 53n, 2n ** 63n - 1n]) {
      open(role).receive(frameFor(role, BINARY, "", { ...RSV1, length })).assertFailed(1009);
    }
  });

  test(`Protocol of a ${role} sets RSV1 on the first frame only, and strips the tail (RFC 7692 6, 7.2.1)`, () => {
    const protocol = open(role);
    protocol.core.sendText("Hello");
    protocol.core.sendText("Hello");
    const frames = protocol.takeFrames();
    assertEquals(frames.map(({ reserved, opcode, fin }) => [reserved, opcode, fin]), [
      [4, TEXT, true],
      [4, TEXT, true],
    ]);
    for (const { payload } of frames) assertNotEquals(payload.slice(-4), bytes(TAIL));
    assertEquals(inflateFrames(frames.slice(0, 1)), bytes("Hello"));
    assert(frames[1]!.payload.length < frames[0]!.payload.length, "the window is not used");
    const both = concat(frames[0]!.payload, TAIL, frames[1]!.payload, TAIL);
    const finishFlush = constants.Z_SYNC_FLUSH;
    assertEquals(Uint8Array.from(inflateRawSync(both, { finishFlush })), bytes("HelloHello"));

    protocol.core.beginMessage("binary", bytes("aaaaaaaaaa"));
    protocol.core.sendPing(bytes("p"));
    protocol.core.sendFragment(bytes("bbbbbbbbbb"), false);
    protocol.core.sendFragment(bytes(""), true);
    assertEquals(
      protocol.takeFrames().map(({ reserved, opcode, fin }) => [reserved, opcode, fin]),
      [
        [4, BINARY, false],
        [0, PING, true],
        [0, CONTINUATION, false],
        [0, CONTINUATION, true],
      ],
    );
  });

  test(`Protocol of a ${role} sends an empty compressed message as one zero byte (RFC 7692 7.2.3.6)`, () => {
    const protocol = open(role);
    protocol.core.sendText("", true);
    protocol.core.sendBinary(new Uint8Array(0), true);
    for (const { reserved, payload } of protocol.takeFrames()) {
      assertEquals([reserved, payload], [4, Uint8Array.of(0)]);
    }
  });

  test(`Protocol of a ${role} forgets its own window where that is agreed (RFC 7692 7.1.1)`, () => {
    const own = role === "server" ? "serverNoContextTakeover" : "clientNoContextTakeover";
    const protocol = open(role, { [own]: true });
    for (let i = 0; i < 3; i++) protocol.core.sendText("Hello Hello Hello Hello");
    protocol.core.beginMessage("text", bytes("Hello Hello "));
    protocol.core.sendFragment(bytes("Hello Hello"), true);
    protocol.core.sendText("Hello Hello Hello Hello");
    const frames = protocol.takeFrames();
    for (const frame of [...frames.slice(0, 3), frames[5]!]) {
      assertEquals(frame.payload, frames[0]!.payload);
      assertEquals(inflateFrames([frame]), bytes("Hello Hello Hello Hello"));
    }
    assertEquals(inflateFrames(frames.slice(3, 5)), bytes("Hello Hello Hello Hello"));
  });

  test(`Protocol of a ${role} compresses by the threshold in bytes, or as it is told`, () => {
    const protocol = open(role, {}, { threshold: 100 });
    const cases: readonly (readonly [string | Uint8Array, boolean | undefined, number])[] = [
      ["x".repeat(99), undefined, 0],
      ["x".repeat(100), undefined, 4],
      ["é".repeat(49), undefined, 0],
      ["é".repeat(50), undefined, 4],
      ["€".repeat(34), undefined, 4],
      [new Uint8Array(99), undefined, 0],
      [new Uint8Array(100), undefined, 4],
      ["x", true, 4],
      ["x".repeat(200), false, 0],
      ["é".repeat(90), false, 0],
      [new Uint8Array(1), true, 4],
      [new Uint8Array(200), false, 0],
    ];
    const peer = open(other(role));
    for (const [data, compress, reserved] of cases) {
      if (typeof data === "string") protocol.core.sendText(data, compress);
      else protocol.core.sendBinary(data, compress);
      const wire = protocol.takeOutput();
      assertEquals((wire[0]! >> 4) & 7, reserved, `${data.length}, ${compress}`);
      assertEquals(peer.receive(wire).messages.at(-1), data);
    }
    protocol.core.beginMessage("text", bytes("x".repeat(500)), false);
    protocol.core.sendFragment(bytes("y"), true);
    assertEquals(protocol.takeFrames().map(({ reserved }) => reserved), [0, 0]);
  });

  test(`Protocol of a ${role} compresses nothing where that is not agreed`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.core.sendText("x".repeat(1_000), true);
    protocol.core.beginMessage("text", bytes("x"), true);
    protocol.core.sendFragment(bytes("y"), true);
    assertEquals(protocol.takeFrames().map(({ reserved }) => reserved), [0, 0, 0]);
  });

  test(`Protocol of a ${role} keeps large compressed fragments apart from those after them`, () => {
    const random = randomSource(31);
    const first = randomBytes(random, 100_000), second = randomBytes(random, 100_000);
    for (const copyLimit of [1_000, 65_536]) {
      const protocol = open(role, {}, { copyLimit });
      protocol.core.beginMessage("binary", first);
      protocol.core.sendFragment(second, false);
      protocol.core.sendFragment(new Uint8Array(0), true);
      protocol.core.sendBinary(first);
      protocol.core.sendBinary(second);
      const peer = open(other(role)).receive(protocol.takeOutput());
      peer.assertOpen();
      assert(same(peer.messages[0] as Uint8Array, concat(first, second)));
      assert(same(peer.messages[1] as Uint8Array, first));
      assert(same(peer.messages[2] as Uint8Array, second));
    }
  });

  test(`Protocol of a ${role} keeps what was compressed to about the limit of copying`, () => {
    const random = randomSource(32);
    for (let size = 970; size < 1_010; size++) {
      const first = randomBytes(random, size), second = randomBytes(random, size);
      const protocol = open(role, {}, { copyLimit: 1_000 });
      protocol.core.sendBinary(first);
      protocol.core.sendBinary(second);
      const peer = open(other(role)).receive(protocol.takeOutput());
      peer.assertOpen();
      assert(same(peer.messages[0] as Uint8Array, first), `${size} bytes`);
      assert(same(peer.messages[1] as Uint8Array, second), `${size} bytes`);
    }
  });
}

test("Protocols of both roles carry messages under every combination of parameters", () => {
  const seed = 2_718;
  const random = randomSource(seed);
  const takeovers = [{}, NO_TAKEOVER, { serverNoContextTakeover: true }, {
    clientNoContextTakeover: true,
  }];
  for (let bits = 8; bits <= 15; bits++) {
    for (const takeover of takeovers) {
      const parameters = {
        ...takeover,
        serverMaxWindowBits: bits,
        clientMaxWindowBits: 8 + random(8),
      };
      for (const role of ROLES) {
        const sender = open(role, parameters), receiver = open(other(role), parameters);
        for (let i = 0; i < 6; i++) {
          // Repeats from near and far, so that distances reach the end of every window.
          const unit = randomBytes(random, 1 + random(2 ** (bits - 1)));
          const message = concat(...Array.from({ length: 1 + random(5) }, () => unit));
          sender.core.sendBinary(message);
          receiver.receive(sender.takeOutput());
          receiver.assertOpen(`seed ${seed}, ${JSON.stringify(parameters)}`);
          assert(same(receiver.messages.at(-1) as Uint8Array, message), `seed ${seed}`);
        }
      }
    }
  }
});

test("Compressor refers no further back than the window agreed for its role (RFC 7692 7.1.2)", () => {
  for (let bits = 9; bits <= 15; bits++) {
    for (const role of ROLES) {
      const parameters = {
        ...PARAMETERS,
        serverMaxWindowBits: role === "server" ? bits : 15,
        clientMaxWindowBits: role === "client" ? bits : 15,
      };
      const compressor = new Compressor(role, { ...CHOICE, parameters });
      const unit = randomBytes(randomSource(bits), (1 << bits) + 50);
      const message = concat(unit, unit, unit.subarray(100));
      const compressed = compressor.compress(message, true).slice();
      // zlib refuses a distance beyond its window.
      const finishFlush = constants.Z_SYNC_FLUSH;
      const inflated = inflateRawSync(concat(compressed, TAIL), { finishFlush, windowBits: bits });
      assert(same(Uint8Array.from(inflated), message));
    }
  }
});

test("Decompressor refuses a distance beyond the window agreed for the peer (RFC 7692 7.1.2)", () => {
  for (const role of ROLES) {
    const peerBits = role === "server" ? "clientMaxWindowBits" : "serverMaxWindowBits";
    const ownBits = role === "server" ? "serverMaxWindowBits" : "clientMaxWindowBits";
    const unit = randomBytes(randomSource(8), 2_000);
    const compressed = compressWhole(concat(unit, unit));
    const status = (parameters: Partial<PermessageDeflateParameters>) =>
      new Decompressor(role, { ...PARAMETERS, ...parameters }).push(compressed, 1 << 20);
    assertEquals(status({ [peerBits]: 10 }), InflateStatus.Corrupt);
    assertEquals(status({ [peerBits]: 11 }), InflateStatus.Ok);
    assertEquals(status({ [ownBits]: 8 }), InflateStatus.Ok);
  }
});

test("Compressor makes less of what repeats, at every level", () => {
  const text = bytes(
    JSON.stringify(Array.from({ length: 50 }, (_, i) => ({ id: i, name: "item" }))),
  );
  for (let level = 1; level <= 9; level++) {
    const compressor = new Compressor("server", { ...CHOICE, parameters: PARAMETERS, level });
    const compressed = compressor.compress(text, true).slice();
    assertLess(compressed.length, text.length / 3);
    const inflated = inflateRawSync(concat(compressed, TAIL), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    assertEquals(Uint8Array.from(inflated), text);
  }
});

test("Compressors of many connections without a context do not disturb each other", () => {
  const parameters = { ...PARAMETERS, ...NO_TAKEOVER };
  const compressors = Array.from(
    { length: 5 },
    () => new Compressor("server", { ...CHOICE, parameters }),
  );
  const decompressors = compressors.map(() => new Decompressor("client", parameters));
  for (let round = 0; round < 4; round++) {
    const started = compressors.map((compressor, i) =>
      compressor.compress(bytes(`start ${i} ${round} `), false).slice()
    );
    compressors.forEach((compressor, i) => {
      const rest = compressor.compress(bytes(`start ${i} ${round} end`), true).slice();
      const decompressor = decompressors[i]!;
      assertEquals(decompressor.push(started[i]!, 1_000), InflateStatus.Ok);
      assertEquals(decompressor.push(rest, 1_000), InflateStatus.Ok);
      const { output } = decompressor.finish(true);
      assertEquals(new TextDecoder().decode(output), `start ${i} ${round} start ${i} ${round} end`);
    });
  }
});

/** A message as our own compressor makes it; its soundness is checked against zlib above. */
function compressWhole(data: Uint8Array): Uint8Array {
  const compressor = new Compressor("server", { ...CHOICE, parameters: PARAMETERS });
  return compressor.compress(data, true).slice();
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
