import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { ClientExchange, type Refusal } from "../../src/client/exchange.ts";
import { WebSocketConnection } from "../../src/connection/connection.ts";
import type { ByteTransport, TransportSink } from "../../src/connection/transport.ts";
import { WebSocketClosedError, WebSocketHandshakeError } from "../../src/errors.ts";
import { ClientHandshake } from "../../src/handshake/client.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { encodeLatin1 } from "../../src/handshake/latin1.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const SWITCHING = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${computeAccept(KEY)}`,
  "\r\n",
].join("\r\n");
const UNAUTHORIZED = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\n";

/** A text frame and a Close frame of a server. */
const HELLO = "\x81\x05hello";
const CLOSE = Uint8Array.of(0x88, 0x02, 0x03, 0xe8);

/** A transport that does nothing by itself and notes what is asked of it. */
class PassiveTransport implements ByteTransport {
  readonly remoteAddress = undefined;
  readonly supportsNoDelay = false;
  readonly calls: string[] = [];
  sink!: TransportSink;

  attach(sink: TransportSink): void {
    this.sink = sink;
    this.calls.push("attach");
  }
  write(): boolean {
    this.calls.push("write");
    return false;
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
  closeWrite(): void {
    this.calls.push("closeWrite");
  }
  close(): void {
    this.calls.push("close");
  }
  setNoDelay(): void {}

  receive(data: string | Uint8Array): void {
    this.sink.receive(typeof data === "string" ? encodeLatin1(data) : data.slice());
  }
}

function begin(signal: AbortSignal = new AbortController().signal) {
  const transport = new PassiveTransport();
  const handshake = new ClientHandshake(new URL("ws://host/"), {}, KEY);
  const exchange = new ClientExchange(transport, {
    handshake,
    url: "ws://host/",
    // A clock that stands still: what ends a connection here is no timeout.
    options: { clock: new ManualClock() },
    headLimits: {},
    bodyLimit: () => 100,
    onAccepted: () => Promise.resolve(),
    signal,
  });
  const outcome = exchange.run();
  outcome.catch(() => {});
  return { transport, outcome };
}

/** Lets all promises that can settle do so. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

async function opened(outcome: Promise<unknown>): Promise<WebSocketConnection> {
  const connection = await outcome;
  assertInstanceOf(connection, WebSocketConnection);
  return connection;
}

test("ClientExchange reads nothing between the 101 and the connection", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  transport.receive(SWITCHING);
  assertEquals(transport.calls, ["attach", "write", "pause"]);
  const connection = await opened(outcome);
  assertEquals(transport.calls, ["attach", "write", "pause", "resume", "attach"]);
  connection.abort();
});

test("ClientExchange writes no frame before the transport has taken the request", async () => {
  const { transport, outcome } = begin();
  transport.receive(SWITCHING);
  await settle();
  assertEquals(transport.calls, ["attach", "write", "pause"]);
  transport.sink.drained();
  (await opened(outcome)).abort();
});

test("ClientExchange keeps what still arrives while the 101 is judged", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  transport.receive(SWITCHING + HELLO.slice(0, 3));
  transport.receive(HELLO.slice(3));
  const connection = await opened(outcome);
  assertEquals(await connection.receive(), "hello");
  connection.abort();
});

test("ClientExchange hands on the end of the server's direction that came with the 101", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  transport.receive(SWITCHING + HELLO);
  transport.receive(CLOSE);
  transport.sink.receiveEof();
  const connection = await opened(outcome);
  assertEquals(await connection.receive(), "hello");
  assertEquals(await connection.receive(), null);
  transport.sink.drained();
  assertEquals(await connection.closed, { code: 1000, reason: "", wasClean: true });
});

test("ClientExchange rejects where the transport is lost while the 101 is judged", async () => {
  const { transport, outcome } = begin();
  const error = new Error("reset");
  transport.sink.drained();
  transport.receive(SWITCHING);
  transport.sink.lost(error);
  assertEquals(await assertRejects(() => outcome), error);
  await settle();
  assertEquals(transport.calls, ["attach", "write", "pause", "close"]);
});

test("ClientExchange waits for the response of a server that has not read the whole request", async () => {
  const { transport, outcome } = begin();
  transport.sink.writeFailed(new Error("pipe"));
  transport.receive(UNAUTHORIZED + "hello");
  assertEquals((await outcome as Refusal).head.status, 401);
});

test("ClientExchange rejects with why the request was not written where no refusal follows", async () => {
  const error = new Error("pipe");
  const cases: [string, (transport: PassiveTransport) => void][] = [
    ["an end", ({ sink }) => sink.receiveEof()],
    ["a loss", ({ sink }) => sink.lost(new Error("reset"))],
    ["a 101", (transport) => transport.receive(SWITCHING)],
  ];
  for (const [name, answer] of cases) {
    const { transport, outcome } = begin();
    transport.sink.writeFailed(error);
    answer(transport);
    assertStrictEquals(await assertRejects(() => outcome), error, name);
    assertEquals(transport.calls.at(-1), "close", name);
  }
});

test("ClientExchange calls no end clean whose Close was not written", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  transport.write = () => true;
  transport.receive(SWITCHING);
  transport.receive(CLOSE);
  transport.sink.writeFailed(new Error("pipe"));
  const { code, wasClean } = await (await opened(outcome)).closed;
  assertEquals([code, wasClean], [1000, false]);
});

test("ClientExchange hands on that nothing can be written any more", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  transport.receive(SWITCHING + HELLO);
  transport.sink.writeFailed(new Error("pipe"));
  const connection = await opened(outcome);
  await assertRejects(() => connection.send("too late"), WebSocketClosedError);
  assertEquals(await connection.receive(), "hello");
  connection.abort();
});

test("ClientExchange rejects with the signal's reason while the 101 is judged", async () => {
  const controller = new AbortController();
  const { transport, outcome } = begin(controller.signal);
  const reason = new Error("changed my mind");
  transport.sink.drained();
  transport.receive(SWITCHING);
  controller.abort(reason);
  assertEquals(await assertRejects(() => outcome), reason);
  await settle();
  assertEquals(transport.calls.at(-1), "close");
});

test("ClientExchange leaves an opened connection to its own signal", async () => {
  const controller = new AbortController();
  const { transport, outcome } = begin(controller.signal);
  transport.sink.drained();
  transport.receive(SWITCHING);
  const connection = await opened(outcome);
  controller.abort();
  assert(!transport.calls.includes("close"));
  connection.abort();
});

test("ClientExchange writes nothing for a signal that is aborted already", async () => {
  const reason = new Error("changed my mind");
  const { transport, outcome } = begin(AbortSignal.abort(reason));
  assertEquals(await assertRejects(() => outcome), reason);
  assertEquals(transport.calls, ["close"]);
});

test("ClientExchange passes over interim responses (RFC 9110 15.2)", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  transport.receive(early + "HTTP/1.1 100 \r\n\r\n" + early + SWITCHING + HELLO);
  const connection = await opened(outcome);
  assertEquals(await connection.receive(), "hello");
  connection.abort();
});

test("ClientExchange takes any number of interim responses at once", async () => {
  const { transport, outcome } = begin();
  transport.sink.drained();
  transport.receive("HTTP/1.1 100 \r\n\r\n".repeat(100_000) + SWITCHING);
  (await opened(outcome)).abort();
});

test("ClientExchange resolves with another response, its transport closed", async () => {
  const { transport, outcome } = begin();
  transport.receive(UNAUTHORIZED + "he");
  transport.receive("llo");
  const refusal = await outcome as Refusal;
  assertEquals(refusal.head.status, 401);
  assertEquals(new TextDecoder().decode(refusal.body), "hello");
  assertEquals(refusal.cause, undefined);
  assertEquals(transport.calls, ["attach", "write", "close"]);
});

for (
  const [name, cut] of [
    ["lost", (transport) => transport.sink.lost(new Error("cut"))],
    ["ended", (transport) => transport.sink.receiveEof()],
    ["given up", (_, controller) => controller.abort(new Error("cut"))],
  ] as [string, (transport: PassiveTransport, controller: AbortController) => void][]
) {
  test(`ClientExchange keeps what came of a response whose body is ${name}`, async () => {
    const controller = new AbortController();
    const { transport, outcome } = begin(controller.signal);
    transport.receive(UNAUTHORIZED + "he");
    cut(transport, controller);
    const refusal = await outcome as Refusal;
    assertEquals(refusal.head.status, 401);
    assertEquals(new TextDecoder().decode(refusal.body), "he");
    assertInstanceOf(refusal.cause, Error);
    assertEquals(transport.calls.at(-1), "close");
  });
}

for (
  const [name, sent, message] of [
    ["nothing", "", "ended the connection without a complete response"],
    ["half a head", SWITCHING.slice(0, 50), "ended the connection without a complete response"],
    ["an interim response", "HTTP/1.1 100 \r\n\r\n", "without a complete response"],
  ] as const
) {
  test(`ClientExchange rejects where the server ends behind ${name}`, async () => {
    const { transport, outcome } = begin();
    transport.receive(sent);
    transport.sink.receiveEof();
    await assertRejects(() => outcome, Error, message);
    assertEquals(transport.calls.at(-1), "close");
  });
}

for (
  const [name, sent, message] of [
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n", "HTTP version is malformed"],
    ["an alert of TLS", "\x15\x03", "begins like TLS"],
    ["bytes that no head has", "\x01\x03", "control character"],
    ["HTTP/2", "HTTP/2.0 101 \r\n", "HTTP version is not 1.x"],
    ["a line without CR", "HTTP/1.1 101 Switching\n", "LF without CR"],
    ["a folded field", `HTTP/1.1 101 \r\nA: b\r\n c: d\r\n`, "folded"],
    ["a line of 9 KiB", `HTTP/1.1 101 ${"x".repeat(9000)}`, "exceeds 8192 bytes"],
    ["a head of 101 fields", "HTTP/1.1 101 \r\n" + "A: b\r\n".repeat(101), "more than 100"],
  ] as const
) {
  test(`ClientExchange rejects ${name} in place of a response`, async () => {
    const { transport, outcome } = begin();
    transport.receive(sent);
    await assertRejects(() => outcome, WebSocketHandshakeError, message);
    assertEquals(transport.calls.at(-1), "close");
  });
}
