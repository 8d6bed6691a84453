/**
 * The client's judgement of a response that is right, or that was right before it was changed in one
 * place, against a model that knows which changes matter.
 */

import { assert, assertEquals } from "@std/assert";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import { ClientHandshake } from "../../src/handshake/client.ts";
import { ResponseHeadReader } from "../../src/handshake/http1.ts";
import type { CompressionOptions } from "../../src/types.ts";
import { assertSame, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import {
  type HandshakeRequest,
  HEAD_LIMITS,
  judgeResponse,
  modelAccept,
  type ModelAgreement,
} from "./model_handshake.ts";
import { readOptions } from "./negotiation.ts";
import { Random } from "./random.ts";

const SUBPROTOCOLS = ["chat", "Chat", "chat.v2", "mqtt"];
const VALUES = [
  "",
  ",",
  "websocket",
  "Upgrade",
  "close",
  "chat",
  "mqtt",
  "0",
  "permessage-deflate",
];
const START_LINES = [
  "HTTP/1.0 101 Switching Protocols",
  "HTTP/1.9 101 Switching Protocols",
  "HTTP/2.0 101 Switching Protocols",
  "HTTP/1.1 101",
  "HTTP/1.1 101 ",
  "HTTP/1.1 100 Continue",
  "HTTP/1.1 200 OK",
  "HTTP/1.1  101 Switching Protocols",
  "http/1.1 101 Switching Protocols",
];

/** A request from the front of an input, with its compression as options. */
function readRequest(settings: Settings): HandshakeRequest & { compression: CompressionOptions } {
  const flags = settings.byte();
  const key = btoa(String.fromCharCode(...new Random(settings.byte()).bytes(16)));
  const compression = readOptions(settings);
  return {
    key,
    subprotocols: SUBPROTOCOLS.filter((_, i) => (flags & 4 << i) !== 0),
    requireSubprotocol: (flags & 2) !== 0,
    compression,
    offered: (flags & 1) === 0 ? undefined : compression as HandshakeRequest["offered"],
  };
}

/** A response in order, as lines without what ends them. */
function validResponse(random: Random, request: HandshakeRequest): string[] {
  const { key, subprotocols, requireSubprotocol, offered } = request;
  const anyCase = (text: string) =>
    random.pick([text, text, text.toLowerCase(), text.toUpperCase()]);
  const fields: [string, string][] = [
    ["Upgrade", anyCase("websocket")],
    ["Connection", random.pick(["Upgrade", "upgrade", "keep-alive, Upgrade", ",UPGRADE ,x"])],
    ["Sec-WebSocket-Accept", modelAccept(key)],
  ];
  if (subprotocols.length > 0 && (requireSubprotocol || random.chance(2))) {
    fields.push(["Sec-WebSocket-Protocol", random.pick(subprotocols)]);
  }
  if (offered !== undefined && !random.chance(4)) {
    fields.push(["Sec-WebSocket-Extensions", validExtension(random, offered)]);
  }
  while (random.chance(3)) {
    fields.push(
      random.pick<[string, string]>([
        ["Date", "Thu, 01 Jan 1970 00:00:00 GMT"],
        ["Connection", "close"],
        ["Sec-WebSocket-Version", "13"],
        ["X-Upgrade", "websocket"],
        ["Set-Cookie", "a=\xe9"],
      ]),
    );
  }
  const lines = fields.map(([name, value]) =>
    `${anyCase(name)}:${random.pick([" ", "", "\t"])}${value}${random.pick(["", "", " "])}`
  );
  for (let at = lines.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [lines[at], lines[other]] = [lines[other]!, lines[at]!];
  }
  return ["HTTP/1.1 101 Switching Protocols", ...lines];
}

/** An extension that answers an offer (RFC 7692 section 7.1). */
function validExtension(
  random: Random,
  offered: NonNullable<HandshakeRequest["offered"]>,
): string {
  const parts = ["permessage-deflate"];
  const bits = (most: number) => random.pick(["", '"']) + random.between(8, most);
  const closed = (text: string) => text.startsWith('"') ? `${text}"` : text;
  if (offered.serverNoContextTakeover || random.chance(3)) parts.push("server_no_context_takeover");
  if (random.chance(3)) parts.push("client_no_context_takeover");
  if (offered.serverMaxWindowBits < 15 || random.chance(3)) {
    parts.push(`server_max_window_bits=${closed(bits(offered.serverMaxWindowBits))}`);
  }
  if (random.chance(2)) {
    parts.push(`client_max_window_bits=${closed(bits(offered.clientMaxWindowBits))}`);
  }
  return parts.join(random.pick(["; ", ";", " ;\t"]));
}

/** Changes a response in one place: a line of it, one side of a line, or a byte. */
function change(random: Random, lines: string[]): string {
  // What there is most to say of is changed most.
  const extensions = lines.findIndex((line) => /^sec-websocket-extensions/i.test(line));
  const at = extensions !== -1 && random.chance(3) ? extensions : random.below(lines.length);
  const line = lines[at]!;
  const colon = line.indexOf(":");
  const name = line.slice(0, colon), value = line.slice(colon + 1);
  const withLines = (...changed: string[]) => join(lines.toSpliced(at, 1, ...changed));
  const text = join(lines);
  const place = random.below(text.length);
  const byte = String.fromCharCode(random.below(256));
  return random.pick([
    () => withLines(),
    () => withLines(line, line),
    () => withLines(line, lines[random.below(lines.length)]!),
    () => join([random.pick(START_LINES), ...lines.slice(1)]),
    () => withLines(`${name}: ${random.pick(VALUES)}`),
    () => withLines(line, `${name}: ${random.pick(VALUES)}`),
    () => withLines(`${name}:${value.toLowerCase()}`),
    () => withLines(`${name}:${value.toUpperCase()}`),
    () => withLines(`${name}:${value},${random.pick(["", " x", " websocket", value])}`),
    () => withLines(`${name}:"${value}"`),
    () => withLines(`${name}:${value}; ${random.pick(EXTRAS)}`),
    () => withLines(withoutPart(random, line)),
    () => withLines(line.replace(/\d+/, String(random.between(0, 20)))),
    () => withLines(`${name} :${value}`),
    () => withLines(` ${line}`),
    () => withLines(`${random.pick(NAMES)}:${value}`),
    () => text.slice(0, place) + text.slice(place + 1),
    () => text.slice(0, place) + byte + text.slice(place),
    () => text.slice(0, place) + byte + text.slice(place + 1),
    () => text.slice(0, place),
  ])();
}

/** Leaves out a parameter of an extension, where there are any. */
function withoutPart(random: Random, line: string): string {
  const parts = line.split(";");
  return parts.toSpliced(random.between(1, parts.length), 1).join(";");
}

const EXTRAS = [
  "x",
  "server_no_context_takeover",
  "client_no_context_takeover",
  "client_no_context_takeover=1",
  "server_max_window_bits=8",
  "server_max_window_bits=16",
  "client_max_window_bits",
  "client_max_window_bits=08",
  "client_max_window_bits=15",
];
const NAMES = ["Upgrade", "Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"];

function join(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("") + "\r\n";
}

/** The client's side of the opening handshake. */
export const handshakeFuzzer: Fuzzer = {
  name: "handshake",

  generate(random) {
    const input = [random.below(64), random.below(256), random.below(4)];
    input.push(random.pick([0, random.below(64)]), ...randomChunking(random));
    const request = readRequest(new Settings(Uint8Array.from(input)));
    const lines = validResponse(random, request);
    // Else there would be nothing to spoil.
    const judged = judgeResponse(join(lines), request);
    assert(typeof judged === "object", `the model refuses a response in order: ${judged}`);
    const text = random.chance(5) ? join(lines) : change(random, lines);
    return Uint8Array.from([...input, ...Array.from(text, (byte) => byte.charCodeAt(0))]);
  },

  check(input) {
    const settings = new Settings(input);
    const request = readRequest(settings);
    const chunking = new Chunking(settings);
    const bytes = settings.rest();
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    const expected = judgeResponse(text, request);
    const actual = receive(chunking.cut(bytes), request);
    if (typeof expected === "string") assertEquals(actual, "refused", expected);
    else assertSame(actual, expected);
  },
};

/** What the library makes of a response. */
function receive(
  pieces: Iterable<Uint8Array>,
  request: ReturnType<typeof readRequest>,
): ModelAgreement | "refused" {
  const { key, subprotocols, requireSubprotocol, compression, offered } = request;
  const handshake = new ClientHandshake(new URL("ws://host/"), {
    subprotocols,
    requireSubprotocol,
    compression: offered !== undefined && compression,
  }, key);
  const reader = new ResponseHeadReader(HEAD_LIMITS);
  for (const piece of pieces) {
    if (reader.receive(piece) !== -1) break;
  }
  const { head } = reader;
  if (head === undefined) return "refused";
  let agreement: ReturnType<ClientHandshake["check"]>;
  try {
    agreement = handshake.check(head);
  } catch (error) {
    assert(error instanceof WebSocketHandshakeError, String(error));
    return "refused";
  }
  const { protocol, extensions, compression: agreed } = agreement;
  return { protocol, extensions, parameters: agreed?.parameters };
}
