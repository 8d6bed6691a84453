/** Pausing the delivery of `Protocol`, and two of them talking to each other. */

import { assert, assertEquals } from "@std/assert";
import { randomSource, test } from "../harness.ts";
import {
  closeFrameFor,
  concat,
  frameFor,
  PING,
  randomBytes,
  RecordedProtocol,
  type Role,
  ROLES,
  TEXT,
} from "./frames.ts";

function numbered(role: Role, from: number, to: number): Uint8Array {
  const frames: Uint8Array[] = [];
  for (let i = from; i < to; i++) frames.push(frameFor(role, TEXT, `message ${i}`));
  return concat(...frames);
}

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `message ${from + i}`);

for (const role of ROLES) {
  test(`Protocol of a ${role} stops behind the message under way when paused, and loses nothing`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.onEvent = () => {
      if (protocol.events.length % 10 === 0) protocol.core.pause();
    };
    protocol.receive(numbered(role, 0, 1_000));
    for (let delivered = 10; delivered <= 1_000; delivered += 10) {
      assertEquals(protocol.messages.length, delivered);
      protocol.core.resume();
    }
    assertEquals(protocol.messages, names(0, 1_000));
    protocol.receive(numbered(role, 1_000, 1_001));
    assertEquals(protocol.messages.at(-1), "message 1000");
  });

  test(`Protocol of a ${role} holds what arrives while paused, in order, wherever it is cut`, () => {
    const wire = numbered(role, 0, 40);
    for (const size of [1, 2, 3, 7, 19, 100]) {
      const protocol = new RecordedProtocol(role);
      protocol.onEvent = () => protocol.core.pause();
      const random = randomSource(size);
      for (let at = 0; at < wire.length; at += size) {
        protocol.receive(wire.subarray(at, at + size));
        if (random(3) === 0) protocol.core.resume();
      }
      for (let i = 0; i < 40; i++) protocol.core.resume();
      assertEquals(protocol.messages, names(0, 40), `pieces of ${size}`);
    }
  });

  test(`Protocol of a ${role} goes on where it is paused and resumed within one call`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.onEvent = () => {
      protocol.core.pause();
      protocol.core.resume();
    };
    protocol.receive(numbered(role, 0, 50));
    assertEquals(protocol.messages, names(0, 50));
    protocol.onEvent = () => {
      if (protocol.events.length === 51) protocol.core.pause();
    };
    protocol.receive(numbered(role, 50, 100));
    assertEquals(protocol.messages.length, 51);
    protocol.onEvent = () => {
      protocol.core.pause();
      protocol.core.resume();
      protocol.core.resume();
    };
    protocol.core.resume();
    assertEquals(protocol.messages, names(0, 100));
    protocol.receive(numbered(role, 100, 110));
    assertEquals(protocol.messages, names(0, 110));
  });

  test(`Protocol of a ${role} neither answers pings nor sees a Close before it is resumed`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.onEvent = () => protocol.core.pause();
    protocol.receive(concat(
      frameFor(role, TEXT, "first"),
      frameFor(role, PING, ""),
      closeFrameFor(role, 1000),
    ));
    assertEquals(protocol.takeOutput().length, 0);
    assertEquals(protocol.core.closeReceived, undefined);
    protocol.core.resume();
    assertEquals(protocol.takeFrames().length, 1);
    protocol.core.resume();
    assertEquals(protocol.core.closeReceived?.code, 1000);
    assertEquals(protocol.takeFrames().length, 1);
    assert(protocol.core.closeExpected);
  });

  test(`Protocol of a ${role} holds a copy, since chunks are lent`, () => {
    const protocol = new RecordedProtocol(role);
    protocol.onEvent = () => protocol.core.pause();
    const chunk = numbered(role, 0, 3);
    protocol.core.receiveData(chunk);
    chunk.fill(0xee);
    const later = numbered(role, 3, 4);
    protocol.core.receiveData(later);
    later.fill(0xee);
    for (let i = 0; i < 4; i++) protocol.core.resume();
    assertEquals(protocol.messages, names(0, 4));
  });
}

test("Protocols of both roles carry random messages through random chunks", () => {
  const seed = 31_415;
  for (let round = 0; round < 40; round++) {
    const random = randomSource(seed + round);
    const compression = random(2) === 0 ? undefined : {
      parameters: {
        serverNoContextTakeover: random(2) === 0,
        clientNoContextTakeover: random(2) === 0,
        serverMaxWindowBits: 8 + random(8),
        clientMaxWindowBits: 8 + random(8),
      },
      level: 6,
      threshold: random(400),
    };
    const ends = {
      client: new RecordedProtocol("client", { compression }),
      server: new RecordedProtocol("server", { compression }),
    };
    const sent: Record<Role, (string | Uint8Array)[]> = { client: [], server: [] };
    for (const role of ROLES) {
      const { core } = ends[role];
      for (let i = 0; i < 30; i++) {
        const message = randomMessage(random);
        sent[role].push(message);
        if (random(4) === 0) sendInFragments(core, message, random);
        else if (typeof message === "string") core.sendText(message);
        else core.sendBinary(message);
        if (random(5) === 0) core.sendPing(randomBytes(random, random(126)));
      }
      core.sendClose(1000 + random(4), "");
    }
    const where = `seed ${seed}, round ${round}`;
    const wires = { client: ends.client.takeOutput(), server: ends.server.takeOutput() };
    for (const role of ROLES) {
      const receiver = ends[role === "client" ? "server" : "client"];
      receiver.onEvent = () => {
        if (random(4) === 0) receiver.core.pause();
      };
      const wire = wires[role];
      for (let at = 0; at < wire.length;) {
        receiver.receive(wire.subarray(at, at += 1 + random(random(2) === 0 ? 5 : 3_000)));
        if (random(2) === 0) receiver.core.resume();
      }
      for (let i = 0; i < 100; i++) receiver.core.resume();
      receiver.assertOpen(where);
      assertEquals(receiver.messages, sent[role], where);
      assert(receiver.core.closeReceived !== undefined, where);
    }
  }
});

function randomMessage(random: (below: number) => number): string | Uint8Array {
  const size = random(10) === 0 ? 60_000 + random(20_000) : random(600);
  if (random(2) === 0) return randomBytes(random, size);
  const alphabet = ["a", "b", " ", "é", "€", "😀", "\ufeff"];
  return Array.from({ length: size >> 2 }, () => alphabet[random(alphabet.length)]).join("");
}

function sendInFragments(
  core: RecordedProtocol["core"],
  message: string | Uint8Array,
  random: (below: number) => number,
): void {
  const data = typeof message === "string" ? new TextEncoder().encode(message) : message;
  let at = random(data.length + 1);
  core.beginMessage(typeof message === "string" ? "text" : "binary", data.subarray(0, at));
  for (;;) {
    const end = Math.min(data.length, at + random(data.length + 1));
    const last = end === data.length;
    core.sendFragment(data.subarray(at, end), last);
    if (last) return;
    at = end;
    if (random(2) === 0) core.sendPing(new Uint8Array(3));
  }
}
