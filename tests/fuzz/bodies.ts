/**
 * Bodies of HTTP messages, cut anywhere, against a model that reads a whole one: the decoder, the
 * body of a request that is read and cancelled at any time, and the body of a response.
 */

import { assert, assertEquals } from "@std/assert";
import { ResponseBody } from "../../src/client/response_body.ts";
import { type BodyFraming, createBodyDecoder } from "../../src/http/body_decoder.ts";
import { RequestBody } from "../../src/server/request_body.ts";
import { concat } from "../protocol/frames.ts";
import { assertSameBytes, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import { type ModelBody, readChunked } from "./model_chunked.ts";
import { Random } from "./random.ts";

const LENGTHS = [0, 1, 20, 300];
const LIMITS = [65_536, 100, 1, 0];

/** A body in the chunked coding, right for the most part. */
function randomBody(random: Random): Uint8Array {
  const parts: (string | Uint8Array)[] = [];
  const faulty = random.chance(2);
  // The limit on what is ignored is reached by some.
  const large = random.chance(20);
  const end = () => faulty && random.chance(20) ? random.pick(["\n", "\r", "", "\r\r\n"]) : "\r\n";
  const ignored = () =>
    large ? ";" + "x".repeat(random.below(9_000)) : random.pick([
      () => "",
      () => "",
      () => random.pick([" ", " \t", "\t ;", "; a=b", ';"\xe9"; ;', ' ;a="b;\\""']),
      () => ";" + "x".repeat(random.below(40)),
    ])();
  const sizeLine = (size: number) => {
    const digits = size.toString(16);
    const cased = random.chance(2) ? digits.toUpperCase() : digits;
    const zeros = "0".repeat(random.chance(8) ? random.below(faulty ? 14 : 10) : 0);
    parts.push(faulty && random.chance(20) ? random.pick(["", "-", "0x", "g"]) : "");
    parts.push(zeros + cased, ignored(), end());
  };
  for (let count = random.below(5); count > 0; count--) {
    const size = Math.max(1, random.length(random.chance(20) ? 5_000 : 300));
    sizeLine(size);
    parts.push(random.data(size), end());
  }
  sizeLine(0);
  while (random.chance(4)) {
    parts.push(random.pick(["A: b", "\t", "Content-Length: 5", "x".repeat(200)]), end());
  }
  parts.push(end(), random.pick(["", "", "\r\n", "GET / HTTP/1.1\r\n"]));
  const latin1 = (part: string) => Uint8Array.from(part, (character) => character.charCodeAt(0));
  return concat(...parts.map((part) => typeof part === "string" ? latin1(part) : part));
}

/** What is expected of a body of a known length. */
function readLength(bytes: Uint8Array, length: number): ModelBody {
  const content = Array.from(bytes.subarray(0, length));
  return { content, status: content.length === length ? "done" : "incomplete", end: length };
}

/** The decoder by itself: nothing of what follows the body is taken. */
function checkDecoder(pieces: Iterable<Uint8Array>, framing: BodyFraming, expected: ModelBody) {
  const decoder = createBodyDecoder(framing);
  const content: number[] = [];
  let fed = 0;
  for (const piece of pieces) {
    const before = piece.slice();
    const length = decoder.decode(piece);
    for (let at = 0; at < length; at++) content.push(piece[at]!);
    if (expected.status === "done") {
      const rest = Math.max(0, expected.end - fed);
      assertSameBytes(piece.subarray(rest), before.subarray(rest), "what follows the body");
    }
    fed += piece.length;
  }
  assertSameBytes(content, expected.content, "content");
  assertEquals(decoder.done, expected.status === "done", "done");
  assertEquals(decoder.violation !== undefined, expected.status === "broken", "violation");
}

/** The body of a request, which the application reads as it likes. */
async function checkRequestBody(
  pieces: Iterable<Uint8Array>,
  { framing, seed, expected }: { framing: BodyFraming; seed: number; expected: ModelBody },
): Promise<void> {
  const random = new Random(seed);
  const calls = { wanted: 0, satisfied: 0, unwanted: 0 };
  const body = new RequestBody(framing, {
    wanted: () => void calls.wanted++,
    satisfied: () => void calls.satisfied++,
    unwanted: () => void calls.unwanted++,
  });
  const reader = body.stream.getReader();
  const content: number[] = [];
  /** How reading has ended. */
  let end: "closed" | "failed" | undefined;
  let reading: Promise<void> | undefined;
  let cancelled = false;
  const read = (): void => {
    reading ??= reader.read().then(({ done, value }) => {
      reading = undefined;
      if (done) end = "closed";
      else for (const byte of value) content.push(byte);
    }, (error) => {
      assert(error instanceof TypeError && error === body.violation, "the reason");
      end = "failed";
    });
  };
  assertEquals(calls.wanted, 0, "nothing is wanted before the stream is read");
  for (const piece of pieces) {
    if (random.chance(2)) read();
    if (random.chance(3)) await Promise.resolve();
    if (random.chance(200) && !cancelled) {
      cancelled = true;
      const { over } = body;
      await reader.cancel().catch((error) => assertEquals(error, body.violation));
      assertEquals([calls.unwanted, body.over], [over ? 0 : 1, true], "what is cancelled");
    }
    const { satisfied } = calls;
    body.receive(piece);
    piece.fill(0xee);
    if (calls.satisfied > satisfied && reading === undefined) assertEquals(body.wanting, false);
  }
  if (cancelled) {
    await reading;
    assertSameBytes(content, expected.content.slice(0, content.length), "content until then");
    return;
  }
  assertEquals(body.over, expected.status === "done" || expected.status === "broken", "over");
  body.receiveEof();
  assertEquals(body.over, true, "over at the end");
  while (end === undefined) {
    read();
    await reading;
  }
  assertEquals(end, expected.status === "done" ? "closed" : "failed");
  // What waits in a stream is lost with an error; what was read is in order.
  if (end === "closed") assertSameBytes(content, expected.content, "content");
  else assertSameBytes(content, expected.content.slice(0, content.length), "content");
}

/** The body of a response, of which no more than a limit is kept. */
function checkResponseBody(
  pieces: Iterable<Uint8Array>,
  { framing, limit, expected }: { framing: BodyFraming; limit: number; expected: ModelBody },
): void {
  const [name, value] = framing === "chunked"
    ? ["Transfer-Encoding", "Chunked"]
    : ["content-length", String(framing)];
  const fields = [[name, value]] as [string, string][];
  const body = new ResponseBody({ status: 404, statusText: "", minorVersion: 1, fields }, limit);
  for (const piece of pieces) {
    body.receive(piece);
    piece.fill(0xee);
  }
  const enough = expected.content.length >= limit;
  assertEquals(body.done, enough || expected.status !== "incomplete", "done before the end");
  body.receiveEof();
  assertEquals(body.done, true, "done at the end");
  assertSameBytes(body.take(), expected.content.slice(0, limit), "content kept");
  // With the last byte that is wanted the rest is given up, whatever it is.
  if (!enough) {
    assertEquals(body.violation !== undefined, expected.status !== "done", "violation");
  } else if (expected.status === "done") {
    assertEquals(body.violation, undefined);
  }
}

/** Whoever reads bodies. */
export const bodyFuzzer: Fuzzer = {
  name: "bodies",

  generate(random) {
    const framing = random.chance(10) ? random.between(1, LENGTHS.length) : 0;
    const body = randomBody(random);
    return concat(
      [framing, random.pick([0, random.below(4)]), random.below(256), ...randomChunking(random)],
      random.chance(3) ? random.mutate(body) : body,
    );
  },

  async check(input) {
    const settings = new Settings(input);
    const framing = settings.pick(["chunked" as const, ...LENGTHS]);
    const limit = settings.pick(LIMITS);
    const seed = settings.byte();
    const chunking = new Chunking(settings);
    const bytes = settings.rest();
    const expected = framing === "chunked" ? readChunked(bytes) : readLength(bytes, framing);
    if (expected.status === "unsure") return;
    checkDecoder(chunking.cut(bytes), framing, expected);
    checkResponseBody(chunking.cut(bytes), { framing, limit, expected });
    // A request without content has no body at all.
    if (framing !== 0) await checkRequestBody(chunking.cut(bytes), { framing, seed, expected });
  },
};
