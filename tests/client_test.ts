import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { connectBy, type ConnectOptions } from "../src/client.ts";
import type { WebSocketConnection } from "../src/connection/connection.ts";
import type { Dial, DialTarget } from "../src/connection/dial.ts";
import { createTransportPair } from "../src/connection/memory_transport.ts";
import { WebSocketHandshakeError } from "../src/errors.ts";
import { encodeLatin1 } from "../src/handshake/latin1.ts";
import { createStreamPair, ManualClock } from "../src/testing.ts";
import { type ScriptedPeer, ScriptedServer, switchingProtocols } from "./client/scripted_server.ts";
import { stateOf } from "./connection/fake_transport.ts";
import { chunkings, test } from "./harness.ts";

const CA = "-----BEGIN CERTIFICATE----- of an authority";
const CERT = "-----BEGIN CERTIFICATE-----";
const KEY = "-----BEGIN PRIVATE KEY-----";
const URL_ = "ws://host/";
/** Without timers of the connection, which would outlive a test. */
const QUIET: ConnectOptions = { pingInterval: 0 };

const never: Dial = () => {
  throw new Error("Nothing was to be dialled");
};

/** Connects to a server that does as `script` says with the one connection it gets. */
async function connectTo(
  script: (peer: ScriptedPeer) => unknown,
  { url = URL_, ...options }: ConnectOptions & { url?: string } = {},
): Promise<WebSocketConnection> {
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, url, { ...QUIET, ...options });
  const [connection] = await Promise.all([connecting, server.peer(0).then(script)]);
  return connection;
}

/** The error that a server causes, with everything released. */
async function failsBy(
  script: (peer: ScriptedPeer) => unknown,
  options: ConnectOptions & { url?: string } = {},
): Promise<WebSocketHandshakeError> {
  const server = new ScriptedServer();
  const { url = URL_, ...rest } = options;
  const connecting = connectBy(server.dial, url, { ...QUIET, ...rest });
  const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
  await server.peer(0).then(script);
  const error = await rejected;
  assert(server.released);
  return error;
}

// Opening --------------------------------------------------------------------------------------

test("connectBy opens a connection that sends and receives", async () => {
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, "ws://host/path?query", QUIET);
  const peer = await server.peer(0);
  assertEquals((await peer.request()).target, "/path?query");
  assertEquals(await peer.header("host"), "host");
  const remote = await peer.upgrade();
  const connection = await connecting;
  assertEquals(connection.url, "ws://host/path?query");
  await connection.send("over");
  assertEquals(await remote.receive(), "over");
  await remote.send("back");
  assertEquals(await connection.receive(), "back");
  assertEquals(await connection.close(), { code: 1000, reason: "", wasClean: true });
  assert(peer.clientClosed);
});

test("connectBy shows the subprotocol and the extensions agreed", async () => {
  const extensions = "permessage-deflate; client_no_context_takeover";
  const connection = await connectTo(
    (peer) =>
      peer.upgrade(["Sec-WebSocket-Protocol: v2", `Sec-WebSocket-Extensions: ${extensions}`]),
    { subprotocols: ["v1", "v2"], compression: true },
  );
  assertEquals(connection.protocol, "v2");
  assertEquals(connection.extensions, extensions);
  assert(connection.capabilities.compression);
  connection.abort();
});

test("connectBy tells onResponse of the 101, and waits for it", async () => {
  const server = new ScriptedServer();
  const told = Promise.withResolvers<Response>();
  const gate = Promise.withResolvers<void>();
  const connecting = connectBy(server.dial, URL_, {
    ...QUIET,
    onResponse: (response) => {
      told.resolve(response);
      return gate.promise;
    },
    data: "mine",
  });
  const peer = await server.peer(0);
  const remote = await peer.upgrade(["Set-Cookie: a=1", "Set-Cookie: b=2", "X-Node: 7"]);
  await remote.send("early");
  const { status, headers } = await told.promise;
  assertEquals([status, headers.get("x-node")], [101, "7"]);
  assertEquals(headers.getSetCookie(), ["a=1", "b=2"]);
  assertEquals(await stateOf(connecting), "pending");
  gate.resolve();
  const connection = await connecting;
  assertEquals([await connection.receive(), connection.data satisfies string], ["early", "mine"]);
  connection.abort();
});

test("connectBy opens nothing where onResponse throws, or rejects, or takes too long", async () => {
  const expected = new RangeError("not this one");
  const failing = [
    () => {
      throw expected;
    },
    () => Promise.reject(expected),
  ];
  for (const onResponse of failing) {
    const error = await failsBy((peer) => peer.upgrade(), { onResponse });
    assertStrictEquals(error.cause, expected);
  }
  const clock = new ManualClock();
  const slow = await failsBy(
    async (peer) => {
      await peer.respond(switchingProtocols(await peer.request()));
      await clock.advance(100);
    },
    { clock, connectTimeout: 100, onResponse: () => new Promise<void>(() => {}) },
  );
  assertEquals((slow.cause as Error).name, "TimeoutError");
});

test("connectBy does not call onResponse for a refusal, or a 101 that is not in order", async () => {
  let calls = 0;
  const onResponse = () => void calls++;
  await failsBy((peer) => peer.respond("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), {
    onResponse,
  });
  await failsBy((peer) => peer.upgrade(["Sec-WebSocket-Protocol: v9"]), { onResponse });
  assertEquals(calls, 0);
});

test("connectBy keeps frames that come with the head, however they are cut (RFC 6455 4.1)", async () => {
  const frames = encodeLatin1("\x81\x05hello\x88\x02\x03\xe8");
  const server = new ScriptedServer();
  const sample = encodeLatin1(switchingProtocols(await requestTo(server), []));
  let index = 1;
  for (const { length } of chunkings(new Uint8Array(sample.length + frames.length))) {
    const connecting = connectBy(server.dial, URL_, QUIET);
    const peer = await server.peer(index++);
    const head = encodeLatin1(switchingProtocols(await peer.request()));
    const bytes = new Uint8Array([...head, ...frames]);
    const at = index - 3;
    if (length === 1) peer.write(bytes);
    else if (length > 2) { for (const byte of bytes) peer.write(Uint8Array.of(byte)); }
    else for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) peer.write(piece);
    peer.end();
    const connection = await connecting;
    assertEquals(await connection.receive(), "hello");
    assertEquals(await connection.receive(), null);
    assertEquals((await connection.closed).code, 1000);
  }
});

/** The request of an attempt that comes to nothing. */
async function requestTo(server: ScriptedServer) {
  const controller = new AbortController();
  const connecting = connectBy(server.dial, URL_, { ...QUIET, signal: controller.signal });
  const request = await (await server.peer(0)).request();
  controller.abort();
  await assertRejects(() => connecting);
  return request;
}

test("connectBy wraps a byte stream", async () => {
  const [near, far] = createStreamPair();
  const connecting = connectBy(() => Promise.resolve(near), URL_, QUIET);
  const reader = far.readable.getReader();
  const { value } = await reader.read();
  assert(new TextDecoder().decode(value).startsWith("GET / HTTP/1.1\r\n"));
  const writer = far.writable.getWriter();
  await writer.write(encodeLatin1("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
  await assertRejects(() => connecting, WebSocketHandshakeError, "403 Forbidden");
  await assertRejects(() => writer.closed);
});

for (
  const [url, options, expected] of [
    ["ws://host/", {}, { hostname: "host", port: 80, secure: false, noDelay: true }],
    ["http://host/", {}, { hostname: "host", port: 80, secure: false, noDelay: true }],
    ["wss://host/", {}, { hostname: "host", port: 443, secure: true, noDelay: true }],
    ["wss://[::1]:80/", {}, { hostname: "[::1]", port: 80, secure: true, noDelay: true }],
    ["ws://host:0/", { noDelay: false }, {
      hostname: "host",
      port: 0,
      secure: false,
      noDelay: false,
    }],
    ["ws://host/", { unixPath: "/run/it" }, {
      hostname: "host",
      port: 80,
      secure: false,
      noDelay: true,
      unixPath: "/run/it",
    }],
    ["wss://host/", { caCerts: [CA], cert: CERT, key: KEY, serverName: "name" }, {
      hostname: "host",
      port: 443,
      secure: true,
      noDelay: true,
      serverName: "name",
      caCerts: [CA],
      cert: CERT,
      key: KEY,
    }],
  ] as [string, ConnectOptions, DialTarget][]
) {
  test(`connectBy dials for ${url} with ${JSON.stringify(options)}`, async () => {
    let dialled: DialTarget | undefined;
    const dial: Dial = (target) => {
      dialled = target;
      return Promise.reject(new Error("no"));
    };
    await assertRejects(() => connectBy(dial, url, options), WebSocketHandshakeError);
    assertEquals(dialled, expected);
  });
}

test("connectBy sends the user of the URL as Authorization and shows it nowhere", async () => {
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, "ws://me:secret@host/x", QUIET);
  const peer = await server.peer(0);
  assertEquals((await peer.request()).target, "/x");
  assertEquals(await peer.header("authorization"), "Basic bWU6c2VjcmV0");
  await peer.upgrade();
  const connection = await connecting;
  assertEquals(connection.url, "ws://host/x");
  connection.abort();
});

test("connectBy takes URL, headers and signal of a Request", async () => {
  const controller = new AbortController();
  const request = new Request("http://host/x", {
    headers: { "user-agent": "test" },
    signal: controller.signal,
  });
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, request, QUIET);
  const peer = await server.peer(0);
  assertEquals((await peer.request()).target, "/x");
  assertEquals(await peer.header("user-agent"), "test");
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assertEquals(await assertRejects(() => connecting), reason);
  assert(server.released);
});

test("connectBy prefers the options to what a Request has", async () => {
  const request = new Request("http://host/", { headers: { "user-agent": "request" } });
  const controller = new AbortController();
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, request, {
    headers: { "user-agent": "options" },
    signal: controller.signal,
  });
  const peer = await server.peer(0);
  assertEquals(await peer.header("user-agent"), "options");
  controller.abort();
  await assertRejects(() => connecting, DOMException);
});

// Arguments ------------------------------------------------------------------------------------

for (
  const [source, options, error] of [
    ["/path", {}, TypeError],
    ["ftp://host/", {}, TypeError],
    ["ws://host/#part", {}, TypeError],
    ["ws://host/#", {}, TypeError],
    ["ws://host:99999/", {}, TypeError],
    [new Request("http://host/", { method: "POST" }), {}, TypeError],
    [new Request("http://host/", { headers: { upgrade: "x" } }), {}, TypeError],
    [URL_, { subprotocols: ["a", "a"] }, TypeError],
    [URL_, { subprotocols: ["a b"] }, TypeError],
    [URL_, { headers: { "Sec-WebSocket-Key": "x" } }, TypeError],
    [URL_, { origin: "http://a\r\nX: y" }, TypeError],
    [URL_, { compression: { level: 10 } }, RangeError],
    [URL_, { cert: CERT }, TypeError],
    [URL_, { key: KEY }, TypeError],
    [URL_, { cert: "cert.pem", key: KEY }, TypeError],
    [URL_, { cert: CERT, key: "key.pem" }, TypeError],
    [URL_, { caCerts: CA as unknown as string[] }, TypeError],
    [URL_, { caCerts: ["ca.pem"] }, TypeError],
    [URL_, { caCerts: [undefined as unknown as string] }, TypeError],
    [URL_, { caCerts: new Set([CA]) as unknown as string[] }, TypeError],
    [URL_, { caCerts: [new Uint8Array(1) as unknown as string] }, TypeError],
    [URL_, { maxMessageSize: -1 }, RangeError],
    [URL_, { connectTimeout: -1 }, RangeError],
    [URL_, { connectTimeout: 2 ** 31 }, RangeError],
    [URL_, { connectTimeout: NaN }, RangeError],
    [URL_, { maxRedirects: 1.5 }, RangeError],
    [URL_, { maxRedirects: Infinity }, RangeError],
    [URL_, { maxErrorBodySize: -1 }, RangeError],
    [URL_, { headLimits: { maxLineSize: 0 } }, RangeError],
  ] as [string | Request, ConnectOptions, typeof TypeError][]
) {
  const shown = source instanceof Request ? `a ${source.method} Request` : source;
  const [header] = source instanceof Request ? source.headers.keys() : [];
  const title = `${shown}${header ? ` with ${header}` : ""} and ${JSON.stringify(options)}`;
  test(`connectBy dials nothing for ${title} (RFC 6455 4.1)`, async () => {
    let dialled = false;
    const dial: Dial = () => {
      dialled = true;
      return Promise.reject(new Error("no"));
    };
    await assertRejects(() => connectBy(dial, source, options), error);
    assert(!dialled);
  });
}

// Refusals -------------------------------------------------------------------------------------

/** A 101 with a line changed, or left out. */
async function spoiled(peer: ScriptedPeer, line: RegExp, replacement: string): Promise<void> {
  const response = switchingProtocols(await peer.request());
  peer.write(response.replace(line, replacement));
}

for (
  const [name, line, replacement, message] of [
    ["HTTP/1.0", /1\.1/, "1.0", "not HTTP/1.1 101"],
    ["no Upgrade", /Upgrade: .*\r\n/, "", "Upgrade header"],
    ["another Upgrade", /Upgrade: .*/, "Upgrade: h2c", "Upgrade header"],
    ["no Connection", /Connection: .*\r\n/, "", "Connection header"],
    ["Connection: close", /Connection: .*/, "Connection: close", "Connection header"],
    ["no Sec-WebSocket-Accept", /Sec-WebSocket-Accept: .*\r\n/, "", "Accept header"],
    ["a wrong Sec-WebSocket-Accept", /Accept: ./, "Accept: !", "Accept header"],
    ["a subprotocol not offered", /\r\n\r\n/, "\r\nSec-WebSocket-Protocol: x\r\n\r\n", '"x"'],
    ["an extension not offered", /\r\n\r\n/, "\r\nSec-WebSocket-Extensions: x\r\n\r\n", '"x"'],
  ] as const
) {
  test(`connectBy rejects a 101 with ${name} (RFC 6455 4.1)`, async () => {
    const error = await failsBy((peer) => spoiled(peer, line, replacement));
    assert(error.message.includes(message), error.message);
    assertEquals(error.status, undefined);
  });
}

for (
  const [name, response, body] of [
    ["of a length", "Content-Length: 7\r\n\r\nno\nway\n", "no\nway\n"],
    [
      "in chunks",
      "Transfer-Encoding: chunked\r\n\r\n3\r\nno\n\r\n4\r\nway\n\r\n0\r\n\r\n",
      "no\nway\n",
    ],
    ["up to the end", "\r\nno\nway\n", "no\nway\n"],
    ["over the limit", `Content-Length: 1000\r\n\r\n${"x".repeat(1000)}`, "x".repeat(100)],
  ] as const
) {
  test(`connectBy rejects with the response and its body ${name}`, async () => {
    const head = 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"\r\n';
    const error = await failsBy(
      (peer) => peer.respond(head + response, { end: name === "up to the end" }),
      { maxErrorBodySize: 100 },
    );
    assertEquals(
      error.message,
      "Cannot open the WebSocket: the server answered 401 Unauthorized",
    );
    assertEquals(error.status, 401);
    assertEquals(error.response?.statusText, "Unauthorized");
    assertEquals(error.response?.headers.get("www-authenticate"), 'Basic realm="r"');
    assertEquals(await error.response?.text(), body);
    assertEquals(error.cause, undefined);
  });
}

for (
  const [type, body, shown] of [
    ["text/plain; charset=utf-8", "no\u0007\nway", ': "no\\u0007"'],
    ["Text/Plain", "x".repeat(300), `: "${"x".repeat(200)}"`],
    ["text/plain", "", ""],
    ["text/plain", "\nno", ""],
    ["text/html", "<p>no", ""],
  ] as const
) {
  test(`connectBy says what the server wrote, where it is text: ${type}, ${body.length}`, async () => {
    const head = `HTTP/1.1 403 Forbidden\r\nContent-Type: ${type}\r\n`;
    const error = await failsBy((peer) =>
      peer.respond(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    );
    const answer = "Cannot open the WebSocket: the server answered 403 Forbidden";
    assertEquals(error.message, answer + shown);
  });
}

test("connectBy keeps 64 KiB of the body by default", async () => {
  const error = await failsBy((peer) => peer.respond(`HTTP/1.1 500 \r\n\r\n${"x".repeat(70_000)}`));
  assertEquals((await error.response!.bytes()).length, 65_536);
});

test("connectBy rejects with the response where its body is incomplete", async () => {
  const response = "HTTP/1.1 503 Later\r\nContent-Length: 10\r\n\r\nnot";
  const error = await failsBy((peer) => peer.respond(response, { end: true }));
  assertEquals(error.status, 503);
  assertEquals(await error.response?.text(), "not");
  assertInstanceOf(error.cause, Error);
});

for (const status of [200, 204, 205, 304, 426, 599]) {
  test(`connectBy opens nothing for the status ${status}`, async () => {
    const error = await failsBy((peer) =>
      peer.respond(
        `HTTP/1.1 ${status} \r\nContent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n`,
      )
    );
    assertEquals(error.status, status);
    assertEquals(error.response?.headers.getSetCookie(), ["a", "b"]);
  });
}

test("connectBy rejects where the server ends or resets the connection", async () => {
  const ended = await failsBy(async (peer) => {
    await peer.request();
    peer.end();
  });
  assert(ended.message.startsWith("Cannot connect to ws://host: The server ended"), ended.message);
  const cut = await failsBy((peer) => peer.respond("HTTP/1.1 101 Swit", { end: true }));
  assert(cut.message.includes("without a complete response"), cut.message);
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, URL_, QUIET);
  const peer = await server.peer(0);
  await peer.request();
  peer.reset();
  const reset = await assertRejects(() => connecting, WebSocketHandshakeError);
  assertInstanceOf(reset.cause, Error);
});

test("connectBy rejects a head over its limits", async () => {
  const error = await failsBy(
    (peer) => peer.respond(`HTTP/1.1 101 \r\nX: ${"x".repeat(100)}`),
    { headLimits: { maxHeadSize: 64 } },
  );
  assert(error.message.includes("The head exceeds 64 bytes"), error.message);
  assertEquals(error.response, undefined);
});

test("connectBy rejects with the cause where dialling fails, and tells no secret", async () => {
  const cause = new Error("refused");
  for (
    const dial of [() => Promise.reject(cause), () => {
      throw cause;
    }]
  ) {
    const error = await assertRejects(
      () => connectBy(dial, "wss://me:secret@host:81/x?token=secret", QUIET),
      WebSocketHandshakeError,
    );
    assertEquals(error.message, "Cannot connect to wss://host:81: refused");
    assertEquals(error.cause, cause);
    assertEquals(error.response, undefined);
  }
});

// Redirects ------------------------------------------------------------------------------------

const redirect = (location: string, status = 302) =>
  `HTTP/1.1 ${status} Elsewhere\r\nLocation: ${location}\r\nContent-Length: 4\r\n\r\n`;

test("connectBy follows no redirect unless it is asked to", async () => {
  const error = await failsBy((peer) => peer.respond(`${redirect("ws://other/")}body`));
  assertEquals(error.message, "Cannot open the WebSocket: the server answered 302 Elsewhere");
  assertEquals(error.status, 302);
  assertEquals(error.response?.headers.get("location"), "ws://other/");
  assertEquals(await error.response?.text(), "body");
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`connectBy follows a redirect with the status ${status}`, async () => {
    const server = new ScriptedServer();
    const connecting = connectBy(server.dial, URL_, { ...QUIET, maxRedirects: 1 });
    const first = await server.peer(0);
    await first.respond(redirect("/there", status));
    const second = await server.peer(1);
    assert(first.clientClosed);
    assertEquals((await second.request()).target, "/there");
    assert(await first.header("sec-websocket-key") !== await second.header("sec-websocket-key"));
    await second.upgrade();
    const connection = await connecting;
    assertEquals(connection.url, "ws://host/there");
    connection.abort();
  });
}

interface Taken {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  readonly agent: string | undefined;
}

test("connectBy takes headers that can be read once behind a redirect as well", async () => {
  const once = new Map(Object.entries({ "user-agent": "test", cookie: "a=1" })).entries();
  const { taken } = await follow(URL_, ["/there"], { headers: once as unknown as HeadersInit });
  const each = { authorization: undefined, cookie: "a=1", agent: "test" };
  assertEquals(taken, [each, each]);
});

/** What goes along to each place of a chain of redirects. */
async function follow(url: string, locations: readonly string[], options: ConnectOptions) {
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, url, {
    ...QUIET,
    maxRedirects: locations.length,
    ...options,
  });
  const taken: Taken[] = [];
  for (const [index, location] of [...locations, undefined].entries()) {
    const peer = await server.peer(index);
    taken.push({
      authorization: await peer.header("authorization"),
      cookie: await peer.header("cookie"),
      agent: await peer.header("user-agent"),
    });
    if (location === undefined) await peer.upgrade();
    else await peer.respond(redirect(location));
  }
  (await connecting).abort();
  return { taken, targets: server.peers.map((peer) => peer.target) };
}

const headers = { authorization: "Bearer t", cookie: "a=1", "user-agent": "test" };
const all: Taken = { authorization: "Bearer t", cookie: "a=1", agent: "test" };
const stripped: Taken = { authorization: undefined, cookie: undefined, agent: "test" };

test("connectBy takes credentials along within an origin alone, and not back to it", async () => {
  const locations = ["/a", "ws://other/", "ws://host/"];
  const { taken } = await follow(URL_, locations, { headers });
  assertEquals(taken, [all, all, stripped, stripped]);
});

for (const location of ["ws://host:81/", "wss://host/", "ws://sub.host/"]) {
  test(`connectBy takes no credentials along from ws://host to ${location}`, async () => {
    const options = { headers, cert: CERT, key: KEY, serverName: "name", caCerts: [CA] };
    const { taken, targets } = await follow(URL_, [location], options);
    assertEquals(taken, [all, stripped]);
    const [first, second] = targets;
    assertEquals([first?.cert, first?.key, first?.serverName], [CERT, KEY, "name"]);
    assertEquals([second?.cert, second?.key, second?.serverName], [
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(second?.caCerts, [CA]);
  });
}

test("connectBy keeps the user of the URL within an origin alone", async () => {
  const { taken } = await follow("ws://me:secret@host/", ["/a", "ws://you@other/"], {});
  assertEquals(
    taken.map(({ authorization }) => authorization),
    ["Basic bWU6c2VjcmV0", "Basic bWU6c2VjcmV0", undefined],
  );
});

test("connectBy follows redirects over a Unix socket within an origin", async () => {
  const { targets } = await follow(URL_, ["/there"], { unixPath: "/run/it" });
  assertEquals(targets.map(({ unixPath }) => unixPath), ["/run/it", "/run/it"]);
});

for (
  const [location, options, message] of [
    ["ws://host/", { url: "wss://host/" }, "it leads from wss to ws"],
    ["http://host/", { url: "wss://host/" }, "it leads from wss to ws"],
    ["ftp://host/", {}, "its scheme is not ws or wss"],
    ["ws://[", {}, "its Location is not a URL"],
    ["ws://other/", { unixPath: "/run/it" }, "it leads away from the Unix socket"],
  ] as const
) {
  test(`connectBy does not follow a redirect to ${location} with ${JSON.stringify(options)}`, async () => {
    const error = await failsBy(
      (peer) => peer.respond(redirect(location)),
      { maxRedirects: 9, ...options },
    );
    assert(error.message.startsWith("Cannot follow the redirect with status 302: "));
    assert(error.message.includes(message), error.message);
    assertEquals(error.status, 302);
  });
}

test("connectBy takes a redirect without a Location for a refusal", async () => {
  const response = "HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nno";
  const error = await failsBy((peer) => peer.respond(response), { maxRedirects: 9 });
  assertEquals(error.message, "Cannot open the WebSocket: the server answered 302 Found");
  assertEquals(await error.response?.text(), "no");
});

test("connectBy ends a loop of redirects", async () => {
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, URL_, { ...QUIET, maxRedirects: 3 });
  const answered = Promise.all([0, 1, 2, 3].map(async (index) => {
    await (await server.peer(index)).respond(`${redirect("/")}loop`);
  }));
  const error = await assertRejects(() => connecting, WebSocketHandshakeError);
  await answered;
  assertEquals(
    error.message,
    "Cannot follow the redirect with status 302: there were 3 before it",
  );
  assertEquals(await error.response?.text(), "loop");
  assertEquals(server.peers.length, 4);
  assert(server.released);
});

// Time and signals -----------------------------------------------------------------------------

/** Where an attempt may hang: what the server does before. */
const phases: readonly (readonly [string, (server: ScriptedServer) => unknown])[] = [
  ["before the response", async (server) => await (await server.peer(0)).request()],
  [
    "in the head of the response",
    async (server) => await (await server.peer(0)).respond("HTTP/1.1 101 Swit"),
  ],
  [
    "behind an interim response",
    async (server) => await (await server.peer(0)).respond("HTTP/1.1 103 \r\n\r\n"),
  ],
  [
    "behind a redirect",
    async (server) => {
      await (await server.peer(0)).respond(redirect("/there"));
      await (await server.peer(1)).request();
    },
  ],
];

for (const [phase, script] of phases) {
  test(`connectBy gives up after connectTimeout ${phase}`, async () => {
    const clock = new ManualClock();
    const server = new ScriptedServer();
    const connecting = connectBy(server.dial, URL_, {
      clock,
      connectTimeout: 500,
      maxRedirects: 1,
    });
    const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
    await script(server);
    await clock.advance(499);
    assert(!server.peers.at(-1)!.clientClosed);
    await clock.advance(1);
    const error = await rejected;
    assertEquals(error.message, "Cannot connect to ws://host: The time limit of 500 ms is over");
    assertInstanceOf(error.cause, DOMException);
    assertEquals(error.cause.name, "TimeoutError");
    assert(server.released);
    assertEquals(clock.pending, 0);
  });

  test(`connectBy rejects with the signal's reason when aborted ${phase}`, async () => {
    const server = new ScriptedServer();
    const controller = new AbortController();
    const { signal } = controller;
    const connecting = connectBy(server.dial, URL_, { ...QUIET, signal, maxRedirects: 1 });
    const rejected = assertRejects(() => connecting);
    await script(server);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const reason = new Error("changed my mind");
    controller.abort(reason);
    assertEquals(await rejected, reason);
    assert(server.released);
  });
}

test("connectBy waits for 20 s by default", async () => {
  const clock = new ManualClock();
  const connecting = connectBy(new ScriptedServer().dial, URL_, { clock });
  const rejected = assertRejects(() => connecting, WebSocketHandshakeError);
  await clock.advance(19_999);
  assertEquals(clock.pending, 1);
  await clock.advance(1);
  await rejected;
});

test("connectBy has no time limit where connectTimeout is 0", async () => {
  const clock = new ManualClock();
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, URL_, { ...QUIET, clock, connectTimeout: 0 });
  await (await server.peer(0)).request();
  assertEquals(clock.pending, 0);
  await server.peers[0]!.upgrade();
  (await connecting).abort();
});

test("connectBy limits nothing once the connection is open", async () => {
  const clock = new ManualClock();
  const connection = await connectTo((peer) => peer.upgrade(), { clock });
  assertEquals(clock.pending, 0);
  connection.abort();
});

test("connectBy keeps the response where the time is over in its body", async () => {
  const clock = new ManualClock();
  const error = await failsBy(async (peer) => {
    await peer.respond("HTTP/1.1 500 \r\nContent-Length: 9\r\n\r\nbody");
    await clock.advance(20_000);
  }, { clock });
  assertEquals(error.status, 500);
  assertEquals(await error.response?.text(), "body");
  assertInstanceOf(error.cause, DOMException);
  assertEquals(error.cause.name, "TimeoutError");
});

test("connectBy rejects with the signal's reason when aborted in the body of a response", async () => {
  const server = new ScriptedServer();
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const connecting = connectBy(server.dial, URL_, { ...QUIET, signal: controller.signal });
  const rejected = assertRejects(() => connecting);
  await (await server.peer(0)).respond("HTTP/1.1 500 \r\nContent-Length: 9\r\n\r\nbody");
  await new Promise((resolve) => setTimeout(resolve, 0));
  controller.abort(reason);
  assertEquals(await rejected, reason);
  assert(server.released);
});

test("connectBy dials nothing where the signal is aborted already", async () => {
  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => connectBy(never, URL_, { signal })), reason);
});

test("connectBy aborts the opened connection by the signal", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const connection = await connectTo((peer) => peer.upgrade(), { signal });
  const reason = new Error("changed my mind");
  controller.abort(reason);
  const { code, error } = await connection.closed;
  assertEquals([code, error], [1006, reason]);
});

test("connectBy hands the dial a signal with the reason", async () => {
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const dial: Dial = (_target, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      controller.abort(reason);
    });
  const options = { ...QUIET, signal: controller.signal };
  assertEquals(await assertRejects(() => connectBy(dial, URL_, options)), reason);
});

test("connectBy does not wait for a dial that ignores its signal, and closes what comes of it", async () => {
  const clock = new ManualClock();
  const [client] = createTransportPair();
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>();
  client.close = onClose;
  const { promise: dialled, resolve } = Promise.withResolvers<typeof client>();
  const connecting = connectBy(() => dialled, URL_, { clock });
  const rejected = assertRejects(() => connecting, WebSocketHandshakeError, "time limit");
  await clock.advance(20_000);
  await rejected;
  resolve(client);
  await closed;
});
