import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import type { BodyFraming } from "../../src/http/body_decoder.ts";
import { RequestBody } from "../../src/server/request_body.ts";
import { test } from "../harness.ts";
import { http, settle } from "./fakes.ts";

class Flow {
  readonly calls: string[] = [];
  wanted = () => void this.calls.push("wanted");
  satisfied = () => void this.calls.push("satisfied");
  unwanted = () => void this.calls.push("unwanted");
}

function create(framing: BodyFraming): { body: RequestBody; flow: Flow } {
  const flow = new Flow();
  return { body: new RequestBody(framing, flow), flow };
}

test("RequestBody asks for nothing before it is read", async () => {
  const { body, flow } = create(5);
  await settle();
  assertEquals(flow.calls, []);
  assertFalse(body.wanting);
});

test("RequestBody asks for bytes while a read is pending, and no longer", async () => {
  const { body, flow } = create(5);
  const reader = body.stream.getReader();
  const first = reader.read();
  await settle();
  assert(body.wanting);
  body.receive(http("he"));
  assertEquals((await first).value, http("he"));
  await settle();
  assertEquals(flow.calls, ["wanted", "satisfied"]);
  assertFalse(body.wanting);
  const second = reader.read();
  await settle();
  assertEquals(flow.calls, ["wanted", "satisfied", "wanted"]);
  body.receive(http("llo"));
  assertEquals((await second).value, http("llo"));
  assert((await reader.read()).done);
  assert(body.over);
});

test("RequestBody goes on asking where two reads are pending", async () => {
  const { body, flow } = create("chunked");
  const reader = body.stream.getReader();
  const reads = [reader.read(), reader.read()];
  await settle();
  body.receive(http("1\na\n"));
  await settle();
  assert(body.wanting);
  assertEquals(flow.calls.at(-1), "wanted");
  body.receive(http("1\nb\n"));
  const values = (await Promise.all(reads)).map(({ value }) => new TextDecoder().decode(value));
  assertEquals(values, ["a", "b"]);
});

test("RequestBody copies what it is lent", async () => {
  const { body } = create(2);
  const text = new Response(body.stream).text();
  const chunk = http("ab");
  body.receive(chunk);
  chunk.fill(0xee);
  assertEquals(await text, "ab");
});

test("RequestBody takes no more than the Content-Length", async () => {
  const { body } = create(5);
  const text = new Response(body.stream).text();
  body.receive(http("helloGET /"));
  body.receive(http("more"));
  assertEquals(await text, "hello");
});

test("RequestBody asks on after a chunk that holds none of the content", async () => {
  const { body, flow } = create("chunked");
  const text = new Response(body.stream).text();
  await settle();
  body.receive(http("5\n"));
  assertEquals(flow.calls, ["wanted"]);
  assert(body.wanting);
  body.receive(http("hello\n0\n\n"));
  assertEquals(await text, "hello");
});

test("RequestBody fails where the peer ends too early (RFC 9112 8)", async () => {
  for (const framing of [5, "chunked"] as const) {
    const { body } = create(framing);
    const text = new Response(body.stream).text();
    body.receiveEof();
    await assertRejects(() => text, TypeError, "The body of the request is incomplete");
    assertEquals(body.violation?.message, "The body of the request is incomplete");
    assert(body.over);
  }
});

test("RequestBody fails where the chunked coding is broken", async () => {
  const { body } = create("chunked");
  const text = new Response(body.stream).text();
  body.receive(http("x\n"));
  await assertRejects(() => text, TypeError, "A chunk has no size");
  assertEquals(body.violation?.message, "A chunk has no size");
});

test("RequestBody tells its reader why it was given up, and the first reason only", async () => {
  const { body } = create(5);
  const text = new Response(body.stream).text();
  body.fail(new RangeError("gone"));
  body.fail(new TypeError("later"));
  body.receiveEof();
  await assertRejects(() => text, RangeError, "gone");
  assertEquals(body.violation, undefined);
});

test("RequestBody stops asking once it is cancelled", async () => {
  const { body, flow } = create(5);
  await body.stream.cancel();
  assertEquals(flow.calls, ["unwanted"]);
  assert(body.over);
  body.receive(http("hello"));
  assertEquals(flow.calls, ["unwanted"]);
});

test("RequestBody asks nothing where a body is cancelled that has come whole", async () => {
  const { body, flow } = create(5);
  body.receive(http("hello"));
  const { calls } = flow;
  assertEquals([body.over, calls.length], [true, 1]);
  await body.stream.cancel();
  assertEquals(calls, ["satisfied"]);
});
