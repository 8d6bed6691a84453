/** Cases of messages: what they hold, how large they are, in which pieces and which order they come. */

import { assert, assertEquals } from "@std/assert";
import type { Message, Sendable } from "@gale/websocket";
import { randomSource } from "../../harness.ts";
import {
  BINARY,
  CONTINUATION,
  type Frame,
  frameOf,
  join,
  PING,
  PONG,
  type RawClient,
  TEXT,
} from "../raw_client.ts";
import type { Cases } from "../served_app.ts";

const MIB = 1 << 20;

const random = randomSource(1);
const NOISE = Uint8Array.from({ length: MIB }, () => random(256));

/** Bytes whose every mebibyte differs from the others. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MIB) {
    bytes.set(NOISE.subarray(0, Math.min(MIB, length - at)), at);
    bytes[at] = at / MIB;
  }
  return bytes;
}

/** Compares without a list of the differences, which would take minutes for large messages. */
function isSame(received: Message | null, sent: Message): boolean {
  if (typeof sent === "string" || received === null || typeof received === "string") {
    return received === sent;
  }
  let at = 0;
  while (at < sent.length && received[at] === sent[at]) at++;
  return at === received.length && at === sent.length;
}

/** The next message, in however many frames it comes. */
async function nextMessage(client: RawClient): Promise<{ opcode: number; text: string }> {
  const frames: Frame[] = [];
  do frames.push((await client.nextData())!); while (!frames.at(-1)!.fin);
  const decoder = new TextDecoder();
  const text = frames.map(({ payload }) => decoder.decode(payload, { stream: true })).join("");
  return { opcode: frames[0]!.opcode, text };
}

/** Registers them. */
export const testMessages: Cases = (host, test) => {
  const messages: [what: string, message: Message][] = [
    ["an empty text", ""],
    ["an empty binary message", new Uint8Array(0)],
    ["text", "Grüße 🌊 \0 \ufeff \uffff"],
    ["binary", Uint8Array.from({ length: 256 }, (_, i) => i)],
    ["125 bytes", noise(125)],
    ["126 bytes", noise(126)],
    ["65535 bytes", noise(65_535)],
    ["65536 bytes", noise(65_536)],
    ["binary of 1 MiB", noise(MIB)],
    ["text of 1 MiB", "🌊".repeat(MIB / 4)],
    ["binary of 16 MiB", noise(16 * MIB)],
    ["text of 16 MiB", "0123456789abcdef".repeat(MIB)],
  ];
  test("gives back messages of every kind and size", async (server) => {
    const visit = server.visit("/echo");
    await using connection = await visit.connect();
    for (const [what, message] of messages) {
      const sending = connection.send(message);
      assert(isSame(await connection.receive(), message), what);
      await sending;
    }
    assertEquals((await visit.report()).received, messages.length);
  });

  test("sends an object as JSON", async (server) => {
    await using connection = await server.visit("/json").connect();
    await connection.send({ hello: "wörld" });
    assertEquals(
      await connection.receive(),
      '{"received":{"hello":"wörld"},"list":[1,"two",null]}',
    );
  });

  test("joins fragments, and answers pings between them (RFC 6455 5.4)", async (server) => {
    await using client = await server.visit("/echo").open();
    const bytes = new TextEncoder().encode("Grüße");
    client.send(TEXT, bytes.subarray(0, 3), { fin: false }); // in the middle of a character
    client.send(CONTINUATION, "", { fin: false });
    client.send(PING, "between");
    client.send(CONTINUATION, bytes.subarray(3));
    const pong = await client.next();
    assertEquals([pong?.opcode, new TextDecoder().decode(pong?.payload)], [PONG, "between"]);
    assertEquals(await nextMessage(client), { opcode: TEXT, text: "Grüße" });
    for (let i = 0; i < 1000; i++) {
      client.send(i === 0 ? BINARY : CONTINUATION, String(i % 10), { fin: i === 999 });
    }
    assertEquals(await nextMessage(client), { opcode: BINARY, text: "0123456789".repeat(100) });
  });

  test("takes a frame byte by byte, and many in one piece", async (server) => {
    await using client = await server.visit("/echo").open();
    for (const byte of frameOf(TEXT, "é")) {
      client.sendBytes(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(await nextMessage(client), { opcode: TEXT, text: "é" });
    client.sendBytes(join(Array.from({ length: 500 }, (_, i) => frameOf(TEXT, `${i}`))));
    for (let i = 0; i < 500; i++) assertEquals(await client.nextText(), `${i}`);
  });

  test("keeps the order of messages of all kinds that are sent at once", async (server) => {
    await using connection = await server.visit("/order").connect();
    await connection.send("go");
    for (let i = 0; i < 100; i++) {
      const text = `message ${i}`;
      const expected = [
        text,
        new TextEncoder().encode(text),
        new TextEncoder().encode(text),
        text,
        `{"message":${i}}`,
      ];
      assertEquals(await connection.receive(), expected[i % 5]);
    }
  });

  test("gives each message to a function of the application's, one at a time", async (server) => {
    const visit = server.visit("/each");
    await using connection = await visit.connect();
    for (let i = 0; i < 50; i++) void connection.send(`${i}`);
    for (let i = 0; i < 50; i++) assertEquals(await connection.receive(), `${i}`);
    await connection.close();
    await visit.report(({ sent }) => sent === 50);
  });

  test("sends what an array held, though it changes as soon as send has returned", async (server) => {
    await using connection = await server.visit("/reused").connect();
    await connection.send("go");
    for (const i of [0, 1, 2, 0, 1, 2]) {
      assertEquals(await connection.receive(), new Uint8Array(4).fill(i));
    }
  });

  test("takes messages in their order while many are under way", async (server) => {
    await using connection = await server.visit("/echo").connect();
    const kinds: ((i: number) => Sendable)[] = [
      (i) => `${i}`,
      (i) => new Blob([`${i}`]),
      (i) => ReadableStream.from([`${i}`]),
      (i) => new TextEncoder().encode(`${i}`),
    ];
    for (let i = 0; i < 1000; i++) void connection.send(kinds[i % 4]!(i));
    for (let i = 0; i < 1000; i++) {
      const message = await connection.receive();
      assertEquals(
        typeof message === "string" ? message : new TextDecoder().decode(message!),
        `${i}`,
      );
    }
  });

  test("serves many connections at a time, each its own messages", async (server) => {
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      await using connection = await server.visit("/echo").connect();
      for (let j = 0; j < 20; j++) {
        await connection.send(`${i} ${j}`);
        assertEquals(await connection.receive(), `${i} ${j}`);
      }
    }));
  });

  const shape = host.sendsFragments ? "in fragments" : "in one frame";
  test(`sends a message made of pieces ${shape}`, async (server) => {
    await using client = await server.visit("/order").open();
    client.send(TEXT, "go");
    const opcodes: [opcode: number, fin: boolean][] = [];
    for (let ends = 0; ends < 4;) {
      const { opcode, fin } = (await client.nextData())!;
      opcodes.push([opcode, fin]);
      if (fin) ends++;
    }
    const pieces = opcodes.slice(3);
    assertEquals(pieces.length > 1, host.sendsFragments);
    assertEquals([pieces[0]![0], pieces.at(-1)![1]], [TEXT, true]);
  });
};
