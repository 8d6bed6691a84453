import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import {
  ClientHandshake,
  type ClientHandshakeOptions,
  parseWebSocketUrl,
} from "../../src/handshake/client.ts";
import {
  type RequestHead,
  RequestHeadReader,
  type ResponseHead,
} from "../../src/handshake/http1.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { negotiateUpgrade, upgradeFields } from "../../src/handshake/server.ts";
import type { CompressionOptions } from "../../src/types.ts";
import { randomSource, test } from "../harness.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** A handshake with the sample key. */
function handshakeFor(url: string, options: ClientHandshakeOptions = {}): ClientHandshake {
  return new ClientHandshake(parseWebSocketUrl(url), options, KEY);
}

/** The request that a handshake sends. */
function requestOf(handshake: ClientHandshake): RequestHead {
  const reader = new RequestHeadReader();
  const bytes = handshake.encodeRequest();
  assertEquals(reader.receive(bytes), bytes.length);
  return reader.head!;
}

/** The fields of a good response, changed; several values make several fields, none takes one away. */
function responseWith(
  change: Readonly<Record<string, readonly string[]>> = {},
  start: Partial<ResponseHead> = {},
): ResponseHead {
  const fields: Record<string, readonly string[]> = {
    "Upgrade": ["websocket"],
    "Connection": ["Upgrade"],
    "Sec-WebSocket-Accept": [ACCEPT],
    ...change,
  };
  return {
    status: 101,
    statusText: "Switching Protocols",
    minorVersion: 1,
    fields: Object.entries(fields).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value])
    ),
    ...start,
  };
}

test("parseWebSocketUrl reads ws and wss, and http and https for them (RFC 6455 3)", () => {
  const cases: [url: string | URL, href: string][] = [
    ["ws://example.com", "ws://example.com/"],
    ["WSS://Example.com:443/a?b", "wss://example.com/a?b"],
    ["ws://example.com:80/", "ws://example.com/"],
    ["http://example.com:80/a", "ws://example.com/a"],
    ["https://example.com:443/a", "wss://example.com/a"],
    ["https://example.com:80/a", "wss://example.com:80/a"],
    ["ws://user:password@[::1]:8000/%23", "ws://user:password@[::1]:8000/%23"],
    [new URL("https://example.com/"), "wss://example.com/"],
  ];
  for (const [url, href] of cases) assertEquals(parseWebSocketUrl(url).href, href);
});

test("parseWebSocketUrl leaves the URL it is given as it is", () => {
  const url = new URL("https://example.com/");
  parseWebSocketUrl(url);
  assertEquals(url.href, "https://example.com/");
});

test("parseWebSocketUrl refuses relative URLs, fragments and other schemes (RFC 6455 3)", () => {
  const cases: [url: string, message: string][] = [
    ["", "absolute"],
    ["/chat", "absolute"],
    ["//example.com/chat", "absolute"],
    ["example.com/chat", "absolute"],
    ["ws://", "absolute"],
    ["ws://a b/", "absolute"],
    ["ws://a:99999/", "absolute"],
    ["ftp://example.com/", "scheme"],
    ["localhost:8000", "scheme"],
    ["data:,a", "scheme"],
    ["ws://example.com/#a", "fragment"],
    ["ws://example.com/#", "fragment"],
    ["wss://example.com?#", "fragment"],
  ];
  for (const [url, message] of cases) {
    assertThrows(() => parseWebSocketUrl(url), TypeError, message);
    assertThrows(() => parseWebSocketUrl(url), TypeError, "Cannot connect");
  }
});

test("parseWebSocketUrl tells no secret of a URL that it refuses", () => {
  for (
    const url of [
      "wss://me:pa#ss@example.com/?token=t",
      "wss://me:pass@example.com/path?token=t#",
      "ftp://me:pass@example.com/path?token=t",
    ]
  ) {
    const { message } = assertThrows(() => parseWebSocketUrl(url), TypeError);
    for (const secret of ["me", "pa", "token", "path"]) {
      assert(!message.slice("Cannot connect".length).match(`\\b${secret}`), message);
    }
  }
});

test("ClientHandshake writes a minimal request (RFC 6455 4.1)", () => {
  const text = new TextDecoder().decode(handshakeFor("ws://example.com/chat?a=b").encodeRequest());
  assertEquals(
    text,
    "GET /chat?a=b HTTP/1.1\r\n" +
      "Host: example.com\r\n" +
      "Upgrade: websocket\r\n" +
      "Connection: Upgrade\r\n" +
      `Sec-WebSocket-Key: ${KEY}\r\n` +
      "Sec-WebSocket-Version: 13\r\n\r\n",
  );
});

test("ClientHandshake derives target and Host from the URL (RFC 6455 3, 4.1)", () => {
  const cases: [url: string, target: string, host: string][] = [
    ["ws://example.com", "/", "example.com"],
    ["ws://example.com?a", "/?a", "example.com"],
    ["ws://example.com/?", "/", "example.com"],
    ["ws://example.com:80/", "/", "example.com"],
    ["wss://example.com:443/", "/", "example.com"],
    ["ws://example.com:443/", "/", "example.com:443"],
    ["wss://example.com:8443/", "/", "example.com:8443"],
    ["ws://user:password@example.com/a", "/a", "example.com"],
    ["ws://[0::1]:8000/", "/", "[::1]:8000"],
    [
      "ws://b\u00fccher.example/\u00e9 \u20ac?\u00e9",
      "/%C3%A9%20%E2%82%AC?%C3%A9",
      "xn--bcher-kva.example",
    ],
    ["ws://example.com/a\r\nb: c", "/ab:%20c", "example.com"],
    ["ws://example.com/%0d%0aa", "/%0d%0aa", "example.com"],
  ];
  for (const [url, target, host] of cases) {
    const head = requestOf(handshakeFor(url));
    assertEquals(head.target, target, url);
    assertEquals(head.fields[0], ["Host", host], url);
  }
});

test("ClientHandshake draws a new key each time (RFC 6455 4.1)", () => {
  const keys = Array.from({ length: 20 }, () => {
    const { fields } = requestOf(new ClientHandshake(new URL("ws://a/"), {}));
    const key = fields.find(([name]) => name === "Sec-WebSocket-Key")![1];
    assertEquals(atob(key).length, 16);
    return key;
  });
  assertEquals(new Set(keys).size, keys.length);
});

test("ClientHandshake sends what the options ask for (RFC 6455 4.1)", () => {
  const { fields } = requestOf(handshakeFor("ws://a/", {
    subprotocols: ["v2.chat", "v1.chat"],
    compression: { serverMaxWindowBits: 10 },
    origin: "https://example.com",
    headers: { "Cookie": "a=b", "User-Agent": "test" },
  }));
  assertEquals(fields.slice(5), [
    ["Sec-WebSocket-Protocol", "v2.chat, v1.chat"],
    [
      "Sec-WebSocket-Extensions",
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
    ],
    ["Origin", "https://example.com"],
    ["cookie", "a=b"],
    ["user-agent", "test"],
  ]);
});

test("ClientHandshake sends the user of the URL as Basic credentials (RFC 7617 2)", () => {
  const cases: [userinfo: string, pair: string][] = [
    ["user:password", "user:password"],
    ["user", "user:"],
    [":password", ":password"],
    ["us%65r:p%3Aw%40%2F", "user:p:w@/"],
    ["%C3%A9:\u20ac", "\u00e9:\u20ac"],
    ["user:%C2%80", "user:\u0080"],
  ];
  for (const [userinfo, pair] of cases) {
    const head = requestOf(handshakeFor(`ws://${userinfo}@example.com/`));
    assertEquals(head.target, "/");
    const value = head.fields.find(([name]) => name === "Authorization")![1];
    assertMatch(value, /^Basic [A-Za-z0-9+/]+=*$/);
    const bytes = Uint8Array.from(atob(value.slice(6)), (character) => character.charCodeAt(0));
    assertEquals(new TextDecoder().decode(bytes), pair);
  }
});

test("ClientHandshake refuses users and passwords that Basic cannot carry (RFC 7617 2)", () => {
  for (const userinfo of ["us%3Aer", "us%00er", "user:%0d%0a", "user:%7f", "%ff"]) {
    assertThrows(() => handshakeFor(`ws://${userinfo}@example.com/`), TypeError, "authenticat");
  }
});

test("ClientHandshake prefers an Authorization header to the user of the URL", () => {
  const handshake = handshakeFor("ws://user:password@a/", {
    headers: { Authorization: "Bearer x" },
  });
  const values = requestOf(handshake).fields.filter(([name]) => /^authorization$/i.test(name));
  assertEquals(values, [["authorization", "Bearer x"]]);
});

test("ClientHandshake refuses what cannot be asked for, before any I/O (RFC 6455 4.1)", () => {
  const cases: [url: string, options: ClientHandshakeOptions, error: typeof TypeError][] = [
    ["ws://a/", { subprotocols: "chat" as unknown as string[] }, TypeError],
    ["ws://a/", { subprotocols: ["a", "a"] }, TypeError],
    ["ws://a/", { subprotocols: [""] }, TypeError],
    ["ws://a/", { subprotocols: ["a,b"] }, TypeError],
    ["ws://a/", { subprotocols: ["a\r\nb: c"] }, TypeError],
    ["ws://a/", { headers: { "Host": "b" } }, TypeError],
    ["ws://a/", { headers: { "Upgrade": "h2c" } }, TypeError],
    ["ws://a/", { headers: { "Connection": "close" } }, TypeError],
    ["ws://a/", { headers: { "Sec-WebSocket-Key": KEY } }, TypeError],
    ["ws://a/", { headers: { "Sec-WebSocket-Version": "13" } }, TypeError],
    ["ws://a/", { headers: { "Sec-WebSocket-Protocol": "a" } }, TypeError],
    ["ws://a/", { headers: { "Sec-WebSocket-Extensions": "a" } }, TypeError],
    ["ws://a/", { headers: { "Content-Length": "1" } }, TypeError],
    ["ws://a/", { headers: { "Transfer-Encoding": "chunked" } }, TypeError],
    ["ws://a/", { headers: { "x-a": "a\r\nb: c" } }, TypeError],
    ["ws://a/", { origin: "http://a\r\nb: c" }, TypeError],
    ["ws://a/", { origin: "http://a", headers: { "Origin": "http://a" } }, TypeError],
    ["ws://a/", { compression: { clientMaxWindowBits: 16 } }, RangeError],
    ["ws://%ff:a@a/", {}, TypeError],
    ["ws://a%3Ab:c@a/", {}, TypeError],
  ];
  for (const [url, options, error] of cases) {
    assertThrows(() => handshakeFor(url, options), error, "", `${url} ${JSON.stringify(options)}`);
  }
});

test("ClientHandshake.check takes a good response (RFC 6455 4.1)", () => {
  const cases: Record<string, string[]>[] = [
    {},
    { "Upgrade": ["WebSocket"] },
    { "Connection": ["keep-alive, UPGRADE"] },
    { "Connection": ["keep-alive", "upgrade"] },
    { "Sec-WebSocket-Extensions": [""] },
    { "Set-Cookie": ["a", "b"] },
    { "Content-Length": ["0"] },
  ];
  for (const change of cases) {
    assertEquals(handshakeFor("ws://a/").check(responseWith(change)), {
      protocol: "",
      extensions: "",
      compression: undefined,
    });
  }
});

test("ClientHandshake.check takes a subprotocol and an extension that were offered (RFC 6455 4.1)", () => {
  const compression = { level: 1, threshold: 2 };
  const handshake = handshakeFor("ws://a/", { subprotocols: ["a", "b"], compression });
  const agreement = handshake.check(responseWith({
    "Sec-WebSocket-Protocol": ["b"],
    "Sec-WebSocket-Extensions": ["permessage-deflate; client_max_window_bits=9"],
  }));
  assertEquals(agreement, {
    protocol: "b",
    extensions: "permessage-deflate; client_max_window_bits=9",
    compression: {
      parameters: {
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        serverMaxWindowBits: 15,
        clientMaxWindowBits: 9,
      },
      level: 1,
      threshold: 2,
    },
  });
});

test("ClientHandshake.check refuses what breaks the rules, and says what (RFC 6455 4.1)", () => {
  const options: ClientHandshakeOptions = { subprotocols: ["a", "b"], compression: true };
  const cases: [change: Record<string, string[]>, message: string][] = [
    [{ "Upgrade": [] }, "Upgrade"],
    [{ "Upgrade": ["h2c"] }, "Upgrade"],
    [{ "Upgrade": ["websocket, h2c"] }, "Upgrade"],
    [{ "Upgrade": ["websocket", "websocket"] }, "Upgrade"],
    [{ "Connection": [] }, "Connection"],
    [{ "Connection": ["close"] }, "Connection"],
    [{ "Sec-WebSocket-Accept": [] }, "Accept"],
    [{ "Sec-WebSocket-Accept": [""] }, "Accept"],
    [{ "Sec-WebSocket-Accept": [KEY] }, "Accept"],
    [{ "Sec-WebSocket-Accept": [ACCEPT.toLowerCase()] }, "Accept"],
    [{ "Sec-WebSocket-Accept": [ACCEPT.slice(0, -1)] }, "Accept"],
    [{ "Sec-WebSocket-Accept": [`"${ACCEPT}"`] }, "Accept"],
    [{ "Sec-WebSocket-Accept": [ACCEPT, ACCEPT] }, "Accept appears twice"],
    [{ "Sec-WebSocket-Protocol": ["c"] }, "not offered"],
    [{ "Sec-WebSocket-Protocol": ["A"] }, "not offered"],
    [{ "Sec-WebSocket-Protocol": [""] }, "not offered"],
    [{ "Sec-WebSocket-Protocol": ["a, b"] }, "not offered"],
    [{ "Sec-WebSocket-Protocol": ["a", "a"] }, "Protocol appears twice"],
    [{ "Sec-WebSocket-Extensions": ["foo"] }, '"foo" was not offered'],
    [{ "Sec-WebSocket-Extensions": ["permessage-deflate, foo"] }, "more than one"],
    [{ "Sec-WebSocket-Extensions": ["permessage-deflate, permessage-deflate"] }, "more than one"],
    [{ "Sec-WebSocket-Extensions": ["permessage-deflate", "foo"] }, "Extensions appears twice"],
    [{ "Sec-WebSocket-Extensions": ["permessage-deflate; a"] }, "unknown"],
    [
      { "Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits=1000"] },
      "invalid",
    ],
    [{ "Sec-WebSocket-Extensions": ["permessage-deflate;"] }, "malformed"],
  ];
  for (const [change, message] of cases) {
    const check = () => handshakeFor("ws://a/", options).check(responseWith(change));
    assertThrows(check, WebSocketHandshakeError, message, JSON.stringify(change));
  }
});

test("ClientHandshake.check refuses what was not asked for at all (RFC 6455 4.1)", () => {
  const changes: Record<string, string[]>[] = [
    { "Sec-WebSocket-Protocol": ["a"] },
    { "Sec-WebSocket-Extensions": ["permessage-deflate"] },
    { "Sec-WebSocket-Extensions": ["__proto__"] },
  ];
  for (const change of changes) {
    const check = () => handshakeFor("ws://a/").check(responseWith(change));
    assertThrows(check, WebSocketHandshakeError, "not offered");
  }
});

test("ClientHandshake.check takes HTTP/1.1 101 only (RFC 6455 4.1)", () => {
  const starts: Partial<ResponseHead>[] = [
    { status: 200 },
    { status: 100 },
    { status: 426 },
    { minorVersion: 0 },
  ];
  for (const start of starts) {
    const check = () => handshakeFor("ws://a/").check(responseWith({}, start));
    assertThrows(check, WebSocketHandshakeError, "not HTTP/1.1 101");
  }
});

test("ClientHandshake.check misses a subprotocol only if told to (RFC 6455 4.1)", () => {
  const open = handshakeFor("ws://a/", { subprotocols: ["a"] });
  assertEquals(open.check(responseWith()).protocol, "");
  const strict = handshakeFor("ws://a/", { subprotocols: ["a"], requireSubprotocol: true });
  assertThrows(
    () => strict.check(responseWith()),
    WebSocketHandshakeError,
    "selected none",
  );
  const none = handshakeFor("ws://a/", { requireSubprotocol: true });
  assertEquals(none.check(responseWith()).protocol, "");
});

test("ClientHandshake and negotiateUpgrade come to the same agreement (RFC 6455 4)", () => {
  const seed = 0x4101;
  const random = randomSource(seed);
  const compressions: (boolean | CompressionOptions)[] = [
    false,
    true,
    { serverNoContextTakeover: true, clientMaxWindowBits: 9 },
    { clientNoContextTakeover: true, serverMaxWindowBits: 8 },
  ];
  const lists = [[], ["a"], ["b", "a"], ["c", "b"]];
  for (let round = 0; round < 200; round++) {
    const client = new ClientHandshake(parseWebSocketUrl("ws://user:pw@example.com:8000/a?b"), {
      subprotocols: lists[random(4)]!,
      compression: compressions[random(4)]!,
      origin: "http://example.com:8000",
    });
    const head = requestOf(client);
    const request = new Request("http://example.com:8000/a?b", {
      headers: head.fields.map(([name, value]): [string, string] => [name, value]),
    });
    const options = { subprotocols: lists[random(4)]!, compression: compressions[random(4)]! };
    const server = negotiateUpgrade(request, options, head);
    assert(!(server instanceof Response), `seed ${seed}`);
    const fields = upgradeFields(server, computeAccept(server.key));
    const agreement = client.check({
      status: 101,
      statusText: "Switching Protocols",
      minorVersion: 1,
      fields,
    });
    const { protocol, extensions, compression } = server;
    assertEquals(agreement, { protocol, extensions, compression }, `seed ${seed}, round ${round}`);
  }
});
