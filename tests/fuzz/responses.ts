/**
 * Responses as a server writes them, whatever their bodies are and whenever they fail: a model reads
 * them off the wire, and so does the client; one that failed must not look whole.
 */

import { assert, assertEquals } from "@std/assert";
import { ResponseBody } from "../../src/client/response_body.ts";
import { ResponseHeadReader } from "../../src/handshake/http1.ts";
import { writeResponse } from "../../src/server/response_writer.ts";
import { assertSameBytes, Chunking, type Fuzzer, randomChunking, Settings } from "./fuzzer.ts";
import { judge } from "./heads.ts";
import { readChunked } from "./model_chunked.ts";
import { HEAD_LIMITS } from "./model_handshake.ts";
import { Random } from "./random.ts";

const METHODS = ["GET", "POST", "HEAD"];
const STATUSES = [200, 404, 426, 500, 204, 304];
/** What the application says of the length: nothing, the truth, less or more. */
const LENGTHS = ["none", "true", "less", "more"] as const;
const ENDS = ["closes", "closes", "closes", "fails", "aborted", "refused", "stalls"] as const;

/** One response, as an input describes it. */
interface Plan {
  readonly method: string;
  readonly minorVersion: 0 | 1;
  readonly status: number;
  /** Whether it has a body. */
  readonly hasBody: boolean;
  readonly length: typeof LENGTHS[number];
  /** How the body ends, or its writing; one that stalls is aborted. */
  readonly end: typeof ENDS[number];
  /** When writing ends, for "aborted" and "refused": at which write. */
  readonly last: number;
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
}

function readPlan(settings: Settings): { plan: Plan; chunking: Chunking } {
  const method = settings.pick(METHODS);
  const minorVersion = settings.pick([1, 0] as const);
  const status = settings.pick(STATUSES);
  const length = settings.pick(LENGTHS);
  const end = settings.pick(ENDS);
  const last = settings.byte() % 8;
  const hasBody = settings.byte() % 8 !== 1 && status !== 204 && status !== 304;
  const chunking = new Chunking(settings);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  while (hasBody && settings.more) {
    const size = settings.byte() << 16 & 0x1_0000 | settings.word();
    chunks.push(new Random(settings.byte()).bytes(size));
  }
  return { plan: { method, minorVersion, status, hasBody, length, end, last, chunks }, chunking };
}

/** A source of a body, which knows whether it was told that nobody wants more. */
function streamOf({ chunks, end }: Plan, onStall: () => void) {
  const source = { cancelled: false, ended: false };
  const waiting = [...chunks];
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = waiting.shift();
      if (chunk !== undefined) return controller.enqueue(chunk);
      if (end === "stalls") return queueMicrotask(onStall);
      source.ended = true;
      if (end === "fails") controller.error(new RangeError("no more"));
      else controller.close();
    },
    cancel: () => void (source.cancelled = true),
  }, { highWaterMark: 0 });
  return { source, stream };
}

/** What was written, and whether writing succeeded. */
async function write(plan: Plan, announced: number | undefined) {
  const { method, minorVersion, status, hasBody } = plan;
  const controller = new AbortController();
  const { source, stream } = streamOf(plan, () => controller.abort(new RangeError("lost")));
  const headers = new Headers(
    announced === undefined ? {} : { "content-length": String(announced) },
  );
  const response = new Response(hasBody ? stream : null, { status, headers });
  const wire: number[] = [];
  let writes = 0;
  let error: unknown;
  await writeResponse(response, {
    method,
    minorVersion,
    signal: controller.signal,
    async write(chunk) {
      assert(chunk.length > 0 && chunk.length <= 65_536 + 20, `${chunk.length} bytes in one write`);
      if (writes++ === plan.last && plan.end === "refused") throw new RangeError("nobody listens");
      for (const byte of chunk) wire.push(byte);
      await Promise.resolve();
      if (writes > plan.last && plan.end === "aborted") controller.abort(new RangeError("lost"));
    },
  }).catch((reason) => {
    error = reason ?? new Error("no reason");
  });
  return { wire: Uint8Array.from(wire), source, error };
}

/** How a response's content is delimited (RFC 9112 section 6.3), and what comes of it. */
interface ModelResponse {
  readonly fields: readonly (readonly [string, string])[];
  readonly content: Uint8Array;
  /** Whether a client would take it for whole; "perhaps" where only the end of the connection tells. */
  readonly whole: boolean | "perhaps";
  readonly rest: number;
}

function readResponse(wire: Uint8Array, { method, status }: Plan): ModelResponse | undefined {
  let text = "";
  for (const byte of wire) text += String.fromCharCode(byte);
  const head = judge(text, "response", HEAD_LIMITS);
  if (head === "incomplete") return undefined;
  assert("start" in head && "statusText" in head.start, "the head is malformed");
  assertEquals([head.start.status, head.start.minorVersion], [status, 1]);
  const { fields } = head;
  const values = (name: string) => fields.filter(([field]) => field.toLowerCase() === name);
  const [coding, ...codings] = values("transfer-encoding").map(([, value]) => value);
  const [length, ...lengths] = values("content-length").map(([, value]) => value);
  assert(codings.length + lengths.length === 0, "a field twice");
  assert(coding === undefined || length === undefined, "two ways to find the end");
  const body = wire.subarray(head.end);
  if (method === "HEAD" || status === 204 || status === 304) {
    assert(coding === undefined, "a coding of nothing");
    return { fields, content: new Uint8Array(0), whole: true, rest: body.length };
  }
  if (coding !== undefined) {
    assertEquals(coding, "chunked");
    const { content, status, end } = readChunked(body);
    assert(status === "done" || status === "incomplete", status);
    const whole = status === "done";
    return {
      fields,
      content: Uint8Array.from(content),
      whole,
      rest: whole ? body.length - end : 0,
    };
  }
  if (length === undefined) return { fields, content: body, whole: "perhaps", rest: 0 };
  assert(/^\d+$/.test(length), length);
  const content = body.subarray(0, Number(length));
  const whole = content.length === Number(length);
  return { fields, content, whole, rest: body.length - content.length };
}

/** What our own client makes of the wire, cut into pieces. */
function checkClient(
  pieces: Iterable<Uint8Array>,
  { whole, content }: ModelResponse,
): void {
  const reader = new ResponseHeadReader(HEAD_LIMITS);
  let body: ResponseBody | undefined;
  for (let piece of pieces) {
    if (body === undefined) {
      const length = reader.receive(piece);
      if (length === -1) continue;
      body = new ResponseBody(reader.head!, 10_000_000);
      piece = piece.subarray(length);
    }
    body.receive(piece);
  }
  body!.receiveEof();
  assertEquals(body!.violation === undefined, whole !== false, "the client's judgement");
  assertSameBytes(body!.take(), content, "what the client reads");
}

/** Writing responses. */
export const responseFuzzer: Fuzzer = {
  name: "responses",

  generate(random) {
    const input = [random.pick([0, random.below(3)]), random.pick([0, 0, 1]), random.below(6)];
    if (random.chance(2)) input[2] = 0;
    input.push(random.below(4), random.below(ENDS.length), random.below(8), random.below(8));
    input.push(...randomChunking(random));
    for (let count = random.below(5); count > 0; count--) {
      const length = random.chance(12) ? random.between(65_530, 131_071) : random.length(300);
      input.push(length >> 16, length >> 8 & 0xff, length & 0xff, random.below(256));
    }
    return Uint8Array.from(input);
  },

  async check(input) {
    const { plan, chunking } = readPlan(new Settings(input));
    const total = plan.chunks.reduce((sum, { length }) => sum + length, 0);
    const announced = {
      none: undefined,
      true: total,
      less: Math.max(0, total - 1),
      more: total + 1,
    };
    const length = announced[plan.length];
    const { wire, source, error } = await write(plan, length);

    const bodiless = plan.method === "HEAD" || plan.status === 204 || plan.status === 304;
    const sends = plan.hasBody && !bodiless;
    const read = readResponse(wire, plan);
    if (plan.hasBody) {
      assert(source.ended || source.cancelled, "the source of the body waits forever");
    }
    if (read === undefined) {
      assert(
        error !== undefined && plan.end === "refused" && plan.last === 0,
        "no head is written",
      );
      return;
    }
    assertEquals(read.rest, 0, "bytes behind the response");
    const coding = read.fields.some(([name]) => name.toLowerCase() === "transfer-encoding");
    assert(!coding || plan.minorVersion === 1, "HTTP/1.0 has no chunked coding");
    const connection = read.fields.filter(([name]) => name.toLowerCase() === "connection");
    assertEquals(connection.map(([, value]) => value), ["close"]);
    const all = new Uint8Array(sends ? total : 0);
    if (sends) {
      let at = 0;
      for (const chunk of plan.chunks) {
        all.set(chunk, at);
        at += chunk.length;
      }
    }
    assertSameBytes(read.content, all.subarray(0, read.content.length), "the content");
    if (error === undefined) {
      assertSameBytes(read.content, all, "the whole content");
      assert(read.whole !== false, "what was written is not whole");
      assert(!sends || !["fails", "stalls"].includes(plan.end), "the failure is not told");
      assert(!sends || length === undefined || length === total, "the wrong length is not told");
    } else if (sends) {
      const tooLong = length !== undefined && length < total;
      const failed = plan.end !== "closes" || (length !== undefined && length !== total);
      assert(failed, `it fails for no reason: ${error}`);
      // With the length announced, or up to the end, nobody sees that there was to be more.
      if (plan.length === "none") assert(read.whole !== true, "what failed looks whole");
      else if (!tooLong && plan.length === "more") assertEquals(read.whole, false, "looks whole");
    }
    // The client sends no HEAD.
    if (plan.method !== "HEAD") checkClient(chunking.cut(wire), read);
  },
};
