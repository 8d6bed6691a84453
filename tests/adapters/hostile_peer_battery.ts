/**
 * What peers that break the rules, or do not take what they are sent, can do to a server over real
 * sockets: nothing to others, and no more than the limits say.
 */

import { assert, assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import type { TcpServer } from "../../src/server/tcp_server.ts";
import { settled } from "../connection/transport_battery.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  CLOSE,
  closeFrameFor,
  concat,
  CONTINUATION,
  frameFor,
  parseFrames,
  PING,
  TEXT,
} from "../protocol/frames.ts";
import type { ServeModule } from "./serve_tcp_battery.ts";

const UPGRADE =
  "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Bytes of a client, each of which is answered with the close code. */
const VIOLATIONS: readonly (readonly [what: string, bytes: Uint8Array, code: number])[] = [
  ["an unmasked frame (RFC 6455 5.1)", frameFor("client", TEXT, "a"), 1002],
  ["a reserved bit (RFC 6455 5.2)", withFirstByte(0x91, frameFor("server", TEXT, "a")), 1002],
  [
    "RSV1 without compression (RFC 7692 6)",
    withFirstByte(0xc1, frameFor("server", TEXT, "")),
    1002,
  ],
  ["a reserved opcode (RFC 6455 5.2)", withFirstByte(0x83, frameFor("server", TEXT, "a")), 1002],
  ["a fragmented ping (RFC 6455 5.5)", withFirstByte(0x09, frameFor("server", PING, "")), 1002],
  ["a ping of 126 bytes (RFC 6455 5.5)", frameFor("server", PING, "a".repeat(126)), 1002],
  ["a stray continuation (RFC 6455 5.4)", frameFor("server", CONTINUATION, "a"), 1002],
  ["a negative length (RFC 6455 5.2)", lengthOf(0x80), 1002],
  ["a length of 2^62 (RFC 6455 10.4)", lengthOf(0x40), 1009],
  ["text that is not UTF-8 (RFC 6455 8.1)", frameFor("server", TEXT, Uint8Array.of(0xff)), 1007],
  ["a close code of 999 (RFC 6455 7.4)", closeFrameFor("server", 999), 1002],
  ["a close payload of one byte (RFC 6455 5.5.1)", frameFor("server", CLOSE, "a"), 1002],
];

function withFirstByte(first: number, bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed[0] = first;
  return changed;
}

/** The header of a masked binary frame whose 64-bit length starts with the byte. */
function lengthOf(first: number): Uint8Array {
  return Uint8Array.of(0x82, 0xff, first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** A client of bare bytes whose handshake is done. */
class BareClient implements AsyncDisposable {
  readonly socket: Socket;
  /** Bytes received behind the handshake. */
  received: Uint8Array[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  static async open(server: TcpServer): Promise<BareClient> {
    const { port } = server.addr as { port: number };
    const socket = connect(port, "127.0.0.1");
    const client = new BareClient(socket);
    socket.on("error", () => {});
    socket.write(UPGRADE);
    const [head] = await once(socket, "data") as [Uint8Array];
    const end = new TextDecoder("latin1").decode(head).indexOf("\r\n\r\n") + 4;
    client.received.push(new Uint8Array(head.subarray(end)));
    socket.on("data", (chunk: Uint8Array) => client.received.push(new Uint8Array(chunk)));
    return client;
  }

  get receivedBytes(): number {
    return this.received.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  async untilEnd(): Promise<Uint8Array> {
    if (!this.socket.readableEnded) await once(this.socket, "end");
    return concat(...this.received);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, "close");
    this.socket.destroy();
    await closed;
  }
}

/** Waits until a count has stopped to change: the other side is then held up. */
async function standstill(count: () => number): Promise<number> {
  await settled(count, 150);
  return count();
}

/** Runs the battery against the entry point of a host. */
export function testHostilePeers(
  name: string,
  { serveTcp, upgradeWebSocket }: ServeModule,
  skip?: string,
): void {
  /** A server that hands each connection to `use`. */
  function serve(use: (connection: WebSocketConnection) => void): TcpServer {
    return serveTcp({ port: 0, hostname: "127.0.0.1" }, (request) => {
      const { response, connection } = upgradeWebSocket(request);
      if (connection !== undefined) use(connection);
      return response;
    });
  }

  async function echo(connection: WebSocketConnection): Promise<void> {
    for await (const message of connection) await connection.send(message);
  }

  test(`${name}.serveTcp answers every violation with its code, and serves on`, async () => {
    await using server = serve((connection) => void echo(connection).catch(() => {}));
    for (const [what, bytes, code] of VIOLATIONS) {
      await using client = await BareClient.open(server);
      client.socket.write(bytes);
      const [answer] = parseFrames(await client.untilEnd());
      assertEquals(answer?.opcode, CLOSE, what);
      assertEquals(answer!.payload[0]! << 8 | answer!.payload[1]!, code, what);
    }
    await using client = await BareClient.open(server);
    client.socket.write(
      concat(frameFor("server", TEXT, "still here"), closeFrameFor("server", 1000)),
    );
    const [echoed] = parseFrames(await client.untilEnd());
    assertEquals(new TextDecoder().decode(echoed!.payload), "still here");
  }, { skip });

  test(`${name}.serveTcp holds no more for a peer that does not read than the mark`, async () => {
    const count = 64, size = 1 << 20;
    let sent = 0;
    const { promise, resolve } = Promise.withResolvers<WebSocketConnection>();
    await using server = serve((connection) => {
      resolve(connection);
      void (async () => {
        for (; sent < count; sent++) await connection.send(new Uint8Array(size));
        void connection.close();
      })();
    });
    await using client = await BareClient.open(server);
    client.socket.pause();
    const connection = await promise;
    const before = await standstill(() => sent);
    assert(before < count, `${before} messages went to a peer that does not read`);
    // The message that is being written, and no other.
    assert(connection.bufferedAmount <= size + 14, `${connection.bufferedAmount} bytes are held`);
    const whole = count * (size + 10) + 4;
    const ended = once(client.socket, "end");
    client.socket.on("data", () => {
      if (client.receivedBytes === whole) client.socket.write(closeFrameFor("server", 1000));
    });
    client.socket.resume();
    await ended;
    assertEquals(sent, count);
    assertEquals(client.receivedBytes, whole);
  }, { skip });

  test(`${name}.serveTcp does not read on while the application is behind`, async () => {
    const message = frameFor("server", BINARY, new Uint8Array(1000));
    const chunk = concat(...Array.from({ length: 64 }, () => message));
    const chunks = 1000;
    const { promise, resolve } = Promise.withResolvers<WebSocketConnection>();
    await using server = serve(resolve);
    await using client = await BareClient.open(server);
    for (let i = 0; i < chunks; i++) client.socket.write(chunk);
    client.socket.write(closeFrameFor("server", 1000));
    const connection = await promise;
    const read = await standstill(() => connection.stats().bytesReceived);
    // The mark, and what one read may bring beyond it.
    assert(read <= 262_144 + 1_048_576, `${read} bytes were read`);
    let received = 0;
    for await (const { length } of connection) {
      assertEquals(length, 1000);
      received++;
    }
    assertEquals(received, chunks * 64);
  }, { skip });
}
