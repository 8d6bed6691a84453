import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  badHead,
  type HeadField,
  HeadReader,
  type HeadViolation,
} from "../../src/handshake/head_reader.ts";
import { encodeLatin1 } from "../../src/handshake/latin1.ts";
import { chunkings, test } from "../harness.ts";
import { countWork, watched } from "./work_counter.ts";

/** A head whose start line may be anything but "bad", and that may not end in a field named Bad. */
class AnyHeadReader extends HeadReader {
  startLine: string | undefined;
  fields: readonly HeadField[] | undefined;

  protected override get startLineTooLongStatus(): number {
    return 499;
  }

  protected override readStartLine(line: string): HeadViolation | undefined {
    this.startLine = line;
    return line === "bad" ? badHead("bad start") : undefined;
  }

  protected override finish(fields: readonly HeadField[]): HeadViolation | undefined {
    this.fields = fields;
    return fields.at(-1)?.[0] === "Bad" ? badHead("bad end") : undefined;
  }
}

/** Feeds chunks until the reader has enough; returns how many bytes it took, -1 for not enough. */
function feed(reader: HeadReader, chunks: Iterable<Uint8Array>): number {
  let total = 0;
  for (const chunk of chunks) {
    const taken = reader.receive(chunk);
    if (taken !== -1) return total + taken;
    total += chunk.length;
  }
  return -1;
}

/** A reader that has read `text`, in one piece. */
function read(text: string, limits = {}, leadingEmptyLines = 0): AnyHeadReader {
  const reader = new AnyHeadReader(limits, leadingEmptyLines);
  reader.receive(encodeLatin1(text));
  return reader;
}

test("HeadReader reads fields however the head is cut, and takes no byte behind it (RFC 9112 2.1)", () => {
  const head =
    "start line\r\nA: 1\r\nb:2\r\nC:\t a  b\t \r\nD:\r\nA: \xe9\xff\x80\r\ne:f:g\r\n\r\n";
  const bytes = encodeLatin1(`${head}\x81\x00frames`);
  for (const chunks of chunkings(bytes)) {
    const reader = new AnyHeadReader({}, 0);
    assertEquals(feed(reader, chunks), head.length);
    assertEquals(reader.violation, undefined);
    assertEquals(reader.startLine, "start line");
    assertEquals(reader.fields, [
      ["A", "1"],
      ["b", "2"],
      ["C", "a  b"],
      ["D", ""],
      ["A", "\xe9\xff\x80"],
      ["e", "f:g"],
    ]);
    assertEquals(reader.receive(Uint8Array.of(1)), 0, "takes nothing after the head");
  }
});

test("HeadReader keeps names of Object.prototype as mere names (RFC 9110 5.1)", () => {
  const reader = read("x\r\n__proto__: 1\r\nconstructor: 2\r\n\r\n");
  assertEquals(reader.fields, [["__proto__", "1"], ["constructor", "2"]]);
});

test("HeadReader wants more until the empty line (RFC 9112 2.1)", () => {
  const head = encodeLatin1("start\r\nA: 1\r\n\r\n");
  for (let end = 0; end < head.length; end++) {
    const reader = new AnyHeadReader({}, 0);
    assertEquals(reader.receive(head.subarray(0, end)), -1);
    assertEquals(reader.fields, undefined);
    assertEquals(reader.violation, undefined);
  }
});

test("HeadReader passes over as many empty lines before the head as allowed (RFC 9112 2.2)", () => {
  assertEquals(read("\r\n\r\nstart\r\n\r\n", {}, 2).startLine, "start");
  assertEquals(read("\r\n\r\n\r\nstart\r\n\r\n", {}, 2).startLine, "");
  assertEquals(read("\r\nstart\r\n\r\n").startLine, "");
});

test("HeadReader refuses what has let requests be smuggled, however cut (RFC 9112 2.2, 5)", () => {
  const cases: [head: string, message: RegExp][] = [
    ["start\n", /LF without CR/],
    ["start\r\nA: 1\n", /LF without CR/],
    ["\n", /LF without CR/],
    ["start\r\nA: 1\r\n\n", /LF without CR/],
    ["start\rA", /CR is not followed/],
    ["start\r\nA: 1\r\r", /CR is not followed/],
    ["start\r\nA: 1\r\n\rA", /CR is not followed/],
    ["start\0", /control character/],
    ["\x15", /begins like TLS/],
    ["\x16", /begins like TLS/],
    ["\x17", /control character/],
    ["s\x16", /control character/],
    ["start\r\nA\x01", /control character/],
    ["start\r\nA: \x7f", /control character/],
    ["start\r\nA: 1\x1b", /control character/],
    ["start\r\nA: 1\x0b", /control character/],
    ["start\r\nA: 1\r\n B: 2\r\n", /folded/],
    ["start\r\nA: 1\r\n\tB\r\n", /folded/],
    ["start\r\n A: 1\r\n", /folded/],
    ["start\r\n \r\n", /folded/],
    ["start\r\nA : 1\r\n", /not a token/],
    ["start\r\nA\t: 1\r\n", /not a token/],
    ["start\r\n: 1\r\n", /not a token/],
    ["start\r\nA B: 1\r\n", /not a token/],
    ["start\r\n\xe9: 1\r\n", /not a token/],
    ["start\r\nA(b): 1\r\n", /not a token/],
    ["start\r\nA\r\n", /no colon/],
    ["bad\r\n", /bad start/],
    ["start\r\nBad: 1\r\n\r\n", /bad end/],
  ];
  for (const [head, message] of cases) {
    for (const chunks of chunkings(encodeLatin1(`${head}rest`))) {
      const reader = new AnyHeadReader({}, 0);
      assertEquals(feed(reader, chunks), head.length, JSON.stringify(head));
      assertEquals(reader.violation?.status, 400);
      assertMatch(reader.violation!.message, message);
      assertEquals(reader.receive(encodeLatin1("\r\n\r\n")), 0, "takes nothing after a violation");
    }
  }
});

test("HeadReader takes a head as large as its limits, and none larger (RFC 9112 3, 9110 5.4)", () => {
  const limits = { maxHeadSize: 20, maxFields: 3, maxLineSize: 8 };
  const cases: [head: string, status: number | undefined][] = [
    ["12345678\r\nA: 45678\r\n\r\n", 431],
    ["123456\r\nA: 45678\r\n\r\n", undefined],
    ["1234567\r\nA: 45678\r\n\r\n", 431],
    ["12345678\r\n\r\n", undefined],
    ["123456789\r\n", 499],
    ["1\r\nA: 456789\r\n", 431],
    ["1\r\nA:\r\nB:\r\nC:\r\n\r\n", undefined],
    ["1\r\nA:\r\nB:\r\nC:\r\nD:\r\n", 431],
  ];
  for (const [head, status] of cases) {
    const reader = read(head, limits);
    assertEquals(reader.violation?.status, status, JSON.stringify(head));
    assertEquals(reader.fields === undefined, status !== undefined, JSON.stringify(head));
  }
  assertEquals(read("x".repeat(30), { maxHeadSize: 20 }).violation?.status, 499);
});

test("HeadReader has finite limits by default (RFC 9112 3)", () => {
  const line = (size: number) => `A: ${"a".repeat(size - 3)}\r\n`;
  assertEquals(read(`${"s".repeat(8_192)}\r\n\r\n`).violation, undefined);
  assertEquals(read("s".repeat(8_193)).violation?.status, 499);
  assertEquals(read(`s\r\n${line(8_192)}\r\n`).violation, undefined);
  assertEquals(read(`s\r\n${line(8_193)}`).violation?.status, 431);
  assertEquals(read(`s\r\n${line(8_000)}${line(8_375)}\r\n`).violation?.status, 431);
  assertEquals(read(`s\r\n${"a:\r\n".repeat(100)}\r\n`).violation, undefined);
  assertEquals(read(`s\r\n${"a:\r\n".repeat(2_000)}`).violation?.status, 431);
  assertEquals(read(`s\r\n${"a:aaaaaaaaaaaa\r\n".repeat(99)}${line(8_192)}`).violation, undefined);
});

test("HeadReader looks at each byte a bounded number of times, however cut (RFC 9112 2.2)", () => {
  const limits = { maxHeadSize: 1e6, maxFields: 1e6, maxLineSize: 1e6 };
  const heads = {
    "one field": `s\r\na: ${"b".repeat(65_536)}\r\n\r\n`,
    "small fields": `s\r\n${"a: b\r\n".repeat(10_000)}\r\n`,
    "spaces": `s\r\na:${" ".repeat(65_536)}\r\n\r\n`,
    "no end": "s".repeat(65_536),
  };
  for (const [kind, head] of Object.entries(heads)) {
    for (const size of [1, 7, head.length]) {
      let looks = 0;
      const bytes = encodeLatin1(head);
      const steps = countWork((add) => {
        const reader = new AnyHeadReader(limits, 0);
        for (let at = 0; at < bytes.length; at += size) {
          reader.receive(watched(bytes.subarray(at, at + size), (steps) => {
            looks += steps;
            add(steps);
          }));
        }
      });
      assert(looks <= 2 * bytes.length, "each byte of a chunk is looked at twice at most");
      assert(steps < 8 * bytes.length, `${kind} in ${size}: ${steps / bytes.length}`);
    }
  }
});
