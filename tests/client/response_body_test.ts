import { assert, assertEquals } from "@std/assert";
import { ResponseBody } from "../../src/client/response_body.ts";
import type { ResponseHead } from "../../src/handshake/http1.ts";
import { chunkings, test } from "../harness.ts";

type Fields = ResponseHead["fields"];

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

function head(fields: Fields, status = 401): ResponseHead {
  return { status, statusText: "", minorVersion: 1, fields };
}

function read(body: ResponseBody): string {
  return new TextDecoder().decode(body.take());
}

interface Case {
  readonly name: string;
  readonly fields: Fields;
  readonly status?: number;
  /** What the server sends. */
  readonly sent: string;
  /** Whether it then ends its direction. */
  readonly ends?: boolean;
  readonly limit?: number;
  readonly body: string;
  readonly violation?: string;
}

const chunked = [["Transfer-Encoding", "chunked"]] as const;
const length = (value: string) => [["Content-Length", value]] as const;

const cases: readonly Case[] = [
  { name: "of a length", fields: length("5"), sent: "hello", body: "hello" },
  { name: "with bytes behind it", fields: length("5"), sent: "hello, world", body: "hello" },
  { name: "of no length", fields: length("0"), sent: "", body: "" },
  { name: "whose length appears twice", fields: length("5, 5"), sent: "hello", body: "hello" },
  {
    name: "in chunks, with an extension and a trailer",
    fields: chunked,
    sent: "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n",
    body: "hello",
  },
  {
    name: "in chunks, whatever its length is said to be (RFC 9112 6.3)",
    fields: [...chunked, ...length("1")],
    sent: "5\r\nhello\r\n0\r\n\r\n",
    body: "hello",
  },
  { name: "up to the end of the connection", fields: [], sent: "hello", ends: true, body: "hello" },
  {
    name: "in a coding not asked for, as it is",
    fields: [["Transfer-Encoding", "gzip, chunked"]],
    sent: "5\r\nhello",
    ends: true,
    body: "5\r\nhello",
  },
  { name: "of a 204, which has none", fields: [], status: 204, sent: "hello", body: "" },
  { name: "of a 304, which has none", fields: length("5"), status: 304, sent: "", body: "" },
  { name: "over the limit", fields: length("500"), sent: "hello", limit: 4, body: "hell" },
  { name: "at the limit", fields: length("5"), sent: "hello", limit: 5, body: "hello" },
  { name: "that is not wanted", fields: length("500"), sent: "", limit: 0, body: "" },
  {
    name: "in chunks over the limit",
    fields: chunked,
    sent: "3\r\nhel\r\nff\r\nlo",
    limit: 4,
    body: "hell",
  },
  { name: "without an end over the limit", fields: [], sent: "hello", limit: 4, body: "hell" },
  {
    name: "that ends early",
    fields: length("6"),
    sent: "hello",
    ends: true,
    body: "hello",
    violation: "The body of the response is incomplete",
  },
  {
    name: "whose chunks end early",
    fields: chunked,
    sent: "5\r\nhello\r\n",
    ends: true,
    body: "hello",
    violation: "The body of the response is incomplete",
  },
  {
    name: "whose chunks are malformed",
    fields: chunked,
    sent: "2\r\nhe\r\nx\r\n",
    body: "he",
    violation: "A chunk has no size",
  },
  ...["5, 6", "-1", "+5", "5.0", "0x5", "1e3", "9999999999999999", "five"].map((value) => ({
    name: `whose length is ${value}`,
    fields: length(value),
    sent: "",
    body: "",
    violation: "The Content-Length of the response is malformed",
  })),
];

for (const { name, fields, status, sent, ends, limit, body, violation } of cases) {
  test(`ResponseBody reads a body ${name}`, () => {
    for (const chunks of chunkings(new TextEncoder().encode(sent))) {
      const reader = new ResponseBody(head(fields, status), limit ?? NO_LIMIT);
      for (const chunk of chunks) reader.receive(chunk);
      assertEquals(reader.done, !ends, "done before the end");
      if (ends) reader.receiveEof();
      assert(reader.done);
      assertEquals(read(reader), body);
      assertEquals(reader.violation, violation);
    }
  });
}

test("ResponseBody keeps no chunk it was lent", () => {
  const reader = new ResponseBody(head([]), NO_LIMIT);
  const chunk = new TextEncoder().encode("hello");
  reader.receive(chunk);
  chunk.fill(0);
  reader.receiveEof();
  assertEquals(read(reader), "hello");
});

test("ResponseBody finds nothing wrong with an end behind the body", () => {
  const reader = new ResponseBody(head(length("5")), NO_LIMIT);
  reader.receive(new TextEncoder().encode("hello"));
  reader.receiveEof();
  assertEquals(reader.violation, undefined);
});
