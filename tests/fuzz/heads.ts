/**
 * Heads of requests and responses, cut anywhere, against a model that looks at a whole head: of all the
 * rules that are broken, the one counts that is broken first.
 */

import { assertEquals } from "@std/assert";
import type { ResolvedHeadLimits } from "../../src/handshake/head_limits.ts";
import { RequestHeadReader, ResponseHeadReader } from "../../src/handshake/http1.ts";
import { assertSame, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import type { Random } from "./random.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What the model makes of a head. */
export type Judgement =
  | { readonly end: number; readonly status: number }
  | { readonly end: number; readonly start: Start; readonly fields: [string, string][] }
  | "incomplete";

/** A start line. */
export type Start =
  | { readonly method: string; readonly target: string; readonly minorVersion: number }
  | { readonly status: number; readonly statusText: string; readonly minorVersion: number };

/** Which kind of message a head begins. */
export type Kind = "request" | "response";

/** Judges a head; `text` has one character for each byte. */
export function judge(text: string, kind: Kind, limits: ResolvedHeadLimits): Judgement {
  const empty = kind === "request" ? leadingEmptyLines(text) : 0;
  const startLine = text.indexOf("\r\n", empty * 2);
  const tooLong = (at: number): number =>
    startLine !== -1 && at > startLine + 1 ? 431 : kind === "request" ? 414 : 431;

  /** The first byte that breaks a rule of bytes, and its status. */
  let wrong = { at: Infinity, status: 0 };
  const note = (at: number, status: number): void => {
    if (at < wrong.at) wrong = { at, status };
  };
  if (text.length > limits.maxHeadSize) note(limits.maxHeadSize, tooLong(limits.maxHeadSize));
  for (let at = 0, line = 0; at < text.length && at < wrong.at; at++) {
    const character = text[at]!;
    if (character === "\r") {
      if (at + 1 < text.length && text[at + 1] !== "\n") note(at + 1, 400);
    } else if (character === "\n") {
      if (text[at - 1] !== "\r") note(at, 400);
      line = at + 1;
    } else if ((character < " " && character !== "\t") || character === "\x7f") {
      note(at, 400);
    } else if (at - line === limits.maxLineSize) {
      note(at, tooLong(at));
    }
  }

  const fields: [string, string][] = [];
  let start: Start | undefined;
  let from = empty * 2;
  for (;;) {
    const until = text.indexOf("\r\n", from);
    const end = until + 2;
    // A line is judged with its LF.
    if (until === -1 || wrong.at < end) {
      return wrong.at === Infinity ? "incomplete" : { end: wrong.at + 1, status: wrong.status };
    }
    const line = text.slice(from, until);
    from = end;
    if (start === undefined) {
      const judged = kind === "request" ? judgeRequestLine(line) : judgeStatusLine(line);
      if (typeof judged === "number") return { end, status: judged };
      start = judged;
    } else if (line === "") {
      const hosts = fields.filter(([name]) => name.toLowerCase() === "host");
      if (kind === "request" && hosts.length > 1) return { end, status: 400 };
      return { end, start, fields };
    } else {
      const colon = line.indexOf(":");
      const name = line.slice(0, Math.max(colon, 0));
      if (/^[ \t]/.test(line)) return { end, status: 400 };
      if (fields.length === limits.maxFields) return { end, status: 431 };
      if (!TOKEN.test(name)) return { end, status: 400 };
      fields.push([name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")]);
    }
  }
}

/** RFC 9112 section 2.2: at most two are passed over. */
function leadingEmptyLines(text: string): number {
  return text.startsWith("\r\n\r\n") ? 2 : text.startsWith("\r\n") ? 1 : 0;
}

function judgeVersion(version: string): number {
  if (!/^HTTP\/\d\.\d$/.test(version)) return 400;
  return version.startsWith("HTTP/1.") ? Math.min(1, Number(version.slice(7))) : 505;
}

function judgeRequestLine(line: string): Start | number {
  const parts = line.split(" ");
  if (parts.length !== 3) return 400;
  const [method, target, version] = parts as [string, string, string];
  const minorVersion = judgeVersion(version);
  if (minorVersion > 1) return minorVersion;
  const visible = /^[\x21-\x7e]+$/.test(target) && !target.includes("#");
  // Some take a backslash for a slash, others do not; browsers send it in queries.
  const clear = !target.split("?", 1)[0]!.includes("\\");
  const form = target.startsWith("/") || judgeForm(method, target);
  return TOKEN.test(method) && visible && clear && form ? { method, target, minorVersion } : 400;
}

/** Whether a target that is no path is one that the method may have (RFC 9112 section 3.2). */
function judgeForm(method: string, target: string): boolean {
  if (target === "*") return method === "OPTIONS";
  const [, scheme, authority = ""] = /^(?:([^/?]*):\/\/)?([^/?]*)/.exec(target)!;
  if (authority === "" || authority.includes("@")) return false;
  if (method === "CONNECT") return authority === target && /.:\d+$/.test(target);
  return scheme !== undefined && /^[a-z][a-z0-9+.-]*$/i.test(scheme);
}

function judgeStatusLine(line: string): Start | number {
  const [version, status, ...reason] = line.split(" ") as [string, string?, ...string[]];
  const minorVersion = judgeVersion(version);
  if (minorVersion > 1) return minorVersion;
  if (status === undefined || !/^[1-5]\d\d$/.test(status)) return 400;
  return { status: Number(status), statusText: reason.join(" "), minorVersion };
}

const LIMITS: readonly ResolvedHeadLimits[] = [
  { maxHeadSize: 16_384, maxFields: 100, maxLineSize: 8_192 },
  { maxHeadSize: 16_384, maxFields: 3, maxLineSize: 60 },
  { maxHeadSize: 200, maxFields: 100, maxLineSize: 8_192 },
];

function randomHead(random: Random, kind: Kind): string {
  const target = random.pick([
    ...["/", "/chat?x=1", "*", "http://a/b", "a:80", "/a#b", "/é"],
    ...["http://u@a/", "http://?a", "a:b", "/\\a", "/a?\\", "http://a\\b/"],
  ]);
  const version = random.pick([
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/1.9",
    "HTTP/2.0",
  ]);
  const lines = [
    kind === "request"
      ? `${random.pick(["GET", "GET", "OPTIONS", "CONNECT", "P()ST"])} ${target} ${version}`
      : `${version} ${random.pick(["101", "200", "099", "600", "20"])} ${
        random.pick(["", "OK", "a b"])
      }`,
  ];
  for (let count = random.below(7); count > 0; count--) {
    const name = random.pick(["Host", "Upgrade", "Sec-WebSocket-Key", "X", "x-é", "a b", " Fold"]);
    const value = random.pick(["", "websocket", " spaced\t", "é", "x".repeat(random.below(100))]);
    lines.push(`${name}${random.pick([":", ": ", ":\t", ":  "])}${value}`);
  }
  const end = random.chance(20) ? "\n" : "\r\n";
  return "\r\n".repeat(random.chance(5) ? random.below(4) : 0) +
    lines.join(end) + (random.chance(8) ? end : end + end) + random.pick(["", "", "\x81\x00"]);
}

/** Both readers of heads. */
export const headFuzzer: Fuzzer = {
  name: "heads",

  generate(random) {
    const flags = random.below(2);
    const text = randomHead(random, flags === 0 ? "request" : "response");
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const head = random.chance(2) ? random.mutate(bytes) : bytes;
    return Uint8Array.from([flags, random.below(3), ...randomChunking(random), ...head]);
  },

  check(input) {
    const settings = new Settings(input);
    const kind = settings.byte() % 2 === 0 ? "request" : "response";
    const limits = settings.pick(LIMITS);
    const chunking = new Chunking(settings);
    const bytes = settings.rest();
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    const expected = judge(text, kind, limits);

    const reader = kind === "request"
      ? new RequestHeadReader(limits)
      : new ResponseHeadReader(limits);
    let consumed = 0;
    for (const chunk of chunking.cut(bytes)) {
      const length = reader.receive(chunk);
      chunk.fill(0xee);
      consumed += length === -1 ? chunk.length : length;
      if (length !== -1) break;
    }
    if (expected === "incomplete") {
      assertEquals([reader.head, reader.violation], [undefined, undefined]);
      return;
    }
    assertEquals(reader.violation?.status, "start" in expected ? undefined : expected.status);
    assertSame(
      reader.head,
      "start" in expected ? { ...expected.start, fields: expected.fields } : undefined,
    );
    assertEquals(consumed, expected.end, "bytes taken");
  },
};
