/** The closing handshake of `Protocol`. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { chunkings, test } from "../harness.ts";
import {
  bytes,
  CLOSE,
  closeFrameFor,
  closePayload,
  concat,
  frameFor,
  PING,
  RecordedProtocol,
  ROLES,
  TEXT,
} from "./frames.ts";

const TAKEN = [
  1000,
  1001,
  1002,
  1003,
  1007,
  1008,
  1009,
  1010,
  1011,
  1012,
  1013,
  1014,
  3000,
  3999,
  4000,
  4999,
];
const REFUSED = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65_535];

for (const role of ROLES) {
  test(`Protocol of a ${role} echoes the code of a Close, cut anywhere (RFC 6455 5.5.1)`, () => {
    for (const code of TAKEN) {
      for (const pieces of chunkings(closeFrameFor(role, code, "why"))) {
        const protocol = new RecordedProtocol(role).receive(...pieces);
        protocol.assertOpen();
        assertEquals(protocol.core.closeReceived, { code, reason: "why" });
        assertEquals(protocol.core.closeSent?.code, code);
        assert(protocol.core.closeExpected);
        const [close, ...others] = protocol.takeFrames();
        assertEquals(others, []);
        assertEquals(close?.opcode, CLOSE);
        assertEquals(close?.payload.subarray(0, 2), closePayload(code));
        assertEquals(close?.masked, role === "client");
      }
    }
  });

  test(`Protocol of a ${role} answers an empty Close with an empty one, and reports 1005 (RFC 6455 7.1.5)`, () => {
    const protocol = new RecordedProtocol(role).receive(frameFor(role, CLOSE));
    assertEquals(protocol.core.closeReceived, { code: 1005, reason: "" });
    assertEquals(protocol.takeFrames().map(({ payload }) => payload.length), [0]);
  });

  test(`Protocol of a ${role} refuses codes that may not be sent with 1002 (RFC 6455 7.4)`, () => {
    for (const code of REFUSED) {
      for (const pieces of chunkings(closeFrameFor(role, code))) {
        const protocol = new RecordedProtocol(role).receive(...pieces);
        protocol.assertFailed(1002, String(code));
        assertEquals(protocol.core.closeReceived, undefined);
      }
    }
  });

  test(`Protocol of a ${role} refuses a Close of one byte, and a reason that is not UTF-8 (RFC 6455 5.5.1)`, () => {
    new RecordedProtocol(role).receive(frameFor(role, CLOSE, [3])).assertFailed(1002);
    const bad = frameFor(role, CLOSE, concat(closePayload(1000), [0xc3, 0x28]));
    new RecordedProtocol(role).receive(bad).assertFailed(1007);
  });

  test(`Protocol of a ${role} takes a reason of 123 bytes`, () => {
    const reason = "é".repeat(61) + "x";
    const protocol = new RecordedProtocol(role).receive(closeFrameFor(role, 1000, reason));
    assertEquals(protocol.core.closeReceived, { code: 1000, reason });
    assert(protocol.takeFrames()[0]!.payload.length <= 125);
  });

  test(`Protocol of a ${role} ignores what follows a Close (RFC 6455 1.4, 5.5.1)`, () => {
    const wire = concat(
      frameFor(role, TEXT, "before"),
      closeFrameFor(role, 1000),
      frameFor(role, TEXT, "after"),
      frameFor(role, PING, ""),
      closeFrameFor(role, 1001),
      [0xff, 0xff, 0xff],
    );
    for (const pieces of chunkings(wire)) {
      const protocol = new RecordedProtocol(role).receive(...pieces);
      protocol.assertOpen();
      assertEquals(protocol.events, [{ message: "before" }]);
      assertEquals(protocol.core.closeReceived?.code, 1000);
      assertEquals(protocol.takeFrames().map(({ opcode }) => opcode), [CLOSE]);
    }
  });

  test(`Protocol of a ${role} still delivers data after its own Close, and ends with the peer's (RFC 6455 5.5.1)`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.core.sendClose(4000, "bye");
    assertEquals(protocol.core.closeExpected, false);
    protocol.receive(
      frameFor(role, TEXT, "a", { fin: false }),
      frameFor(role, PING, "p"),
      frameFor(role, 0, "b"),
    );
    assertEquals(protocol.events, [{ ping: bytes("p") }, { message: "ab" }]);
    protocol.receive(closeFrameFor(role, 4000));
    assert(protocol.core.closeExpected);
    const frames = protocol.takeFrames();
    assertEquals(frames.map(({ opcode }) => opcode), [CLOSE]);
    assertEquals(frames[0]!.payload, closePayload(4000, "bye"));
  });

  test(`Protocol of a ${role} sends nothing after its Close (RFC 6455 5.5.1)`, () => {
    const protocol = new RecordedProtocol(role);
    const { core } = protocol;
    core.sendClose(1000, "");
    protocol.takeOutput();
    for (
      const send of [
        () => core.sendText("x"),
        () => core.sendBinary(bytes("x")),
        () => core.beginMessage("text", bytes("x")),
        () => core.sendFragment(bytes("x"), true),
        () => core.sendPing(bytes("x")),
        () => core.sendClose(1000, ""),
      ]
    ) assertThrows(send, Error, "Close was sent");
    assertEquals(protocol.takeOutput().length, 0);
  });

  test(`Protocol of a ${role} fails after its own Close without a second one (RFC 6455 7.1.7)`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.core.sendClose(1000, "");
    protocol.takeOutput();
    protocol.receive(frameFor(role, 3));
    assertEquals(protocol.core.failure?.closeCode, 1002);
    assert(protocol.core.closeExpected);
    assertEquals(protocol.takeOutput().length, 0);
  });

  test(`Protocol of a ${role} may close within a fragmented message, either way (RFC 6455 5.4)`, () => {
    const receiving = new RecordedProtocol(role).receive(
      frameFor(role, TEXT, "a", { fin: false }),
      closeFrameFor(role, 1001),
    );
    receiving.assertOpen();
    assertEquals(receiving.core.closeReceived?.code, 1001);
    assertEquals(receiving.messages, []);
    const sending = new RecordedProtocol(role);
    sending.core.beginMessage("text", bytes("a"));
    sending.receive(closeFrameFor(role, 1001));
    assertEquals(sending.takeFrames().map(({ opcode }) => opcode), [TEXT, CLOSE]);
    assertThrows(() => sending.core.sendFragment(bytes("b"), true), Error, "Close was sent");
  });

  test(`Protocol of a ${role} tells before it answers a Close, and a violation`, () => {
    for (
      const [wire, code] of [[closeFrameFor(role, 1000), 1000], [frameFor(role, 3), 1002]] as const
    ) {
      const protocol = new RecordedProtocol(role);
      let told = 0;
      protocol.onClosing = () => {
        told++;
        protocol.core.sendText(`answer to ${protocol.messages.at(-1)}`);
      };
      protocol.receive(concat(frameFor(role, TEXT, "question"), wire));
      const [answer, close] = protocol.takeFrames();
      assertEquals(new TextDecoder().decode(answer!.payload), "answer to question");
      assertEquals(close!.payload.subarray(0, 2), closePayload(code));
      assertEquals(told, 1);
    }
  });

  test(`Protocol of a ${role} lets the one who is told close with a code of his own`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.onClosing = () => protocol.core.sendClose(4001, "mine");
    protocol.receive(closeFrameFor(role, 1000));
    assertEquals(protocol.takeFrames().map(({ payload }) => payload), [closePayload(4001, "mine")]);
    assert(protocol.core.closeExpected);
  });

  test(`Protocol of a ${role} leaves the answer to a sink that asks for time (RFC 6455 5.5.1)`, () => {
    const protocol = new RecordedProtocol(role);
    const { core } = protocol;
    protocol.answers = false;
    protocol.receive(concat(frameFor(role, TEXT, "question"), closeFrameFor(role, 4000, "bye")));
    assertEquals(core.closeReceived, { code: 4000, reason: "bye" });
    assertEquals([core.closeSent, core.closeExpected], [undefined, false]);
    protocol.receive(frameFor(role, TEXT, "late"), frameFor(role, 3), frameFor(role, PING, ""));
    protocol.assertOpen();
    assertEquals(protocol.messages, ["question"]);
    core.sendText("answer");
    core.sendClose(4000, "");
    assert(core.closeExpected);
    const frames = protocol.takeFrames();
    assertEquals(frames.map(({ payload }) => payload), [bytes("answer"), closePayload(4000)]);
  });

  test(`Protocol of a ${role} takes nothing after the end of the transport`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.core.receiveEof();
    assert(protocol.core.eof);
    protocol.receive(frameFor(role, TEXT, "late"));
    assertEquals(protocol.events, []);
    assertEquals(protocol.core.closeExpected, false);
  });
}

test("Protocol ends in order when both sides close at once (RFC 6455 7.1.3)", () => {
  const client = new RecordedProtocol("client"), server = new RecordedProtocol("server");
  client.core.sendClose(1000, "client");
  server.core.sendClose(1001, "server");
  const fromClient = client.takeOutput(), fromServer = server.takeOutput();
  client.receive(fromServer);
  server.receive(fromClient);
  assertEquals(client.core.closeReceived, { code: 1001, reason: "server" });
  assertEquals(server.core.closeReceived, { code: 1000, reason: "client" });
  assert(client.core.closeExpected && server.core.closeExpected);
  assertEquals(client.takeOutput().length + server.takeOutput().length, 0);
});
