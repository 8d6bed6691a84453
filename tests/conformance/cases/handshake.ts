/** Cases of the opening handshake (RFC 6455 section 4.2). */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { RequestParts } from "../raw_client.ts";
import type { Cases } from "../served_app.ts";

/** A request that is refused, and how: what our own server answers is what all hosts have to. */
type Refusal = readonly [
  request: RequestParts & { readonly path?: string },
  status: number,
  /** The text; a pattern where the server and the handshake have a text each. */
  body: string | RegExp,
];

const WRONG_VERSION = "The Sec-WebSocket-Version header must be 13.\n";
const WRONG_KEY = "The Sec-WebSocket-Key header is not the base64 of 16 bytes.\n";
const NO_UPGRADE = "The Connection header does not contain upgrade.\n";
const WRONG_SUBPROTOCOL = "The Sec-WebSocket-Protocol header is malformed.\n";
const ERROR = "Internal Server Error\n";

const withField = (name: string, value: string | null) => ({ fields: { [name]: value } });

/** By the names that a host's record calls them. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  "no version": [withField("Sec-WebSocket-Version", null), 426, WRONG_VERSION],
  "version 8": [withField("Sec-WebSocket-Version", "8"), 426, WRONG_VERSION],
  "no key": [withField("Sec-WebSocket-Key", null), 400, WRONG_KEY],
  "a key of 3 bytes": [withField("Sec-WebSocket-Key", "AAAA"), 400, WRONG_KEY],
  "a key that is no base64": [
    withField("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!=="),
    400,
    WRONG_KEY,
  ],
  "no Host": [
    withField("Host", null),
    400,
    /^The request has no Host field\n$|^The Host header is missing or malformed\.\n$/,
  ],
  "HTTP/1.0": [{ version: "HTTP/1.0" }, 505, "A WebSocket is opened with HTTP/1.1.\n"],
  "POST": [{ method: "POST" }, 405, "A WebSocket is opened with the method GET.\n"],
  "Connection: close": [withField("Connection", "close"), 400, NO_UPGRADE],
  "no Connection": [withField("Connection", null), 400, NO_UPGRADE],
  "a body": [
    { ...withField("Content-Length", "4"), body: "body" },
    400,
    "A request that opens a WebSocket has no body.\n",
  ],
  "a foreign Origin": [
    withField("Origin", "https://evil.example"),
    403,
    'The origin "https://evil.example" is not allowed: the request is for "localhost".\n',
  ],
  "the Origin null": [withField("Origin", "null"), 403, 'The origin "null" is not allowed.\n'],
  "a malformed Origin": [
    withField("Origin", "localhost"),
    403,
    "The Origin header is malformed.\n",
  ],
  "a malformed subprotocol": [
    withField("Sec-WebSocket-Protocol", "a b"),
    400,
    WRONG_SUBPROTOCOL,
  ],
  "a subprotocol offered twice": [
    withField("Sec-WebSocket-Protocol", "a, a"),
    400,
    WRONG_SUBPROTOCOL,
  ],
  "a malformed extension": [
    withField("Sec-WebSocket-Extensions", "a; ="),
    400,
    "The Sec-WebSocket-Extensions header is malformed.\n",
  ],
  "a subprotocol selected that was not offered": [{ path: "/unoffered" }, 500, ERROR],
  "an error before the upgrade": [{ path: "/throw/prepare" }, 500, ERROR],
  "a response of the application's own": [{ path: "/prepare" }, 401, "Sign in first\n"],
};

/**
 * Fields that may be there once, and appear twice: how they are refused where they are one to the
 * application. Where they are not, it is told so.
 */
const REPETITIONS: Readonly<
  Record<string, readonly [value: string, status: number, body: string]>
> = {
  "Sec-WebSocket-Version": ["13", 426, WRONG_VERSION],
  "Sec-WebSocket-Key": ["AAAAAAAAAAAAAAAAAAAAAA==", 400, WRONG_KEY],
  "Origin": ["http://localhost", 403, "The Origin header is malformed.\n"],
};

/** What goes with some of the statuses. */
const REFUSAL_HEADERS: Readonly<Record<number, readonly [name: string, value: string]>> = {
  401: ["www-authenticate", "Basic"],
  405: ["allow", "GET"],
  426: ["sec-websocket-version", "13"],
};

/** Registers them. */
export const testHandshake: Cases = (host, test) => {
  for (const [name, [{ path = "/echo", ...request }, status, body]] of Object.entries(REFUSALS)) {
    const own = host.refusals[name];
    const how = own === undefined ? `refuses by ${status}` : `leaves to the host, by ${own},`;
    test(`${how} a handshake with ${name} (RFC 6455 4.2)`, async (server) => {
      const response = await server.visit(path).handshake(request);
      assertEquals(response.status, own ?? status);
      if (own !== undefined) return;
      if (typeof body === "string") assertEquals(response.body, body);
      else assertMatch(response.body, body);
      const header = REFUSAL_HEADERS[status];
      if (header !== undefined) assertEquals(response.headers.get(header[0]), header[1]);
    });
  }

  for (const [name, [value, ...joined]] of Object.entries(REPETITIONS)) {
    test(`refuses a handshake with two fields ${name} (RFC 6455 11.3)`, async (server) => {
      const fields = { [name]: [value, value] };
      const { status, body } = await server.handshake("/echo", { fields });
      const told = `The header ${name.toLowerCase()} appears twice.\n`;
      assertEquals([status, body], host.joinsFields ? joined : [400, told]);
    });
  }

  test("serves on after all refusals", async (server) => {
    await using connection = await server.visit("/echo").connect();
    await connection.send("still there?");
    assertEquals(await connection.receive(), "still there?");
  });

  test("computes Sec-WebSocket-Accept (RFC 6455 4.2.2)", async (server) => {
    const { client, response } = await server.visit("/echo").openWithResponse();
    await using _client = client;
    assertEquals(response.headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assertEquals(response.headers.get("upgrade")?.toLowerCase(), "websocket");
    assertEquals(response.headers.get("connection")?.toLowerCase(), "upgrade");
    assertEquals(response.headers.get("sec-websocket-protocol"), null);
    assertEquals(response.headers.get("sec-websocket-extensions"), null);
  });

  const origins: [path: string, origin: string, status: number][] = [
    ["/echo", "http://localhost", 101],
    ["/echo", "http://LOCALHOST:80", 101],
    ["/echo", "http://localhost:81", 403],
    ["/origins", "https://allowed.example", 101],
    ["/origins", "https://other.example", 403],
    ["/origins", "http://localhost", 101],
  ];
  test("lets in the pages of its own origin, and those of the list (RFC 6455 10.2)", async (server) => {
    for (const [path, origin, status] of origins) {
      const response = await server.handshake(path, { fields: { Origin: origin } });
      assertEquals(response.status, status, `${origin} at ${path}`);
    }
  });

  const subprotocols: [path: string, offered: string | null, selected: string | null][] = [
    ["/subprotocol", "a,b", "b"],
    ["/subprotocol", "b, a", "b"],
    ["/subprotocol", "a, c", null],
    ["/subprotocol", null, null],
    ["/named-subprotocols", "y, b", "b"],
    ["/echo", "a, b", null],
  ];
  test("answers with the subprotocol selected, and with none otherwise (RFC 6455 4.2.2)", async (server) => {
    for (const [path, offered, selected] of subprotocols) {
      const fields = { "Sec-WebSocket-Protocol": offered };
      const { headers } = await server.handshake(path, { fields });
      assertEquals(headers.get("sec-websocket-protocol"), selected, `${offered} at ${path}`);
    }
  });

  test("tells the handler and the connection which subprotocol it is", async (server) => {
    const fields = { "Sec-WebSocket-Protocol": "a,b" };
    await using client = await server.visit("/subprotocol").open({ fields });
    client.send(0x1, "which?");
    assertEquals(JSON.parse(await client.nextText()), { handler: "b", connection: "b" });
  });

  test("sends the application's headers and cookies on the 101", async (server) => {
    const fields = { Authorization: "Basic QTpC" };
    const { client, response: { headers } } = await server.visit("/prepare")
      .openWithResponse({ fields });
    await using _client = client;
    assertEquals(headers.get("x-conformance"), "yes");
    assertEquals(headers.getSetCookie(), ["a=1", "b=2"]);
  });

  test("keeps the request readable, and tells what the connection is", async (server) => {
    const visit = server.visit("/facts/Gr%C3%BC%C3%9Fe?a=b");
    await using connection = await visit.connect({
      headers: { "X-Colour": "blue" },
      compression: true,
    });
    assertEquals(JSON.parse(await connection.receive() as string), { group: "Grüße" });
    await connection.send("facts?");
    const { remoteAddress, extensions, ...facts } = JSON.parse(
      await connection.receive() as string,
    );
    assertEquals(facts, {
      capabilities: host.capabilities,
      requestUrl: visit.url.replace("ws:", "http:"),
      method: "GET",
      colour: "blue",
      url: visit.url,
      protocol: "",
    });
    assertEquals(extensions, connection.extensions);
    if (remoteAddress !== null) {
      assertEquals([remoteAddress.transport, remoteAddress.hostname], ["tcp", "127.0.0.1"]);
    }
    assertEquals(remoteAddress !== null, host.tellsRemoteAddress);
  });

  test("gives the connection the data of the options", async (server) => {
    await using connection = await server.visit("/data").connect();
    assertEquals(await connection.receive(), '{"data":"Ada"}');
  });

  const agrees = host.capabilities.compression
    ? "agrees to compress"
    : "does not agree to compress";
  test(`${agrees} where both sides want to (RFC 7692 5)`, async (server) => {
    await using connection = await server.visit("/compressed").connect({ compression: true });
    const text = "wave after wave, ".repeat(1000);
    await connection.send(text);
    assertEquals(await connection.receive(), text);
    if (host.capabilities.compression) assertMatch(connection.extensions, /^permessage-deflate/);
    else assertEquals(connection.extensions, "");
    const plain = await server.visit("/echo").connect({ compression: true });
    assertEquals(plain.extensions, "");
    await plain.close();
  });

  const pages: [what: string, parts: RequestParts, expected: Record<string, unknown>][] = [
    ["a page", { fields: { Upgrade: null, Connection: null } }, { method: "GET", body: "" }],
    [
      "a form",
      {
        method: "POST",
        fields: { Upgrade: null, Connection: null, "Content-Length": "5" },
        body: "a=b&c",
      },
      { method: "POST", body: "a=b&c" },
    ],
    ["another upgrade", { fields: { Upgrade: "h2c" } }, {
      method: "GET",
      upgrade: "h2c",
      body: "",
    }],
  ];
  for (const [what, parts, expected] of pages) {
    test(`passes on ${what} at the path of a WebSocket, untouched`, async (server) => {
      const { status, body } = await server.handshake("/echo", parts);
      assertStringIncludes(body, "{");
      assertEquals([status, JSON.parse(body)], [200, {
        pathname: "/echo",
        upgrade: null,
        ...expected,
      }]);
    });
  }

  test("passes on a WebSocket to a path without a route", async (server) => {
    const { status, body } = await server.handshake("/nowhere");
    assertEquals([status, JSON.parse(body).pathname], [200, "/nowhere"]);
  });
};
