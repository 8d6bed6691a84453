import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { PeerInfo, RequestHandler } from "../../src/server/http_exchange.ts";
import { upgradeRaw } from "../../src/server/upgrade_registry.ts";
import { test } from "../harness.ts";
import {
  CLOSE,
  ExchangeFixture as Fixture,
  GET,
  HI,
  SWITCHING,
  UPGRADE,
} from "./exchange_fixture.ts";
import { http, settle } from "./fakes.ts";

function never(): Promise<never> {
  return new Promise(() => {});
}

test("HttpExchange passes on the request and who sent it", async () => {
  let request: Request | undefined;
  let peer: PeerInfo | undefined;
  const { transport, ...fixture } = new Fixture((...args) => {
    [request, peer] = args;
    return new Response("page");
  }, { secure: true });
  transport.feed(http("PUT /a?b HTTP/1.1\nHost: example.com\nX-A: 1\n\n"));
  await transport.answered();
  assertEquals([request!.method, request!.url], ["PUT", "https://example.com/a?b"]);
  assertEquals(request!.headers.get("x-a"), "1");
  assertEquals(peer, { remoteAddress: transport.remoteAddress, secure: true });
  assert(transport.text.endsWith("4\r\npage\r\n0\r\n\r\n"));
  assertEquals(fixture.errors, []);
});

test("HttpExchange reads a head byte by byte", async () => {
  const { transport } = new Fixture((request) => new Response(request.url));
  for (const byte of http(GET)) transport.feed(Uint8Array.of(byte));
  await transport.answered();
  assertStringIncludes(transport.text, "http://example.com/");
});

const BAD_HEADS: [name: string, head: string, status: number, text: string][] = [
  ["no request line", "nonsense\n\n", 400, "request line"],
  ["a space before the colon", "GET / HTTP/1.1\nHost : a\n\n", 400, "field"],
  ["a folded field", "GET / HTTP/1.1\nHost: a\nX: b\n c\n\n", 400, "fold"],
  ["no Host", "GET / HTTP/1.1\n\n", 400, "no Host"],
  ["two Hosts", "GET / HTTP/1.1\nHost: a\nHost: a\n\n", 400, "Host"],
  ["HTTP/2", "PRI * HTTP/2.0\n\n", 505, "version"],
  ["a long target", `GET /${"a".repeat(9000)} HTTP/1.1\n\n`, 414, "8192"],
  ["a long field", `GET / HTTP/1.1\nHost: a\nX: ${"a".repeat(9000)}\n\n`, 431, "8192"],
  ["many fields", `GET / HTTP/1.1\nHost: a\n${"X: y\n".repeat(2000)}\n`, 431, "100"],
  ["an unknown method", "BREW / HTTP/1.1\nHost: a\n\n", 501, "BREW"],
  ["a tunnel", "CONNECT a:443 HTTP/1.1\nHost: a:443\n\n", 501, "CONNECT"],
  [
    "two lengths of the body",
    "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n",
    400,
    "both Content-Length and Transfer-Encoding",
  ],
];

for (const [name, head, status, text] of BAD_HEADS) {
  test(`HttpExchange answers ${name} with ${status} and says why`, async () => {
    const fixture = new Fixture(() => {
      throw new Error("must not be called");
    });
    await fixture.request(head);
    assertEquals(fixture.status, status);
    assertStringIncludes(fixture.transport.text, "content-type: text/plain");
    const body = fixture.transport.text.split("\r\n\r\n")[1]!;
    assertStringIncludes(body, text);
    const { remoteAddress } = fixture.transport;
    assertEquals(fixture.refusals, [{ status, reason: body.trimEnd(), remoteAddress }]);
    assertEquals(fixture.errors, []);
    fixture.transport.feedEof();
    assertEquals(fixture.ends.map(({ refusal }) => refusal?.status), [status]);
    assertEquals(fixture.clock.pending, 0);
  });
}

test("HttpExchange answers a head that does not come in time with 408", async () => {
  const fixture = new Fixture(never);
  fixture.transport.feed(http("GET / HT"));
  await fixture.clock.advance(9_999);
  assertEquals(fixture.transport.text, "");
  await fixture.clock.advance(1);
  await fixture.transport.answered();
  assertEquals(fixture.status, 408);
  assertStringIncludes(fixture.transport.text, "took too long");
  assertEquals(fixture.refusals.map(({ status }) => status), [408]);
});

test("HttpExchange waits for the head for ever where handshakeTimeout is 0", async () => {
  const fixture = new Fixture(() => new Response("page"), { handshakeTimeout: 0 });
  assertEquals(fixture.clock.pending, 0);
  await fixture.clock.advance(3_600_000);
  assertStringIncludes(await fixture.request(GET), "page");
});

test("HttpExchange waits for a slow peer for ever where stallTimeout is 0", async () => {
  const fixture = new Fixture(async (request) => new Response(await request.text()), {
    stallTimeout: 0,
  });
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n"));
  await settle();
  assertEquals(fixture.clock.pending, 0);
  await fixture.clock.advance(3_600_000);
  fixture.transport.feed(http("hello"));
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "hello");
});

test("HttpExchange does not limit the time of the request function", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const fixture = new Fixture(() => promise);
  fixture.transport.feed(http(GET));
  await fixture.clock.advance(3_600_000);
  resolve(new Response(null, { status: 204 }));
  await fixture.transport.answered();
  assertEquals(fixture.status, 204);
});

test("HttpExchange ends where the peer ends within the head", () => {
  const fixture = new Fixture(never);
  fixture.transport.feed(http("GET / HT"));
  fixture.transport.feedEof();
  assert(fixture.transport.closed);
  assertEquals(fixture.transport.text, "");
  assertEquals(fixture.ends.length, 1);
  assertEquals(fixture.clock.pending, 0);
});

test("HttpExchange half-closes, and closes once the peer has ended (RFC 9112 9.6)", async () => {
  const fixture = new Fixture(() => new Response("page"));
  await fixture.request(GET);
  assert(fixture.transport.writeClosed && !fixture.transport.closed);
  assertEquals(fixture.ends, []);
  fixture.transport.feedEof();
  assertEquals(fixture.ends, [{}]);
  assertEquals(fixture.clock.pending, 0);
});

test("HttpExchange closes after a second where the peer does not end", async () => {
  const fixture = new Fixture(() => new Response("page"));
  await fixture.request(GET);
  await fixture.clock.advance(1_000);
  assert(fixture.transport.closed);
  assertEquals(fixture.ends, [{}]);
});

test("HttpExchange closes where the peer sends on and on after the response", async () => {
  const fixture = new Fixture(() => new Response("page"));
  await fixture.request(GET);
  fixture.transport.feed(new Uint8Array(65_536));
  assert(!fixture.transport.closed);
  fixture.transport.feed(new Uint8Array(1));
  assert(fixture.transport.closed);
});

test("HttpExchange never takes what follows a request for another one", async () => {
  let calls = 0;
  const fixture = new Fixture(() => {
    calls++;
    return new Response("page");
  });
  await fixture.request(GET + GET);
  fixture.transport.feed(http(GET));
  fixture.transport.feedEof();
  assertEquals(calls, 1);
  assertEquals(fixture.transport.text.match(/HTTP\/1\.1 /g)?.length, 1);
});

test("HttpExchange answers a client that has ended its direction", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  let signal: AbortSignal | undefined;
  const fixture = new Fixture((request) => {
    signal = request.signal;
    return promise;
  });
  fixture.transport.feed(http(GET));
  fixture.transport.feedEof();
  assert(signal!.aborted);
  resolve(new Response("page"));
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "page");
  await settle();
  assertEquals(fixture.ends, [{}]);
  assertEquals(fixture.clock.pending, 0);
});

const FAILURES: [name: string, handler: () => unknown, message: string][] = [
  ["throws", () => {
    throw new RangeError("broken");
  }, "broken"],
  ["rejects", () => Promise.reject(new RangeError("broken")), "broken"],
  ["returns nothing", () => undefined, "something else than a Response"],
  ["returns an error response", () => Response.error(), "error response"],
  ["returns a 101 of its own", () => new Response(null, { status: 101 }), "without upgrading"],
];

for (const [name, handler, message] of FAILURES) {
  test(`HttpExchange answers 500 where the request function ${name}`, async () => {
    const fixture = new Fixture(handler as RequestHandler);
    await fixture.request(GET);
    assertEquals(fixture.status, 500);
    assertEquals(fixture.transport.text.includes("broken"), false);
    assertEquals(fixture.errors.length, 1);
    assertStringIncludes((fixture.errors[0] as Error).message, message);
  });
}

test("HttpExchange drops the connection where the body of a response fails", async () => {
  const body = new ReadableStream({ pull: () => Promise.reject(new RangeError("broken")) });
  const fixture = new Fixture(() => new Response(body));
  await fixture.request(GET);
  assert(fixture.transport.closed && !fixture.transport.writeClosed);
  assertEquals(fixture.errors.map(String), ["RangeError: broken"]);
  assertEquals(fixture.ends.length, 1);
});

test("HttpExchange delivers a body as it is read, and pauses in between", async () => {
  const fixture = new Fixture(async (request) => new Response(await request.text()));
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nhello"));
  await settle();
  fixture.transport.feed(http("world"));
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "helloworld");
});

test("HttpExchange does not read a body that nobody reads", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const fixture = new Fixture(() => promise);
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\n"));
  await settle();
  assert(fixture.transport.paused);
  resolve(new Response("no, thanks"));
  await fixture.transport.answered();
  await settle();
  assert(!fixture.transport.paused);
});

test("HttpExchange decodes a chunked body", async () => {
  const fixture = new Fixture(async (request) => new Response(await request.text()));
  await fixture.request(
    "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n6\n world\n0\n\n",
  );
  assertStringIncludes(fixture.transport.text, "hello world");
});

for (
  const [name, body, eof] of [
    ["a broken chunked coding", "x\n", false],
    ["a body cut short", "5\nhel", true],
  ] as const
) {
  test(`HttpExchange answers 400 to ${name} that the request function trips over`, async () => {
    const fixture = new Fixture(async (request) => new Response(await request.text()));
    fixture.transport.feed(
      http(`POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n${body}`),
    );
    await settle();
    if (eof) fixture.transport.feedEof();
    await fixture.transport.answered();
    assertEquals(fixture.status, 400);
    assertEquals(fixture.errors, []);
  });
}

const READINGS: [name: string, read: (request: Request) => Promise<unknown>][] = [
  ["text()", (request) => request.text()],
  ["json()", (request) => request.json()],
  ["bytes()", (request) => request.bytes()],
  ["arrayBuffer()", (request) => request.arrayBuffer()],
  ["blob()", (request) => request.blob()],
  ["formData()", (request) => request.formData()],
  ["a copy", (request) => request.clone().text()],
  ["an iteration", (request) => Array.fromAsync(request.body!)],
  ["a pipe", (request) => Array.fromAsync(request.body!.pipeThrough(new TextDecoderStream()))],
  ["an error with a cause", async (request) => {
    await request.text().catch((cause) => {
      throw new Error("Cannot read the form", { cause });
    });
  }],
];

for (const [name, read] of READINGS) {
  test(`HttpExchange knows a broken body by what ${name} rejects with`, async () => {
    const fixture = new Fixture(async (request) => {
      await read(request);
      return new Response();
    });
    fixture.transport.feed(http(
      "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n" +
        "Content-Type: application/x-www-form-urlencoded\n\nx\n",
    ));
    await fixture.transport.answered();
    assertEquals([fixture.status, fixture.errors], [400, []]);
  });
}

test("HttpExchange reports another error of a function whose request has a broken body", async () => {
  const broken = new RangeError("broken");
  const fixture = new Fixture(async (request) => {
    await request.text().catch(() => {});
    throw broken;
  });
  await fixture.request("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nx\n");
  assertEquals([fixture.status, fixture.errors], [500, [broken]]);
});

test("HttpExchange streams a body back while it arrives", async () => {
  const fixture = new Fixture((request) => new Response(request.body));
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nhello"));
  await fixture.transport.until(() => fixture.transport.text.includes("hello"));
  fixture.transport.feed(http("world"));
  await fixture.transport.answered();
  assert(fixture.transport.text.endsWith("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"));
});

test("HttpExchange asks for a body that waits once it is read (RFC 9110 10.1.1)", async () => {
  const { promise: wish, resolve: read } = Promise.withResolvers<void>();
  const fixture = new Fixture(async (request) => {
    await wish;
    return new Response(await request.text());
  });
  fixture.transport.feed(
    http("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\n"),
  );
  await settle();
  assertEquals(fixture.transport.text, "");
  read();
  await fixture.transport.until(() => fixture.transport.text !== "");
  assertEquals(fixture.transport.text, "HTTP/1.1 100 Continue\r\n\r\n");
  await settle();
  fixture.transport.feed(http("hello"));
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "\r\n\r\nHTTP/1.1 200 OK");
});

test("HttpExchange does not ask for a body that is refused", async () => {
  const fixture = new Fixture(() => new Response(null, { status: 413 }));
  await fixture.request("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\n");
  assertEquals(fixture.status, 413);
});

test("HttpExchange writes no faster than the peer takes it", async () => {
  const { transport } = new Fixture(() => new Response("page"));
  transport.blocked = true;
  transport.feed(http(GET));
  await transport.until(() => transport.writes > 0);
  await settle();
  assertEquals(transport.writes, 1);
  assert(!transport.text.includes("page"));
  transport.drain();
  await transport.answered();
  assertStringIncludes(transport.text, "page");
});

test("HttpExchange drops a peer that does not take the response", async () => {
  const fixture = new Fixture(() => new Response("page"));
  fixture.transport.blocked = true;
  fixture.transport.feed(http(GET));
  await fixture.transport.until(() => fixture.transport.writes > 0);
  await fixture.clock.advance(30_000);
  assert(fixture.transport.closed);
  assertEquals(fixture.ends.length, 1);
  assertEquals(fixture.errors, []);
  await settle();
});

test("HttpExchange drops a peer that does not send the body that is read", async () => {
  const failures: unknown[] = [];
  const fixture = new Fixture((request) =>
    request.text().then((text) => new Response(text), (error) => {
      failures.push(error);
      throw error;
    })
  );
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\n"));
  await settle();
  await fixture.clock.advance(29_999);
  fixture.transport.feed(http("hello"));
  await settle();
  await fixture.clock.advance(29_999);
  assert(!fixture.transport.closed);
  await fixture.clock.advance(1);
  assert(fixture.transport.closed);
  await settle();
  assertStringIncludes(String(failures[0]), "neither sends nor receives");
  assertEquals(fixture.errors, []);
});

test("HttpExchange aborts the signal of the request where the transport is lost", async () => {
  const fixture = new Fixture((request) =>
    new Promise((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    })
  );
  fixture.transport.feed(http(GET));
  const loss = new Error("reset");
  fixture.transport.lose(loss);
  await settle();
  assertEquals(fixture.ends, [{ error: loss }]);
  assertEquals(fixture.errors, []);
  assertEquals(fixture.transport.text, "");
  assertEquals(fixture.clock.pending, 0);
});

test("HttpExchange ends where its response cannot be written, though more of the request may come", async () => {
  const fixture = new Fixture((request) =>
    new Promise((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    })
  );
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 9\n\n"));
  const failure = new Error("pipe");
  fixture.transport.failWriting(failure);
  await settle();
  assertEquals(fixture.ends, [{ error: failure }]);
  assertEquals([fixture.errors, fixture.transport.closed], [[], true]);
});

test("HttpExchange cancels the response of a function that did not notice the loss", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  const fixture = new Fixture(() => promise);
  fixture.transport.feed(http(GET));
  fixture.transport.lose(new Error("reset"));
  resolve(new Response(new ReadableStream({ cancel })));
  await cancelled;
  assertEquals(fixture.transport.text, "");
});

test("HttpExchange cancels a response under way where the transport is lost", async () => {
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<unknown>();
  const fixture = new Fixture(() => new Response(new ReadableStream({ cancel })));
  fixture.transport.feed(http(GET));
  await fixture.transport.until(() => fixture.transport.writes > 0);
  const loss = new Error("reset");
  fixture.transport.lose(loss);
  assertEquals(await cancelled, loss);
  assertEquals(fixture.errors, []);
});

test("HttpExchange keeps no more than 64 KiB ahead of the response", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const fixture = new Fixture(() => promise);
  fixture.transport.feed(http(GET));
  fixture.transport.feed(new Uint8Array(65_535));
  assert(!fixture.transport.paused);
  fixture.transport.feed(new Uint8Array(1));
  assert(fixture.transport.paused);
  resolve(new Response());
  await fixture.transport.answered();
});

test("HttpExchange switches protocols in one write (RFC 6455 1.3)", async () => {
  const { transport, ends } = new Fixture((request) => upgradeRaw(request)!.response);
  transport.feed(http(UPGRADE));
  await transport.until(() => transport.writes > 0);
  await settle();
  assertEquals(transport.text, SWITCHING);
  assertEquals(transport.writes, 1);
  assertEquals(ends.length, 1);
  ends[0]!.connection!.abort();
});

test("HttpExchange hands frames that followed the request to the connection", async () => {
  for (const cut of [0, 3, HI.length]) {
    const fixture = new Fixture((request) => upgradeRaw(request)!.response);
    const { transport, ends } = fixture;
    transport.feed(Uint8Array.of(...http(UPGRADE), ...HI.subarray(0, cut)));
    transport.feed(HI.subarray(cut));
    await transport.until(() => transport.writes > 0);
    await settle();
    const connection = ends[0]!.connection!;
    assertEquals(await connection.receive(), "Hi");
    connection.abort();
  }
});

test("HttpExchange lets what was sent before the 101 follow it", async () => {
  const { transport, ends } = new Fixture(async (request) => {
    const { response, connection } = upgradeRaw(request)!;
    void connection?.send("early");
    await settle();
    response.headers.append("set-cookie", "a=1");
    return response;
  });
  transport.feed(http(UPGRADE));
  await transport.until(() => transport.text.includes("early"));
  const [head, rest] = transport.text.split("\r\n\r\n");
  assertStringIncludes(head!, "\r\nset-cookie: a=1");
  assertStringIncludes(rest!, "early");
  ends[0]!.connection!.abort();
});

test("HttpExchange takes any 101 for the response to an upgrade", async () => {
  const { transport, ends } = new Fixture((request) => {
    const { response } = upgradeRaw(request)!;
    return new Response(response.body, { status: 101, headers: { "x-wrapped": "yes" } });
  });
  transport.feed(http(UPGRADE));
  await transport.until(() => transport.writes > 0);
  await settle();
  assertStringIncludes(transport.text, "x-wrapped: yes");
  ends[0]!.connection!.abort();
});

test("HttpExchange refuses a 101 that meddles with the handshake", async () => {
  const connections: Promise<unknown>[] = [];
  const fixture = new Fixture((request) => {
    const { response, connection } = upgradeRaw(request)!;
    connections.push(connection!.closed);
    response.headers.set("sec-websocket-extensions", "mine");
    return response;
  });
  await fixture.request(UPGRADE);
  assertEquals(fixture.status, 500);
  assertStringIncludes(String(fixture.errors[0]), "sec-websocket-extensions");
  await Promise.all(connections);
});

test("HttpExchange gives the connection up where another response is returned", async () => {
  let closed: Promise<{ code: number; error?: unknown }> | undefined;
  const fixture = new Fixture((request) => {
    closed = upgradeRaw(request)!.connection!.closed;
    return new Response("changed my mind", { status: 403 });
  });
  await fixture.request(UPGRADE);
  assertEquals(fixture.status, 403);
  const { code, error } = await closed!;
  assertEquals(code, 1006);
  assertStringIncludes(String(error), "another response than the 101");
  assertEquals(fixture.errors, []);
});

test("HttpExchange gives the connection up where the function throws after the upgrade", async () => {
  let closed: Promise<{ code: number; error?: unknown }> | undefined;
  const thrown = new RangeError("broken");
  const fixture = new Fixture((request) => {
    closed = upgradeRaw(request)!.connection!.closed;
    throw thrown;
  });
  await fixture.request(UPGRADE);
  assertEquals(fixture.status, 500);
  assertEquals((await closed!).error, thrown);
  assertEquals(fixture.errors, [thrown]);
});

test("HttpExchange gives the connection up where the client goes before the 101", async () => {
  for (const how of ["lost", "eof"] as const) {
    const { promise, resolve } = Promise.withResolvers<void>();
    let closed: Promise<{ code: number }> | undefined;
    const fixture = new Fixture(async (request) => {
      const { response, connection } = upgradeRaw(request)!;
      closed = connection!.closed;
      await promise;
      return response;
    });
    fixture.transport.feed(http(UPGRADE));
    if (how === "lost") fixture.transport.lose(new Error("reset"));
    else fixture.transport.feedEof();
    resolve();
    assertEquals((await closed!).code, 1006);
    await settle();
    assert(fixture.transport.closed);
    assertEquals(fixture.ends.length, 1);
    assertEquals(fixture.errors, []);
    assertEquals(fixture.clock.pending, 0);
  }
});

test("HttpExchange opens the connection of a client that has ended its direction (RFC 6455 1.4)", async () => {
  const cases: [frames: Uint8Array, messages: string[], code: number, wasClean: boolean][] = [
    [Uint8Array.of(...HI, ...CLOSE), ["Hi"], 1000, true],
    [Uint8Array.of(...HI, ...HI), ["Hi", "Hi"], 1006, false],
    [CLOSE, [], 1000, true],
  ];
  for (const [frames, messages, code, wasClean] of cases) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { transport, ...fixture } = new Fixture(async (request) => {
      await promise;
      return upgradeRaw(request)!.response;
    });
    transport.feed(http(UPGRADE));
    transport.feed(frames);
    transport.feedEof();
    resolve();
    await transport.until(() => transport.writes > 0);
    await settle();
    const connection = fixture.ends[0]!.connection!;
    for (const message of messages) assertEquals(await connection.receive(), message);
    const closed = await connection.closed;
    assertEquals([closed.code, closed.wasClean], [code, wasClean]);
    // The 101, and the Close that answers.
    assertEquals(transport.bytes.length, SWITCHING.length + (wasClean ? 4 : 0));
    assert(transport.closed);
    assertEquals([fixture.ends.length, fixture.errors, fixture.clock.pending], [1, [], 0]);
  }
});

test("HttpExchange ends once where the client goes while the 101 is written", async () => {
  let closed: Promise<{ code: number }> | undefined;
  const fixture = new Fixture((request) => {
    const { response, connection } = upgradeRaw(request)!;
    closed = connection!.closed;
    return response;
  });
  fixture.transport.feed(http(UPGRADE));
  await fixture.transport.until(() => fixture.transport.writes > 0);
  const loss = new Error("reset");
  fixture.transport.lose(loss);
  assertEquals((await closed!).code, 1006);
  await settle();
  assertEquals(fixture.ends, [{ error: loss }]);
  assertEquals(fixture.errors, []);
});

test("HttpExchange ends a connection that is made after the client went", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let closed: Promise<{ code: number }> | undefined;
  const fixture = new Fixture(async (request) => {
    await promise;
    const { response, connection } = upgradeRaw(request)!;
    closed = connection!.closed;
    return response;
  });
  fixture.transport.feed(http(UPGRADE));
  fixture.transport.lose(new Error("reset"));
  resolve();
  await settle();
  assertEquals((await closed!).code, 1006);
});

test("HttpExchange ends at once when it is aborted", async () => {
  const fixture = new Fixture(never);
  assert(fixture.exchange.isUnasked);
  fixture.transport.feed(http(GET));
  assert(!fixture.exchange.isUnasked);
  const reason = new Error("shutdown");
  fixture.exchange.abort(reason);
  fixture.exchange.abort(new Error("again"));
  assert(fixture.transport.closed);
  assertEquals(fixture.ends, [{ error: reason }]);
  assertInstanceOf(fixture.ends[0]!.error, Error);
  await settle();
  assertEquals(fixture.clock.pending, 0);
});

test("HttpExchange leaves the signal of a request alone once it is answered", async () => {
  for (const how of ["eof", "lost"] as const) {
    let signal: AbortSignal | undefined;
    const fixture = new Fixture((request) => {
      signal = request.signal;
      return new Response("page");
    });
    await fixture.request(GET);
    await settle();
    if (how === "eof") fixture.transport.feedEof();
    else fixture.transport.lose(new Error("reset"));
    assert(!signal!.aborted);
    assertEquals(fixture.ends, [{}]);
  }
});

test("HttpExchange notices behind a body, too, that the client goes away", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const fixture = new Fixture(async (request) => {
    request.signal.addEventListener("abort", () => resolve());
    await request.body!.getReader().read();
    return await never();
  });
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n"));
  await settle();
  fixture.transport.feed(http("hello"));
  await settle();
  assert(!fixture.transport.paused);
  fixture.transport.lose(new Error("reset"));
  await aborted;
});

test("HttpExchange writes the response behind a 100 that is still under way", async () => {
  const fixture = new Fixture((request) => {
    void request.body!.getReader().read().catch(() => {});
    return new Response("page");
  });
  fixture.transport.blocked = true;
  fixture.transport.feed(
    http("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\n"),
  );
  await settle();
  assertEquals(fixture.transport.text, "HTTP/1.1 100 Continue\r\n\r\n");
  fixture.transport.drain();
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "HTTP/1.1 200 OK");
});

test("HttpExchange does not let a request be upgraded once it is answered", async () => {
  let kept: Request | undefined;
  const fixture = new Fixture((request) => {
    kept = request;
    return new Response("later");
  });
  await fixture.request(UPGRADE);
  assertThrows(() => upgradeRaw(kept!), TypeError, "it has been answered already");
});

test("HttpExchange does not ask for a body within the response (RFC 9110 15.2)", async () => {
  const begun = Promise.withResolvers<void>();
  const fixture = new Fixture((request) => {
    const page = new ReadableStream<Uint8Array>({
      async start(controller) {
        await begun.promise;
        controller.enqueue(await request.bytes());
        controller.close();
      },
    });
    return new Response(page);
  });
  fixture.transport.feed(
    http("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\n"),
  );
  await fixture.transport.until(() => fixture.transport.text.includes("200 OK"));
  begun.resolve();
  await settle();
  fixture.transport.feed(http("hello"));
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "hello");
  assert(!fixture.transport.text.includes("100 Continue"), fixture.transport.text);
});

test("HttpExchange waits for no client whose body the application does not want any more", async () => {
  const finish = Promise.withResolvers<void>();
  const fixture = new Fixture(async (request) => {
    const reader = request.body!.getReader();
    await reader.read();
    const reading = reader.read();
    await settle();
    await reader.cancel();
    await reading.catch(() => {});
    await finish.promise;
    return new Response("page");
  });
  fixture.transport.feed(http("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhe"));
  for (let i = 0; i < 5; i++) await settle();
  await fixture.clock.advance(60_000);
  assertEquals(fixture.ends, []);
  finish.resolve();
  await fixture.transport.answered();
  assertStringIncludes(fixture.transport.text, "page");
});

test("HttpExchange tells that the client has gone, though it said there was a body", async () => {
  for (const what of ["GET", "POST, cancelled"]) {
    let request: Request | undefined;
    const aborted = Promise.withResolvers<void>();
    const fixture = new Fixture((given) => {
      request = given;
      given.signal.addEventListener("abort", () => aborted.resolve());
      void given.body?.cancel();
      return never();
    });
    const method = what.split(",")[0];
    fixture.transport.feed(http(`${method} / HTTP/1.1\nHost: a\nContent-Length: 5\n\n`));
    await settle();
    assert(!fixture.transport.paused, what);
    fixture.transport.feed(http("he"));
    assertEquals(request!.signal.aborted, false);
    fixture.transport.feedEof();
    await aborted.promise;
  }
});
