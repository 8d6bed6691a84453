/** What every peer must see of our server, and our client of every peer. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { type CompressionOptions, connectWebSocket } from "@gale/websocket";
import { randomSource, test } from "../harness.ts";
import type { Program } from "../tools/program.ts";
import { OurServer } from "./our_server.ts";

/** Software that is not ours. What it cannot do, or does in its own way, its tests leave out. */
export interface Peer {
  readonly name: string;
  /** Why it is not there, or `undefined`. */
  readonly missing: string | undefined;
  /** Starts its client, which prints {@linkcode Facts} about the server at the URL. */
  readonly startClient?: (url: string, ...args: string[]) => Program;
  /** Starts its server, which prints its port, and ends with its standard input. */
  readonly startServer?: () => Program;
  /** What its client sees otherwise than the others. */
  readonly facts?: Facts;
  /** The messages that its client sends in fragments as well. */
  readonly sendsFragments?: readonly string[];
  /** Whether its client agrees to compression and then sends messages as they are. */
  readonly sendsUncompressed?: boolean;
  /** Whether its client makes the offers that `--offers` tells it. */
  readonly makesOffers?: boolean;
  /** What it answers a Close with, where not the same. */
  readonly closeAnswer?: (code: number, reason: string) => readonly [code: number, reason: string];
  /** Whether its server agrees to whatever we offer. */
  readonly acceptsOffers?: boolean;
  /** What its server sends when asked for fragments. */
  readonly serverFragments?: RegExp;
}

/** What a client tells. */
type Facts = Readonly<Record<string, unknown>>;

/** Offers of permessage-deflate by a peer, our options, and what must be agreed upon. */
const OFFERS: readonly (readonly [
  offer: Readonly<Record<string, unknown>>,
  ours: CompressionOptions,
  agreed: string,
])[] = [
  [{ clientMaxWindowBits: true }, {}, ""],
  [{ serverNoContextTakeover: true }, {}, "; server_no_context_takeover"],
  [
    { serverMaxWindowBits: 9, clientMaxWindowBits: true },
    { clientMaxWindowBits: 10 },
    "; server_max_window_bits=9; client_max_window_bits=10",
  ],
  [
    { clientNoContextTakeover: true, clientMaxWindowBits: true },
    { serverMaxWindowBits: 12, serverNoContextTakeover: true, clientNoContextTakeover: true },
    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
  ],
];

/** Offers of ours, and what a peer's answer must have. */
const ANSWERS: readonly (readonly [CompressionOptions, RegExp])[] = [
  [{ serverNoContextTakeover: true }, /; server_no_context_takeover/],
  [{ clientNoContextTakeover: true, clientMaxWindowBits: 9 }, /; client_no_context_takeover/],
  [{ serverMaxWindowBits: 10 }, /; server_max_window_bits=10/],
  [{ clientMaxWindowBits: 15, serverMaxWindowBits: 15 }, /^permessage-deflate/],
];

const MAX_MESSAGE_SIZE = 2 * 1024 * 1024;

/** A large message that shrinks to nearly nothing, and one that does not shrink. */
const WAVES = "wave after wave, ".repeat(60_000);
const random = randomSource(7);
const NOISE = Uint8Array.from({ length: 1 << 20 }, () => random(256));

/** The facts of a server that is in order. */
const FACTS: Facts = {
  protocol: "v2",
  echoes: {
    "empty": true,
    "text": true,
    "binary": true,
    "large text": true,
    "large binary": true,
  },
  pong: [true, "are you there?"],
  ping: "ponged",
  fragments: "one two Grüße",
  close: [1000, ""],
  "close with reason": [4001, "bye"],
  "closed by server": [4002, "as you wish"],
  "too large": 1009,
  origins: [101, 403, 403],
};

/** Tests a peer in every role that it has. */
export function testPeer(peer: Peer): void {
  if (peer.startClient !== undefined) {
    for (const compression of [false, true]) testClient(peer, compression);
    if (peer.makesOffers) testOffers(peer);
  }
  if (peer.startServer !== undefined) {
    testServer(peer);
    if (peer.acceptsOffers) testAnswers(peer);
  }
}

function answerTo(peer: Peer, code: number, reason: string): readonly [number, string] {
  return peer.closeAnswer === undefined ? [code, reason] : peer.closeAnswer(code, reason);
}

/** The facts, which stand in the last line; Autobahn says something before. */
async function output(client: Program): Promise<unknown> {
  assertEquals(await client.exited, 0, client.output);
  return JSON.parse(client.output.trimEnd().split("\n").at(-1)!);
}

function testClient(peer: Peer, compression: boolean): void {
  const flags = compression ? ["--compression"] : [];
  test(
    `${peer.name} as a client understands our server${compression ? ", compressed" : ""}`,
    async () => {
      await using server = new OurServer({
        subprotocols: ["v2"],
        maxMessageSize: MAX_MESSAGE_SIZE,
        compression,
      });
      await using client = peer.startClient!(server.url, ...flags);
      const fragmented = (peer.sendsFragments ?? []).map((kind) => [`${kind} in fragments`, true]);
      const echoes = { ...FACTS["echoes"] as object, ...Object.fromEntries(fragmented) };
      assertEquals(await output(client), { ...FACTS, echoes, ...peer.facts });

      // The connection that everything was tried on, and those that were only closed.
      const [first, ...others] = (await server.ended(4)).toSorted((a, b) =>
        b.messages - a.messages
      );
      assertEquals([first!.end.code, first!.end.wasClean], [1000, true]);
      assertEquals(first!.extensions.startsWith("permessage-deflate"), compression);
      // Two messages of a megabyte went each way, of which one shrinks to nearly nothing.
      const { receivedRatio, sentRatio } = first!;
      assertEquals(sentRatio < 0.6, compression, `${sentRatio} bytes for each byte`);
      const compressed = compression && !peer.sendsUncompressed;
      assertEquals(receivedRatio < 0.6, compressed, `${receivedRatio} bytes for each byte`);
      const codes = others.map(({ end }) => end.code);
      for (const code of [4001, answerTo(peer, 4002, "as you wish")[0]]) {
        assert(codes.includes(code), JSON.stringify(codes));
      }
    },
    { skip: peer.missing },
  );
}

function testOffers(peer: Peer): void {
  test(`${peer.name} as a client agrees with our server on windows and contexts`, async () => {
    await using server = new OurServer((path) => ({
      subprotocols: ["v2"],
      compression: { threshold: 0, ...OFFERS[Number(path.slice(1))]![1] },
    }));
    const args = JSON.stringify(OFFERS.map(([offer]) => offer));
    await using client = peer.startClient!(server.url, "--offers", args);
    assertEquals(await output(client), OFFERS.map(() => [true, true, true, true]));
    const served = (await server.ended(OFFERS.length)).toSorted((a, b) =>
      a.path.localeCompare(b.path)
    );
    assertEquals(
      served.map(({ extensions }) => extensions),
      OFFERS.map(([, , agreed]) => `permessage-deflate${agreed}`),
    );
    for (const { receivedRatio, sentRatio } of served) {
      assertLess(receivedRatio, 0.1);
      assertLess(sentRatio, 0.1);
    }
  }, { skip: peer.missing });
}

/** Starts the peer's server, and ends it where the test has not. */
async function serverOf(peer: Peer): Promise<{ server: Program; url: string }> {
  const server = peer.startServer!();
  const [, port] = await server.outputMatching(/^port (\d+)$/m);
  return { server, url: `ws://127.0.0.1:${port}` };
}

function testServer(peer: Peer): void {
  test(`our client understands ${peer.name} as a server`, async () => {
    const { server: program, url } = await serverOf(peer);
    await using server = program;
    const pings: Uint8Array[] = [];
    const connection = await connectWebSocket(`${url}/path?a=b`, {
      subprotocols: ["v1", "v2"],
      headers: { "X-Colour": "blue" },
      compression: true,
      onPing: (payload) => void pings.push(payload.slice()),
    });
    assertEquals(connection.protocol, "v2");
    assertMatch(connection.extensions, /^permessage-deflate/);

    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    let sent = 0;
    for (const message of ["", "Grüße 🌊", bytes, WAVES, NOISE]) {
      await connection.send(message);
      assertEquals(await connection.receive(), message);
      sent += message.length;
    }
    const { bytesSent, bytesReceived } = connection.stats();
    assert(
      bytesSent / sent < 0.6 && bytesReceived / sent < 0.6,
      JSON.stringify({ sent, bytesSent }),
    );
    await connection.send(ReadableStream.from(["in ", "fragments, ", "Grüße"]));
    assertEquals(await connection.receive(), "in fragments, Grüße");
    await connection.send(ReadableStream.from([bytes, new Uint8Array(0), bytes]));
    assertEquals(await connection.receive(), Uint8Array.of(...bytes, ...bytes));

    assert(await connection.ping() >= 0);
    await connection.send("!ping");
    assertEquals(await connection.receive(), "ponged");
    assertEquals(pings, [Uint8Array.of(0x00, 0xff)]);
    if (peer.serverFragments !== undefined) {
      await connection.send("!fragments");
      assertMatch(String(await connection.receive()), peer.serverFragments);
    }
    await connection.send("!facts");
    const facts = JSON.parse(await connection.receive() as string);
    assertEquals([facts.path, facts.header], ["/path?a=b", "blue"]);

    await connection.send("!close");
    assertEquals(await connection.receive(), null);
    const end = await connection.closed;
    assertEquals([end.code, end.reason, end.wasClean], [4002, "as you wish", true]);

    const second = await connectWebSocket(`${url}/`);
    assertEquals([second.protocol, second.extensions], ["", ""]);
    const info = await second.close(4001, "bye");
    assertEquals<readonly unknown[]>([info.code, info.reason], answerTo(peer, 4001, "bye"));
    assert(info.wasClean);

    server.endInput();
    assertEquals(await server.exited, 0, server.output);
  }, { skip: peer.missing });
}

function testAnswers(peer: Peer): void {
  test(`our client agrees with ${peer.name} as a server on windows and contexts`, async () => {
    const { server: program, url } = await serverOf(peer);
    await using _server = program;
    for (const [compression, answer] of ANSWERS) {
      const connection = await connectWebSocket(`${url}/`, {
        compression: { threshold: 0, ...compression },
      });
      assertMatch(connection.extensions, answer);
      for (const n of [0, 1, 2, 3]) {
        const message = `wave ${n} after wave, `.repeat(5_000);
        await connection.send(message);
        assertEquals(await connection.receive(), message);
      }
      assertLess(connection.stats().bytesSent, 40_000);
      assertLess(connection.stats().bytesReceived, 40_000);
      await connection.close();
    }
  }, { skip: peer.missing });
}
