import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { ByteServer } from "../../src/server/byte_server.ts";
import type { RequestHandler } from "../../src/server/http_exchange.ts";
import {
  resolveServeOptions,
  type ServeOptions,
  type ServerRefusal,
} from "../../src/server/serve_options.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { FakeTransport, http, settle } from "./fakes.ts";

const GET = http("GET / HTTP/1.1\nHost: example.com\n\n");
const UPGRADE = http(
  "GET /ws HTTP/1.1\nHost: example.com\nUpgrade: websocket\nConnection: Upgrade\n" +
    "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n",
);
/** Close frames with code 1001 and "Server shuts down": the server's, and the client's answer. */
const CLOSE = [0x88, 19, 0x03, 0xe9, ...http("Server shuts down")];
const CLOSE_ANSWER = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9);

/** A server whose listener is the test. */
class Fixture {
  readonly clock = new ManualClock();
  readonly errors: unknown[] = [];
  readonly connections: WebSocketConnection[] = [];
  readonly server: ByteServer;
  finished = false;

  constructor(options: ServeOptions & { secure?: boolean } = {}, handler?: RequestHandler) {
    this.server = new ByteServer(handler ?? ((request) => this.#upgrade(request)), {
      secure: false,
      ...options,
      ...resolveServeOptions({
        clock: this.clock,
        onError: (error) => this.errors.push(error),
        ...options,
      }),
    });
  }

  async shutdown(): Promise<void> {
    await this.server.shutdown();
    this.finished = true;
  }

  accept(): FakeTransport {
    const transport = new FakeTransport();
    this.server.accept(transport);
    return transport;
  }

  /** A client with an open WebSocket. */
  async connect(): Promise<FakeTransport> {
    const transport = this.accept();
    transport.feed(UPGRADE);
    await transport.until(() => transport.writes > 0);
    await settle();
    return transport;
  }

  #upgrade(request: Request): Response {
    const { response, connection } = upgradeRaw(request, { clock: this.clock })!;
    if (connection !== undefined) this.connections.push(connection);
    return response;
  }
}

test("ByteServer answers each connection, secure where it has a certificate", async () => {
  for (const [options, scheme] of [[{}, "http"], [{ secure: true }, "https"]] as const) {
    const fixture = new Fixture(
      options,
      (request, { secure }) => new Response(`${request.url} ${secure}`),
    );
    const transport = fixture.accept();
    transport.feed(GET);
    await transport.answered();
    assertStringIncludes(transport.text, `${scheme}://example.com/ ${scheme === "https"}`);
    transport.feedEof();
  }
});

test("ByteServer passes its limits on to the exchanges", async () => {
  const fixture = new Fixture({ handshakeTimeout: 5, headLimits: { maxHeadSize: 100 } });
  const slow = fixture.accept();
  await fixture.clock.advance(5);
  await slow.answered();
  assertStringIncludes(slow.text, " 408 ");
  const large = fixture.accept();
  large.feed(http("GET / HTTP/1.1\nHost: a\n" + "X: y\n".repeat(20)));
  await large.answered();
  assertStringIncludes(large.text, " 431 ");
});

test("ByteServer survives a request function that throws, and an onError that does", async () => {
  const seen: unknown[] = [];
  const { error: consoleError } = console;
  console.error = (error) => seen.push(error);
  try {
    const fixture = new Fixture({
      onError: () => {
        throw new Error("from onError");
      },
    }, () => {
      throw new Error("from the function");
    });
    for (let i = 0; i < 2; i++) {
      const transport = fixture.accept();
      transport.feed(GET);
      await transport.answered();
      assertStringIncludes(transport.text, " 500 ");
    }
  } finally {
    console.error = consoleError;
  }
  assertEquals(seen.map(String), ["Error: from onError", "Error: from onError"]);
});

test("ByteServer reports what the listener fails with", () => {
  const fixture = new Fixture();
  fixture.server.onError(new Error("EMFILE"));
  assertEquals(fixture.errors.map(String), ["Error: EMFILE"]);
});

test("ByteServer tells onRefuse whom it turns away, with an answer and without", async () => {
  const refusals: ServerRefusal[] = [];
  const fixture = new Fixture({ maxConnections: 1, onRefuse: (refusal) => refusals.push(refusal) });
  const transport = fixture.accept();
  const { remoteAddress } = transport;
  fixture.accept();
  assertEquals(refusals.splice(0), [
    { status: undefined, reason: "There are 1 connections already", remoteAddress },
  ]);
  transport.feed(http("nonsense\n\n"));
  const reason = "The request line is not a method, a target and a version";
  assertEquals(refusals.splice(0), [{ status: 400, reason, remoteAddress }]);
  await transport.answered();
  transport.feedEof();
  await fixture.server.shutdown();
  assert(fixture.accept().closed);
  assertEquals(refusals, []);
});

test("ByteServer closes connections beyond maxConnections as they come", async () => {
  const fixture = new Fixture({ maxConnections: 2 });
  const socket = await fixture.connect();
  const idle = fixture.accept();
  const refused = fixture.accept();
  assert(refused.closed);
  assertFalse(idle.closed || socket.closed);
  idle.feedEof();
  assertFalse(fixture.accept().closed);
  assert(fixture.accept().closed);
  fixture.connections[0]!.abort();
  await settle();
  assertFalse(fixture.accept().closed);
});

test("ByteServer.shutdown stops accepting and ends at once where nothing is open", async () => {
  const fixture = new Fixture();
  await fixture.shutdown();
  assert(fixture.accept().closed);
  assertEquals(fixture.clock.pending, 0);
});

test("ByteServer.shutdown drops those who have not asked for anything", async () => {
  const fixture = new Fixture();
  const transport = fixture.accept();
  transport.feed(GET.subarray(0, 10));
  await fixture.shutdown();
  assert(transport.closed);
});

test("ByteServer.shutdown drops those who do not take that they are refused", async () => {
  const fixture = new Fixture();
  const transport = fixture.accept();
  transport.blocked = true;
  transport.feed(http("nonsense\n\n"));
  await transport.until(() => transport.text !== "");
  await fixture.shutdown();
  assert(transport.closed);
});

test("ByteServer.shutdown lets requests be answered", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const fixture = new Fixture({}, () => promise);
  const transport = fixture.accept();
  transport.feed(GET);
  const finished = fixture.shutdown();
  await settle();
  assertFalse(fixture.finished);
  resolve(new Response("page"));
  await transport.answered();
  transport.feedEof();
  await finished;
  assertStringIncludes(transport.text, "page");
  assertEquals(fixture.clock.pending, 0);
});

test("ByteServer.shutdown closes WebSockets with 1001 and waits for them (RFC 6455 7.4.1)", async () => {
  const fixture = new Fixture();
  const transport = await fixture.connect();
  const finished = fixture.shutdown();
  await settle();
  assertEquals([...transport.bytes].slice(-CLOSE.length), CLOSE);
  assertFalse(fixture.finished);
  transport.feed(CLOSE_ANSWER);
  transport.feedEof();
  await finished;
  assertEquals((await fixture.connections[0]!.closed).wasClean, true);
  assertEquals(fixture.clock.pending, 0);
});

test("ByteServer.shutdown closes a WebSocket that opens meanwhile", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const fixture = new Fixture({}, async (request) => {
    await promise;
    return upgradeRaw(request)!.response;
  });
  const transport = fixture.accept();
  transport.feed(UPGRADE);
  const finished = fixture.shutdown();
  resolve();
  await transport.until(() => transport.writes > 1);
  assertStringIncludes(transport.text, " 101 ");
  assertEquals([...transport.bytes].slice(-CLOSE.length), CLOSE);
  transport.feed(CLOSE_ANSWER);
  transport.feedEof();
  await finished;
});

test("ByteServer.shutdown drops what is still open after shutdownTimeout", async () => {
  const aborted: unknown[] = [];
  const fixture = new Fixture({ shutdownTimeout: 500 }, (request) => {
    if (request.url.endsWith("/ws")) return upgradeRaw(request)!.response;
    request.signal.addEventListener("abort", () => aborted.push(request.signal.reason));
    return new Promise<Response>(() => {});
  });
  const socket = await fixture.connect();
  const page = fixture.accept();
  page.feed(GET);
  const finished = fixture.shutdown();
  await settle();
  await fixture.clock.advance(499);
  await settle();
  assertFalse(fixture.finished);
  await fixture.clock.advance(1);
  await finished;
  assert(socket.closed && page.closed);
  assertEquals(aborted.map(String), ["Error: The server shut down"]);
  assertEquals(fixture.clock.pending, 0);
});

test("ByteServer.shutdown waits for closeTimeout at most where peers do not read, answer or end", async () => {
  const fixture = new Fixture({ shutdownTimeout: 60_000 });
  const unread = await fixture.connect();
  const mute = await fixture.connect();
  const halfOpen = await fixture.connect();
  unread.blocked = true;
  const taken = fixture.connections[0]!.send("on its way");
  const waiting = assertRejects(
    () => fixture.connections[0]!.send(new Uint8Array(1_000_000)),
    WebSocketClosedError,
  );
  await taken;
  const finished = fixture.shutdown();
  await halfOpen.until(() => halfOpen.bytes.at(-CLOSE.length) === CLOSE[0]);
  halfOpen.feed(CLOSE_ANSWER);
  await fixture.clock.advance(9_999);
  await settle();
  assertFalse(fixture.finished || unread.closed || mute.closed || halfOpen.closed);
  await fixture.clock.advance(1);
  await finished;
  assert(unread.closed && mute.closed && halfOpen.closed);
  await waiting;
  const ends = await Promise.all(fixture.connections.map(({ closed }) => closed));
  assertEquals(
    ends.map(({ code, wasClean }) => [code, wasClean]),
    [[1006, false], [1006, false], [1001, true]],
  );
  assertEquals(fixture.clock.pending, 0);
});

test("ByteServer.shutdown drops those who do not take a page after shutdownTimeout", async () => {
  const fixture = new Fixture({ shutdownTimeout: 500 }, () => new Response("page"));
  const transport = fixture.accept();
  transport.blocked = true;
  transport.feed(GET);
  await transport.until(() => transport.writes > 0);
  const finished = fixture.shutdown();
  await fixture.clock.advance(499);
  await settle();
  assertFalse(fixture.finished || transport.closed);
  await fixture.clock.advance(1);
  await finished;
  assert(transport.closed);
  assertEquals(fixture.clock.pending, 0);
});
