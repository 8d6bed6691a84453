import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  encodeRequestHead,
  encodeResponseHead,
  fieldValues,
  type RequestHead,
  RequestHeadReader,
  type ResponseHead,
  ResponseHeadReader,
} from "../../src/handshake/http1.ts";
import { decodeLatin1, encodeLatin1 } from "../../src/handshake/latin1.ts";
import { chunkings, randomSource, test } from "../harness.ts";

/** The head of a request given whole; fails the test when it is refused. */
function readRequest(text: string): RequestHead {
  const reader = new RequestHeadReader();
  assertEquals(reader.receive(encodeLatin1(text)), text.length);
  assertEquals(reader.violation, undefined);
  return reader.head!;
}

/** The status that answers a request given whole. */
function refusalOfRequest(text: string): number | undefined {
  const reader = new RequestHeadReader();
  reader.receive(encodeLatin1(text));
  assertEquals(reader.head, undefined);
  return reader.violation?.status;
}

/** The head of a response given whole, `undefined` when it is refused. */
function readResponse(text: string): ResponseHead | undefined {
  const reader = new ResponseHeadReader();
  assert(reader.receive(encodeLatin1(text)) !== -1);
  assertEquals(reader.head === undefined, reader.violation !== undefined);
  return reader.head;
}

test("RequestHeadReader reads the sample handshake however cut (RFC 6455 1.2)", () => {
  const text = "GET /chat?a=b HTTP/1.1\r\n" +
    "Host: server.example.com\r\n" +
    "Upgrade: websocket\r\n" +
    "Connection: Upgrade\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Protocol: chat\r\n" +
    "Sec-WebSocket-Protocol: superchat\r\n" +
    "Sec-WebSocket-Version: 13\r\n\r\n";
  for (const chunks of chunkings(encodeLatin1(text))) {
    const reader = new RequestHeadReader();
    const results = chunks.map((chunk) => reader.receive(chunk));
    assertEquals(results.pop(), chunks.at(-1)!.length);
    assert(results.every((result) => result === -1));
    assertEquals(reader.violation, undefined);
    assertEquals(reader.head, {
      method: "GET",
      target: "/chat?a=b",
      minorVersion: 1,
      fields: [
        ["Host", "server.example.com"],
        ["Upgrade", "websocket"],
        ["Connection", "Upgrade"],
        ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
        ["Sec-WebSocket-Protocol", "chat"],
        ["Sec-WebSocket-Protocol", "superchat"],
        ["Sec-WebSocket-Version", "13"],
      ],
    });
  }
});

test("RequestHeadReader keeps methods and targets as written (RFC 9112 3)", () => {
  const cases: [line: string, method: string, target: string, minorVersion: 0 | 1][] = [
    ["GET / HTTP/1.0", "GET", "/", 0],
    ["GET / HTTP/1.1", "GET", "/", 1],
    ["GET / HTTP/1.2", "GET", "/", 1],
    ["get // HTTP/1.1", "get", "//", 1],
    ["DELETE /%7e?a?b HTTP/1.1", "DELETE", "/%7e?a?b", 1],
    ["GET http://example.com HTTP/1.1", "GET", "http://example.com", 1],
    ["GET http://example.com:8080/a?b HTTP/1.1", "GET", "http://example.com:8080/a?b", 1],
    ["OPTIONS * HTTP/1.1", "OPTIONS", "*", 1],
  ];
  for (const [line, method, target, minorVersion] of cases) {
    const head = readRequest(`${line}\r\n\r\n`);
    assertEquals(head, { method, target, minorVersion, fields: [] }, line);
  }
});

test("RequestHeadReader takes what browsers send in a query", () => {
  for (const target of ["/?a=\\", "/?a@b", "http://a/?b@c", "http://a?b\\c", "/a@b", "/|"]) {
    assertEquals(readRequest(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).target, target);
  }
});

test("RequestHeadReader refuses malformed request lines (RFC 9112 3)", () => {
  const cases: [line: string, status: number][] = [
    ["GET", 400],
    ["GET /", 400],
    ["GET  / HTTP/1.1", 400],
    ["GET /  HTTP/1.1", 400],
    ["GET / HTTP/1.1 ", 400],
    [" GET / HTTP/1.1", 400],
    ["GET / a HTTP/1.1", 400],
    ["GET\t/\tHTTP/1.1", 400],
    ["G@T / HTTP/1.1", 400],
    ["GET / http/1.1", 400],
    ["GET / HTTP/1", 400],
    ["GET / HTTP/1.10", 400],
    ["GET / HTTP/11.1", 400],
    ["GET / HTTP/a.b", 400],
    ["GET / HTTPS/1.1", 400],
    ["GET / HTTP/0.9", 505],
    ["GET / HTTP/2.0", 505],
    ["PRI * HTTP/2.0", 505],
    ["GET * HTTP/1.1", 400],
    ["GET example.com HTTP/1.1", 400],
    ["CONNECT example.com HTTP/1.1", 400],
    ["CONNECT a@example.com:443 HTTP/1.1", 400],
    ["GET example.com:443 HTTP/1.1", 400],
    ["GET ?a HTTP/1.1", 400],
    ["GET /a#b HTTP/1.1", 400],
    ["GET /\xe9 HTTP/1.1", 400],
    ["GET http:///a HTTP/1.1", 400],
    ["GET http://?a HTTP/1.1", 400],
    ["GET http:/a HTTP/1.1", 400],
    ["GET 1://a HTTP/1.1", 400],
    ["GET http://@a/ HTTP/1.1", 400],
    ["GET http://a\\@b/ HTTP/1.1", 400],
    ["GET /\\evil/a HTTP/1.1", 400],
    ["GET /a\\b?c HTTP/1.1", 400],
  ];
  for (const [line, status] of cases) {
    assertEquals(refusalOfRequest(`${line}\r\n\r\n`), status, line);
  }
});

test("RequestHeadReader refuses a second Host and leaves a missing one be (RFC 9112 3.2)", () => {
  assertEquals(refusalOfRequest("GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n"), 400);
  assertEquals(readRequest("GET / HTTP/1.1\r\n\r\n").fields, []);
});

test("RequestHeadReader tells a long target from long fields (RFC 9110 15.5.15, RFC 6585 5)", () => {
  assertEquals(refusalOfRequest(`GET /${"a".repeat(9_000)}`), 414);
  assertEquals(refusalOfRequest(`GET / HTTP/1.1\r\nA: ${"a".repeat(9_000)}`), 431);
  assertEquals(refusalOfRequest(`GET / HTTP/1.1\r\n${"A: b\r\n".repeat(101)}`), 431);
  const reader = new RequestHeadReader({ maxLineSize: 5 });
  reader.receive(encodeLatin1("GET / H"));
  assertEquals(reader.violation?.status, 414);
});

test("RequestHeadReader passes over two empty lines, not three (RFC 9112 2.2)", () => {
  assertEquals(
    readRequest("\r\n\r\nGET / HTTP/1.1\r\n\r\n").target,
    "/",
  );
  assertEquals(refusalOfRequest("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 400);
});

test("RequestHeadReader refuses what is not HTTP at its first byte (RFC 9112 2.2)", () => {
  const clientHello = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00);
  const reader = new RequestHeadReader();
  assertEquals(reader.receive(clientHello), 1);
  assertEquals(reader.violation?.status, 400);
});

test("ResponseHeadReader reads a response however cut (RFC 9112 4)", () => {
  const text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  for (const chunks of chunkings(encodeLatin1(`${text}\x81\x00`))) {
    const reader = new ResponseHeadReader();
    let taken = 0;
    for (const chunk of chunks) {
      const result = reader.receive(chunk);
      taken += result === -1 ? chunk.length : result;
    }
    assertEquals(taken, text.length);
    assertEquals(reader.head, {
      status: 101,
      statusText: "Switching Protocols",
      minorVersion: 1,
      fields: [["Upgrade", "websocket"]],
    });
  }
});

test("ResponseHeadReader reads status lines with and without a reason (RFC 9112 4)", () => {
  const cases: [line: string, status: number, statusText: string, minorVersion: 0 | 1][] = [
    ["HTTP/1.1 200 OK", 200, "OK", 1],
    ["HTTP/1.0 404 Not  Found ", 404, "Not  Found ", 0],
    ["HTTP/1.1 599 ", 599, "", 1],
    ["HTTP/1.1 100", 100, "", 1],
    ["HTTP/1.1 200 \xe9t\xe9", 200, "\xe9t\xe9", 1],
  ];
  for (const [line, status, statusText, minorVersion] of cases) {
    assertEquals(readResponse(`${line}\r\n\r\n`), { status, statusText, minorVersion, fields: [] });
  }
});

test("ResponseHeadReader refuses malformed status lines (RFC 9112 4)", () => {
  const lines = [
    "",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 20",
    "HTTP/1.1 2000",
    "HTTP/1.1 099",
    "HTTP/1.1 600",
    "HTTP/1.1 1e1",
    "HTTP/1.1  200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/1.x 200 OK",
    "http/1.1 200 OK",
    "ICY 200 OK",
  ];
  for (const line of lines) assertEquals(readResponse(`${line}\r\n\r\n`), undefined, line);
});

test("fieldValues gives all values of a name in any case (RFC 9110 5.1)", () => {
  const fields = [["Host", "a"], ["X", "1"], ["hOST", "b"], ["x", ""]] as const;
  assertEquals(fieldValues(fields, "host"), ["a", "b"]);
  assertEquals(fieldValues(fields, "x"), ["1", ""]);
  assertEquals(fieldValues(fields, "y"), []);
});

test("encodeRequestHead writes what RequestHeadReader reads (RFC 9112 3)", () => {
  const bytes = encodeRequestHead("/a?b", [["Host", "a"], ["X", "\xe9\tb"], ["Y", ""]]);
  assertEquals(decodeLatin1(bytes), "GET /a?b HTTP/1.1\r\nHost: a\r\nX: \xe9\tb\r\nY: \r\n\r\n");
  assertEquals(readRequest(decodeLatin1(bytes)).fields, [["Host", "a"], ["X", "\xe9\tb"], [
    "Y",
    "",
  ]]);
});

test("encodeResponseHead writes what ResponseHeadReader reads (RFC 9112 4)", () => {
  const bytes = encodeResponseHead(101, "Switching Protocols", new Map([["Upgrade", "websocket"]]));
  const text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  assertEquals(decodeLatin1(bytes), text);
  assertEquals(readResponse(text)?.status, 101);
  assertEquals(decodeLatin1(encodeResponseHead(400, "", [])), "HTTP/1.1 400 \r\n\r\n");
});

test("The encoders refuse what would end a line or a head early (RFC 9112 11.1)", () => {
  for (const character of ["\r", "\n", "\0", "\r\n", "\x7f", "\x01", "\u0100", "\u010d\u010a"]) {
    const text = `a${character}b`;
    assertThrows(() => encodeRequestHead(`/${text}`, []), TypeError);
    assertThrows(() => encodeRequestHead("/", [[text, "a"]]), TypeError);
    assertThrows(() => encodeRequestHead("/", [["a", text]]), TypeError, "forbids");
    assertThrows(() => encodeResponseHead(200, text, []), TypeError);
    assertThrows(() => encodeResponseHead(200, "", [["a", text]]), TypeError);
  }
  for (const name of ["", "a b", "a:", " a", "\xe9"]) {
    assertThrows(() => encodeRequestHead("/", [[name, ""]]), TypeError, "not a token");
  }
  for (const target of ["", "/a b", "/\xe9", "/\t"]) {
    assertThrows(() => encodeRequestHead(target, []), TypeError, "not a target");
  }
  for (const status of [99, 600, 1.5, Number.NaN, -1]) {
    assertThrows(() => encodeResponseHead(status, "", []), RangeError);
  }
});

test("RequestHeadReader and ResponseHeadReader never throw on random bytes (RFC 9112 2.2)", () => {
  const seed = 0x9112;
  const random = randomSource(seed);
  const pieces = [
    "GET ",
    "/",
    " HTTP/1.1",
    "HTTP/1.1 ",
    "101",
    "\r\n",
    "\r\n\r\n",
    "Host: a",
    "a:",
    ...": \t\r\n\0\xe9*",
  ];
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: random(16) }, () => pieces[random(pieces.length)]).join("");
    const bytes = encodeLatin1(text);
    const cut = random(bytes.length + 1);
    for (const Reader of [RequestHeadReader, ResponseHeadReader]) {
      const [whole, parts] = [new Reader(), new Reader()];
      const taken = whole.receive(bytes);
      const first = parts.receive(bytes.subarray(0, cut));
      const second = first === -1 ? parts.receive(bytes.subarray(cut)) : -1;
      const message = `seed ${seed}: ${JSON.stringify(text)} cut at ${cut}`;
      assertEquals(first !== -1 ? first : second === -1 ? -1 : cut + second, taken, message);
      assertEquals(parts.head, whole.head, message);
      assertEquals(parts.violation, whole.violation, message);
      assertEquals(
        taken !== -1,
        whole.head !== undefined || whole.violation !== undefined,
        message,
      );
    }
  }
});
