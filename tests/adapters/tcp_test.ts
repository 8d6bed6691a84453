import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  acceptWebSocket,
  type ByteStream,
  serveStream,
  upgradeWebSocket,
  WebSocketHandshakeError,
} from "../../src/adapters/tcp.ts";
import { ManualClock } from "../../src/testing.ts";
import { SlowStream } from "../connection/slow_stream.ts";
import { test } from "../harness.ts";
import { http, settle } from "../server/fakes.ts";

const UPGRADE = "GET /ws HTTP/1.1\nHost: example.com\nUpgrade: websocket\nConnection: Upgrade\n" +
  "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";
/** A masked text message "Hi", the mask being zero. */
const HI = Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x48, 0x69);

/** A byte stream for the server, and the client at its other end. */
class Client {
  readonly stream: ByteStream;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #received = "";

  constructor() {
    // They take some before it is read, as a socket does.
    const deep = { highWaterMark: 16 };
    const inbound = new TransformStream<Uint8Array, Uint8Array>(undefined, deep, deep);
    const outbound = new TransformStream<Uint8Array, Uint8Array>(undefined, deep, deep);
    this.stream = { readable: inbound.readable, writable: outbound.writable };
    this.#writer = inbound.writable.getWriter();
    this.#reader = outbound.readable.getReader();
  }

  send(bytes: Uint8Array): void {
    this.#writer.write(bytes).catch(() => {});
  }

  end(): void {
    this.#writer.close().catch(() => {});
  }

  fail(error: unknown): void {
    this.#writer.abort(error).catch(() => {});
  }

  /** All that came, once it includes `text`, or the server has ended. */
  async receive(text?: string): Promise<string> {
    while (text === undefined || !this.#received.includes(text)) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.#received += Array.from(value, (byte) => String.fromCharCode(byte)).join("");
    }
    return this.#received;
  }
}

test("acceptWebSocket answers the handshake and gives the open connection", async () => {
  const client = new Client();
  client.send(Uint8Array.of(...http(UPGRADE + "\n"), ...HI));
  const remoteAddress = { transport: "tcp", hostname: "192.0.2.1", port: 1 } as const;
  const connection = await acceptWebSocket(client.stream, { remoteAddress });
  assertStringIncludes(
    await client.receive("\r\n\r\n"),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
  );
  assertEquals(connection.url, "ws://example.com/ws");
  assertEquals(connection.remoteAddress, remoteAddress);
  assertEquals(await connection.receive(), "Hi");
  void connection.send("Ho");
  await client.receive("\x81\x02Ho");
  connection.abort();
});

test("acceptWebSocket makes a wss: URL of a secure stream", async () => {
  const client = new Client();
  client.send(http(UPGRADE + "\n"));
  const connection = await acceptWebSocket(client.stream, { secure: true });
  assertEquals(connection.url, "wss://example.com/ws");
  connection.abort();
});

test("acceptWebSocket lets onRequest choose options one by one", async () => {
  const client = new Client();
  client.send(http(UPGRADE + "Sec-WebSocket-Protocol: a\n\n"));
  const connection = await acceptWebSocket(client.stream, {
    headers: { "x-a": "1" },
    subprotocols: ["b"],
    onRequest: async (request) => {
      await settle();
      assertEquals(request.url, "http://example.com/ws");
      return { subprotocols: ["a"] };
    },
  });
  assertEquals(connection.protocol, "a");
  assertStringIncludes(await client.receive("\r\n\r\n"), "x-a: 1");
  connection.abort();
});

/** What must come of a refused handshake: an answer for the client, and then the error. */
async function assertRefused(
  accepting: Promise<unknown>,
  client: Client,
  expected: { status: number; text: string },
): Promise<void> {
  const error = accepting.then(() => undefined, (error) => error);
  const received = await client.receive();
  client.end();
  assertStringIncludes(received, `HTTP/1.1 ${expected.status} `);
  assertStringIncludes(received, expected.text);
  const refused = await error;
  assertInstanceOf(refused, WebSocketHandshakeError);
  assertEquals(refused.status, expected.status);
  assertStringIncludes(refused.message, `refused with status ${expected.status}`);
  assertStringIncludes(await refused.response!.text(), expected.text);
}

test("acceptWebSocket rejects with the refusal that the client was answered", async () => {
  const client = new Client();
  client.send(http(UPGRADE + "Origin: https://evil.test\n\n"));
  const expected = { status: 403, text: "evil.test" };
  await assertRefused(acceptWebSocket(client.stream), client, expected);
});

test("acceptWebSocket lets onRequest refuse", async () => {
  const client = new Client();
  client.send(http(UPGRADE + "\n"));
  const onRequest = () => new Response("not you", { status: 401 });
  const expected = { status: 401, text: "not you" };
  await assertRefused(acceptWebSocket(client.stream, { onRequest }), client, expected);
});

test("acceptWebSocket rejects a head that is none", async () => {
  const client = new Client();
  client.send(http("nonsense\n\n"));
  await assertRefused(acceptWebSocket(client.stream), client, {
    status: 400,
    text: "request line",
  });
});

test("acceptWebSocket rejects a head that does not come in time", async () => {
  const client = new Client();
  const clock = new ManualClock();
  const accepting = acceptWebSocket(client.stream, { clock, handshakeTimeout: 1_000 });
  client.send(http("GET / HT"));
  await clock.advance(1_000);
  await assertRefused(accepting, client, { status: 408, text: "too long" });
});

test("acceptWebSocket rejects where the client ends or fails within the head", async () => {
  for (const how of ["end", "fail"] as const) {
    const client = new Client();
    client.send(http("GET / HT"));
    const accepting = acceptWebSocket(client.stream);
    const cause = new Error("reset");
    if (how === "fail") client.fail(cause);
    else client.end();
    const error = await assertRejects(
      () => accepting,
      WebSocketHandshakeError,
      "the handshake was cut short",
    );
    assertEquals(error.response, undefined);
    if (how === "fail") assertEquals(error.cause, cause);
  }
});

test("acceptWebSocket rejects with what onRequest threw, once the client has its 500", async () => {
  const client = new Client();
  client.send(http(UPGRADE + "\n"));
  const thrown = new RangeError("broken");
  const accepting = acceptWebSocket(client.stream, {
    onRequest: () => {
      throw thrown;
    },
  }).catch((error) => error);
  assertStringIncludes(await client.receive(), "HTTP/1.1 500 ");
  client.end();
  assertEquals(await accepting, thrown);
});

test("acceptWebSocket rejects wrong options of onRequest, once the client has its 500", async () => {
  const client = new Client();
  client.send(http(UPGRADE + "\n"));
  const onRequest = () => ({ maxMessageSize: -1 });
  const accepting = acceptWebSocket(client.stream, { onRequest }).catch((error) => error);
  assertStringIncludes(await client.receive(), "HTTP/1.1 500 ");
  client.end();
  assertInstanceOf(await accepting, RangeError);
});

test("acceptWebSocket rejects with the reason of the signal and drops the stream", async () => {
  const client = new Client();
  const controller = new AbortController();
  const accepting = acceptWebSocket(client.stream, { signal: controller.signal });
  client.send(http("GET / HT"));
  await settle();
  controller.abort(new RangeError("enough"));
  await assertRejects(() => accepting, RangeError, "enough");
  await assertRejects(() => client.receive(), DOMException);
  await assertRejects(
    () => acceptWebSocket(new Client().stream, { signal: controller.signal }),
    RangeError,
    "enough",
  );
});

test("acceptWebSocket rejects a stream that is locked", async () => {
  const { stream } = new Client();
  stream.readable.getReader();
  await assertRejects(() => acceptWebSocket(stream), TypeError, "locked");
});

test("serveStream answers a page, and upgradeWebSocket a handshake", async () => {
  const handler = (request: Request) =>
    request.headers.has("upgrade") ? upgradeWebSocket(request).response : new Response("page");

  const visitor = new Client();
  visitor.send(http("GET / HTTP/1.1\nHost: example.com\n\n"));
  const served = serveStream(visitor.stream, handler);
  assertStringIncludes(await visitor.receive(), "page");
  visitor.end();
  await served;

  const client = new Client();
  client.send(http(UPGRADE + "\n"));
  const { promise: closed, resolve } = Promise.withResolvers<Promise<unknown>>();
  await serveStream(client.stream, (request) => {
    const { response, connection } = upgradeWebSocket(request);
    resolve(connection!.closed);
    return response;
  });
  assertStringIncludes(await client.receive("\r\n\r\n"), " 101 ");
  client.fail(new Error("gone"));
  await (await closed);
});

test("serveStream rejects where the stream is lost, and tells onError what was thrown", async () => {
  const errors: unknown[] = [];
  const lost = new Client();
  const serving = serveStream(lost.stream, () => new Response());
  lost.fail(new RangeError("reset"));
  await assertRejects(() => serving, RangeError, "reset");

  const client = new Client();
  client.send(http("GET / HTTP/1.1\nHost: example.com\n\n"));
  const served = serveStream(client.stream, () => {
    throw new RangeError("broken");
  }, { onError: (error) => errors.push(error) });
  assertStringIncludes(await client.receive(), " 500 ");
  client.end();
  await served;
  assertEquals(errors.map(String), ["RangeError: broken"]);
});

test("serveStream answers a client that has ended its direction before", async () => {
  const client = new Client();
  client.send(http("GET / HTTP/1.0\n\n"));
  client.end();
  const served = serveStream(client.stream, async () => {
    await settle();
    return new Response("page");
  });
  assert((await client.receive()).endsWith("page"));
  await served;
});

test("serveStream waits for a client that takes the response slowly, and loses nothing of it", async () => {
  const clock = new ManualClock();
  const stream = new SlowStream(16);
  stream.receive(http("GET / HTTP/1.0\n\n"));
  const body = "page ".repeat(20_000);
  let served = false;
  const serving = serveStream(stream, () => new Response(body), { clock })
    .then(() => served = true);
  while (!served) {
    // Longer than a client is given that has been answered.
    await clock.advance(2_000);
    if (stream.waiting) await stream.take();
  }
  await serving;
  await settle();
  assertEquals(stream.ends, ["close"]);
  assert(new TextDecoder().decode(stream.bytes).endsWith(body));
});

test("upgradeWebSocket of tcp refuses a request that came another way", () => {
  const request = new Request("http://example.com/");
  assertThrows(() => upgradeWebSocket(request), TypeError, "serveStream or serveTcp");
});
