/** The model itself, on the examples of the RFCs: whoever judges is judged first. */

import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { bytes, concat, hex } from "../protocol/frames.ts";
import { type ModelRules, readUtf8, readWire } from "./model.ts";
import { readChunked } from "./model_chunked.ts";
import { judgeResponse } from "./model_handshake.ts";
import { modelInflate } from "./model_inflate.ts";

const RULES: ModelRules = { role: "client", maxMessageSize: 1 << 20, maxFragments: 10 };
const HELLO = Array.from(new TextEncoder().encode("Hello"));

test("The model reads the examples of RFC 6455 5.7", () => {
  const cases: [ModelRules["role"], string, unknown][] = [
    ["client", "81 05 48 65 6c 6c 6f", { text: "Hello" }],
    ["server", "81 85 37 fa 21 3d 7f 9f 4d 51 58", { text: "Hello" }],
    ["client", "01 03 48 65 6c 80 02 6c 6f", { text: "Hello" }],
    ["client", "89 05 48 65 6c 6c 6f", { ping: HELLO }],
    ["server", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", { pong: HELLO }],
  ];
  for (const [role, wire, event] of cases) {
    assertEquals(readWire(hex(wire), { ...RULES, role }), {
      events: [event],
      failure: undefined,
    } as ReturnType<typeof readWire>);
  }
  for (
    const [size, head] of [[256, "82 7e 01 00"], [65_536, "82 7f 00 00 00 00 00 01 00 00"]] as const
  ) {
    const { events } = readWire(concat(hex(head), new Uint8Array(size)), RULES);
    assertEquals(events, [{ binary: new Array<number>(size).fill(0) }]);
  }
});

test("The model refuses what RFC 6455 forbids", () => {
  const cases: [string, number][] = [
    ["c1 00", 1002], // RSV1 without an extension
    ["83 00", 1002], // a reserved opcode
    ["81 80", 1002], // a masked frame from a server
    ["09 00", 1002], // a control frame in fragments
    ["89 7e", 1002], // a long control frame
    ["80 00", 1002], // a continuation of nothing
    ["01 00 01 00", 1002], // a message within another
    ["82 7f 80 00 00 00 00 00 00 00", 1002], // a length with its highest bit set
    ["88 01 03", 1002], // a Close of one byte
    ["88 02 03 ed", 1002], // a code that may not be sent
    ["88 03 03 e8 ff", 1007], // a reason that is no text
    ["81 01 ff", 1007], // text that is none
    ["81 01 c3", 1007], // text cut short
    ["82 7f 00 00 00 00 00 20 00 00", 1009], // a message too big, by its header
  ];
  for (const [wire, code] of cases) assertEquals(readWire(hex(wire), RULES).failure, [code], wire);
  const fragments = hex(`02 00${" 00 00".repeat(10)}`);
  assertEquals(readWire(fragments, RULES).failure, [1008]);
});

test("The model reads the examples of RFC 7692 7.2.3", () => {
  const compression = { windowBits: 15, contextTakeover: true };
  const hello = { text: "Hello" };
  const cases: [string, unknown[]][] = [
    ["c1 07 f2 48 cd c9 c9 07 00", [hello]],
    ["41 03 f2 48 cd 80 04 c9 c9 07 00", [hello]],
    ["c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00", [hello, hello]],
    ["c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00", [hello]],
    ["c1 08 f3 48 cd c9 c9 07 00 00", [hello]],
    ["c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00", [hello]],
    ["c1 01 00", [{ text: "" }]],
  ];
  for (const [wire, events] of cases) {
    const outcome = readWire(hex(wire), { ...RULES, compression });
    assertEquals(outcome, { events, failure: undefined } as typeof outcome, wire);
  }
});

test("The model knows where UTF-8 is cut short and where it cannot go on (RFC 3629)", () => {
  assertEquals(readUtf8([0xf0, 0x9f, 0x98, 0x80]), { text: "😀" });
  for (const bytes of [[0xf0, 0x9f], [0xe0, 0xa0], [0x61, 0xc3]]) {
    assertEquals(readUtf8(bytes), "incomplete");
  }
  for (const bytes of [[0x80], [0xc0], [0xe0, 0x9f], [0xed, 0xa0], [0xf4, 0x90], [0xf5]]) {
    assertEquals(readUtf8(bytes), "invalid");
  }
});

test("The model's window ends where it is agreed to (RFC 7692 7.1.2.1)", () => {
  // A fixed block: a match of 3 bytes, 257 back.
  const match = hex("02 06 00 00");
  const history = new Array<number>(300).fill(65);
  const options = { maxLength: 100 };
  assertEquals(modelInflate(match, history, { ...options, windowBits: 9 }).status, "ok");
  assertEquals(modelInflate(match, history, { ...options, windowBits: 8 }).status, "corrupt");
  assertEquals(modelInflate(match, [65], { ...options, windowBits: 9 }).status, "corrupt");
});

test("The model reads the chunked coding (RFC 9112 7.1)", () => {
  const cases: [string, string, ReturnType<typeof readChunked>["status"]][] = [
    ["5\r\nHello\r\n0\r\n\r\n", "Hello", "done"],
    ["2\r\nHe\r\n3;a=b\r\nllo\r\n0 \t;c\r\nX: y\r\n\r\nmore", "Hello", "done"],
    ["5\r\nHe", "He", "incomplete"],
    ["5\r\nHello\r", "Hello", "incomplete"],
    ["5\r\nHello\r\n0\r\nX: y", "Hello", "incomplete"],
    ["", "", "incomplete"],
    ["5\nHello", "", "broken"],
    ["0x5\r\nHello", "", "broken"],
    ["\r", "", "broken"],
    ["4\r\nHello\r\n", "Hell", "broken"],
    ["5\r\nHello\r\n0\r\nX: y\n\r\n", "Hello", "broken"],
    ["1000000000000", "", "broken"],
    [`1;${"x".repeat(16_384)}`, "", "unsure"],
    [`1;${"x".repeat(16_385)}`, "", "broken"],
  ];
  for (const [wire, content, status] of cases) {
    const read = readChunked(bytes(wire));
    assertEquals(
      [String.fromCharCode(...read.content), read.status],
      [content, status],
      wire.slice(0, 40),
    );
    if (status === "done") assertEquals(read.end, wire.length - (wire.endsWith("more") ? 4 : 0));
  }
});

test("The model judges the response of RFC 6455 1.3, and what it may not be changed to", () => {
  const parameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const request = {
    key: "dGhlIHNhbXBsZSBub25jZQ==",
    subprotocols: ["chat", "superchat"],
    requireSubprotocol: false,
    offered: parameters,
  };
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol: chat",
  ];
  const judged = (...changed: string[]) =>
    judgeResponse(`${changed.join("\r\n")}\r\n\r\n`, request);
  const agreement = { protocol: "chat", extensions: "", parameters: undefined };
  assertEquals<unknown>(judged(...lines), agreement);
  assertEquals<unknown>(judged(...lines.slice(0, 4)), { ...agreement, protocol: "" });
  const extensions = "permessage-deflate; client_no_context_takeover";
  assertEquals<unknown>(judged(...lines, `Sec-WebSocket-Extensions: ${extensions}`), {
    protocol: "chat",
    extensions,
    parameters: { ...parameters, clientNoContextTakeover: true },
  });

  // Each line is needed but the last, each may be there once, and its value counts.
  for (let at = 0; at < lines.length; at++) {
    const without = judged(...lines.toSpliced(at, 1));
    if (at < 4) assertEquals(typeof without, "string", `without ${lines[at]}`);
    const changed = judged(...lines.toSpliced(at, 1, `${lines[at]}x`));
    if (at > 0) assertEquals(typeof changed, "string", `${lines[at]}x`);
    if (lines[at]!.startsWith("Connection")) continue;
    assertEquals(typeof judged(...lines.toSpliced(at, 0, lines[at]!)), "string", "twice");
  }
  for (
    const value of [
      "permessage-foo",
      "permessage-deflate, permessage-deflate",
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; unknown",
      "permessage-deflate;",
    ]
  ) {
    assertEquals(typeof judged(...lines, `Sec-WebSocket-Extensions: ${value}`), "string", value);
  }
});
