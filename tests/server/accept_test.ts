import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import { acceptTransport, serveTransport } from "../../src/server/accept.ts";
import { test } from "../harness.ts";
import { FakeTransport, http, settle } from "./fakes.ts";

const UPGRADE = http(
  "GET /ws HTTP/1.1\nHost: example.com\nUpgrade: websocket\nConnection: Upgrade\n" +
    "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n",
);

const unopened = (): never => {
  throw new Error("opened");
};

test("acceptTransport gives the connection once the 101 is written", async () => {
  const transport = new FakeTransport();
  const accepting = acceptTransport(() => transport, { subprotocols: ["a"], secure: true });
  transport.feed(UPGRADE);
  const connection = await accepting;
  assert(transport.text.startsWith("HTTP/1.1 101 "), transport.text);
  assertEquals(connection.url, "wss://example.com/ws");
  connection.abort();
});

test("acceptTransport lets onRequest choose the options, or refuse", async () => {
  const chosen = new FakeTransport();
  const accepting = acceptTransport(() => chosen, {
    onRequest: ({ url }) => ({ headers: { "x-url": url } }),
  });
  chosen.feed(UPGRADE);
  (await accepting).abort();
  assert(/^x-url: http:\/\/example\.com\/ws\r$/m.test(chosen.text), chosen.text);

  const refused = new FakeTransport();
  const refusing = assertRejects(
    () => acceptTransport(() => refused, { onRequest: () => new Response("no", { status: 403 }) }),
    WebSocketHandshakeError,
    "status 403",
  );
  await settle();
  refused.feed(UPGRADE);
  refused.feedEof();
  const { response } = await refusing;
  assertEquals(await response?.text(), "no");
});

test("acceptTransport rejects with what onRequest throws", async () => {
  const transport = new FakeTransport();
  const error = new Error("thrown");
  const rejecting = assertRejects(() =>
    acceptTransport(() => transport, { onRequest: () => Promise.reject(error) })
  );
  await settle();
  transport.feed(UPGRADE);
  transport.feedEof();
  assertStrictEquals(await rejecting, error);
  assert(transport.text.startsWith("HTTP/1.1 500 "), transport.text);
});

test("acceptTransport rejects where the handshake is cut short", async () => {
  const transport = new FakeTransport();
  const lost = new Error("lost");
  const rejecting = assertRejects(
    () => acceptTransport(() => transport, {}),
    WebSocketHandshakeError,
    "cut short",
  );
  await settle();
  transport.feed(http("GET / HTT"));
  transport.lose(lost);
  assertStrictEquals((await rejecting).cause, lost);
});

test("serveTransport and acceptTransport open nothing where options or signal forbid it", async () => {
  const reason = new Error("aborted");
  const signal = AbortSignal.abort(reason);
  await assertRejects(() => acceptTransport(unopened, { handshakeTimeout: -1 }), RangeError);
  await assertRejects(
    () => serveTransport(unopened, () => new Response(), { handshakeTimeout: -1 }),
    RangeError,
  );
  assertStrictEquals(await assertRejects(() => acceptTransport(unopened, { signal })), reason);
});

test("serveTransport resolves at the end of the exchange, and drops it when aborted", async () => {
  const transport = new FakeTransport();
  const serving = serveTransport(() => transport, () => new Response("page"), {});
  transport.feed(http("GET / HTTP/1.1\nHost: example.com\n\n"));
  await transport.answered();
  assert(transport.text.includes("\r\npage\r\n"), transport.text);
  transport.feedEof();
  await serving;

  const controller = new AbortController();
  const aborted = new FakeTransport();
  const rejecting = assertRejects(
    () => serveTransport(() => aborted, () => new Response(), { signal: controller.signal }),
    Error,
    "enough",
  );
  await settle();
  controller.abort(new Error("enough"));
  await rejecting;
  assertEquals(aborted.closed, true);
});
