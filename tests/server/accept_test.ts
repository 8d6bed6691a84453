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

test("acceptTransport keeps its options where those of onRequest are undefined", async () => {
  const transport = new FakeTransport();
  const refusing = assertRejects(
    () =>
      acceptTransport(() => transport, {
        allowedHosts: ["example.org"],
        onRequest: () => ({ allowedHosts: undefined }),
      }),
    WebSocketHandshakeError,
    "status 403",
  );
  await settle();
  transport.feed(UPGRADE);
  transport.feedEof();
  await refusing;
});

/** Refuses a client of whom the answer is told, and what the error shows of it. */
async function refuseWith(
  response: Response,
  follow: (transport: FakeTransport) => Promise<void>,
): Promise<{ transport: FakeTransport; error: WebSocketHandshakeError }> {
  const transport = new FakeTransport();
  const refusing = assertRejects(
    () => acceptTransport(() => transport, { onRequest: () => response }),
    WebSocketHandshakeError,
  );
  await settle();
  transport.feed(UPGRADE);
  await follow(transport);
  return { transport, error: await refusing };
}

test("acceptTransport shows what it has answered, the body up to 64 KiB", async () => {
  const bodies: [body: () => BodyInit | null, kept: number][] = [
    [() => null, 0],
    [() => "", 0],
    [() => "x".repeat(100), 100],
    [() => new Uint8Array(65_536).fill(120), 65_536],
    [() => new Uint8Array(200_000).fill(120), 65_536],
    [() => ReadableStream.from(Array(50).fill(new Uint8Array(5_000).fill(120))), 65_536],
  ];
  for (const [body, kept] of bodies) {
    const headers: [string, string][] = [["set-cookie", "a=1"], ["set-cookie", "b=2"]];
    const response = new Response(body(), { status: 403, statusText: "Not You", headers });
    const { transport, error } = await refuseWith(response, async (transport) => {
      await transport.answered();
      transport.feedEof();
    });
    assert(transport.text.startsWith("HTTP/1.1 403 Not You\r\n"), transport.text);
    const sent = await new Response(body()).text();
    const content = transport.text.slice(transport.text.indexOf("\r\n\r\n")).replaceAll(
      /[^x]/g,
      "",
    );
    assertEquals(content.length, sent.length);
    const shown = error.response!;
    assertEquals([shown.status, shown.statusText], [403, "Not You"]);
    assertEquals(shown.headers.getSetCookie(), ["a=1", "b=2"]);
    assertEquals(await shown.text(), "x".repeat(kept));
  }
});

test("acceptTransport cancels the body of a refusal where the client goes", async () => {
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<unknown>();
  let pulls = 0;
  const pull = (controller: ReadableStreamDefaultController) => {
    pulls++;
    controller.enqueue(new Uint8Array(1_000).fill(120));
  };
  const loss = new Error("reset");
  const { error } = await refuseWith(
    new Response(new ReadableStream({ pull, cancel }), { status: 503 }),
    async (transport) => {
      transport.blocked = true;
      await transport.until(() => transport.writes > 0);
      await settle();
      transport.lose(loss);
    },
  );
  await cancelled;
  assert(pulls < 10, `${pulls} chunks were read`);
  assertStrictEquals(error.cause, loss);
  assertEquals(error.status, 503);
  const text = await error.response!.text();
  assert(text.startsWith("xxx") && text.length < 10_000, text);
});

test("acceptTransport says what is wrong with a response that cannot be sent", async () => {
  const used = new Response("used", { status: 403 });
  await used.text();
  const locked = new Response("locked", { status: 403 });
  const reader = locked.body!.getReader();
  for (const response of [used, locked, Response.error()]) {
    const transport = new FakeTransport();
    const rejecting = assertRejects(
      () => acceptTransport(() => transport, { onRequest: () => response }),
      TypeError,
      "Cannot send the response",
    );
    await settle();
    transport.feed(UPGRADE);
    await transport.answered();
    transport.feedEof();
    await rejecting;
    assert(transport.text.startsWith("HTTP/1.1 500 "), transport.text);
  }
  await reader.cancel();
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

test("acceptTransport tells how it has refused, though the client goes before it is told", async () => {
  const transport = new FakeTransport();
  transport.blocked = true;
  const rejecting = assertRejects(
    () => acceptTransport(() => transport, {}),
    WebSocketHandshakeError,
  );
  await settle();
  transport.feed(http("nonsense\n\n"));
  await settle();
  const lost = new Error("lost");
  transport.lose(lost);
  const { status, cause } = await rejecting;
  assertEquals([status, cause], [400, lost]);
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

test("serveTransport and acceptTransport open nothing where options forbid it", async () => {
  await assertRejects(() => acceptTransport(unopened, { handshakeTimeout: -1 }), RangeError);
  await assertRejects(
    () => serveTransport(unopened, () => new Response(), { handshakeTimeout: -1 }),
    RangeError,
  );
});

test("serveTransport and acceptTransport drop the transport of a signal that is aborted already", async () => {
  const reason = new Error("aborted");
  const signal = AbortSignal.abort(reason);
  for (
    const take of [
      (open: () => FakeTransport) => acceptTransport(open, { signal }),
      (open: () => FakeTransport) => serveTransport(open, () => new Response(), { signal }),
    ]
  ) {
    const transport = new FakeTransport();
    assertStrictEquals(await assertRejects(() => take(() => transport)), reason);
    assertEquals([transport.closed, transport.text], [true, ""]);
  }
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
