/** Rules of RFC 6455 that are shown on the whole of `Protocol`. */

import { assertEquals } from "@std/assert";
import { chunkings, test } from "../harness.ts";
import {
  BINARY,
  concat,
  CONTINUATION,
  frameFor,
  PING,
  RecordedProtocol,
  ROLES,
  TEXT,
} from "./frames.ts";

const OPCODES = Array.from({ length: 16 }, (_, opcode) => opcode);
const DEFINED = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];

for (const role of ROLES) {
  test(`Protocol of a ${role} refuses each opcode that is reserved (RFC 6455 5.2)`, () => {
    const reserved = OPCODES.filter((opcode) => !DEFINED.includes(opcode));
    assertEquals(reserved.length, 10);
    for (const opcode of reserved) {
      const protocol = new RecordedProtocol(role).receive(frameFor(role, opcode));
      protocol.assertFailed(1002, `opcode ${opcode}`);
      assertEquals(protocol.events, []);
    }
  });

  test(`Protocol of a ${role} takes empty messages, and fragments that hold nothing (RFC 6455 5.4)`, () => {
    const wire = concat(
      frameFor(role, TEXT),
      frameFor(role, BINARY),
      frameFor(role, TEXT, "", { fin: false }),
      frameFor(role, PING),
      frameFor(role, CONTINUATION, "", { fin: false }),
      frameFor(role, CONTINUATION),
      frameFor(role, BINARY, "", { fin: false }),
      frameFor(role, CONTINUATION, [1, 2], { fin: false }),
      frameFor(role, CONTINUATION),
    );
    for (const pieces of chunkings(wire)) {
      const protocol = new RecordedProtocol(role).receive(...pieces);
      protocol.assertOpen();
      assertEquals(protocol.messages, ["", new Uint8Array(0), "", Uint8Array.of(1, 2)]);
    }
  });

  test(`Protocol of a ${role} sends text that is valid, whatever the string (RFC 6455 8.1)`, () => {
    const peer = role === "server" ? "client" : "server";
    for (const text of ["\ud800", "\udc00a", "a\ud83d", "\ud83c\ud83c\udf0a", "\ufeffü\u0000"]) {
      for (const length of [1, 40, 3000]) {
        const protocol = new RecordedProtocol(role);
        protocol.core.sendText(text.repeat(length));
        const received = new RecordedProtocol(peer).receive(protocol.takeOutput());
        received.assertOpen(JSON.stringify(text));
        assertEquals(received.messages, [text.repeat(length).toWellFormed()]);
      }
    }
  });
}
