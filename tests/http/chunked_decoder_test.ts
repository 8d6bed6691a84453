import { assert, assertEquals, assertFalse } from "@std/assert";
import { ChunkedDecoder } from "../../src/http/chunked_decoder.ts";
import { chunkings, test } from "../harness.ts";
import { http } from "../server/fakes.ts";

function decode(decoder: ChunkedDecoder, chunks: Iterable<Uint8Array>): string {
  let text = "";
  for (const chunk of chunks) {
    text += new TextDecoder().decode(chunk.subarray(0, decoder.decode(chunk)));
  }
  return text;
}

const GOOD: [name: string, body: string, content: string][] = [
  ["an empty body", "0\n\n", ""],
  ["one chunk", "5\nhello\n0\n\n", "hello"],
  ["several chunks", "2\nhe\n3\nllo\n0\n\n", "hello"],
  [
    "upper and lower case hexadecimal",
    "A\n0123456789\na\n0123456789\n0\n\n",
    "01234567890123456789",
  ],
  ["leading zeros", "0005\nhello\n000\n\n", "hello"],
  ["chunk extensions", "5;a=b\nhello\n0 \t; c\n\n", "hello"],
  ["blanks behind a size", "5 \nhello\n0\t \n\n", "hello"],
  ["trailer fields", "5\nhello\n0\nA: b\nC: d\n\n", "hello"],
];

for (const [name, body, content] of GOOD) {
  test(`ChunkedDecoder decodes ${name} however it is cut (RFC 9112 7.1)`, () => {
    for (const chunks of chunkings(http(body))) {
      const decoder = new ChunkedDecoder();
      assertEquals(decode(decoder, chunks), content);
      assert(decoder.done);
      assertEquals(decoder.violation, undefined);
    }
  });
}

const BAD: [name: string, body: string, violation: string][] = [
  ["a missing size", "\nhello\n0\n\n", "A chunk has no size"],
  ["a sign", "+5\r\nhello", "A chunk has no size"],
  ["a prefix", "0x5\r\nhello", "The size of a chunk is not hexadecimal"],
  ["a size that is not hexadecimal", "5g\r\nhello", "The size of a chunk is not hexadecimal"],
  ["a size of 13 digits", "1000000000000\r\n", "The size of a chunk is too large"],
  [
    "something else behind a size",
    "5 7\r\nhello",
    "The size of a chunk is followed by something else than an extension",
  ],
  ["a bare LF behind the size", "5\nhello\n", "The size of a chunk is not hexadecimal"],
  ["a bare LF in an extension", "5;a\nhello", "A line of the chunked coding ends without CR"],
  ["a bare CR", "5\rhello", "A line of the chunked coding does not end in CRLF"],
  [
    "a chunk longer than its size",
    "4\r\nhello",
    "A line of the chunked coding does not end in CRLF",
  ],
  ["a bare LF in the trailer", "0\r\nA: b\n\n", "A line of the chunked coding ends without CR"],
  ["endless extensions", "1;" + "x".repeat(20_000), "Chunk extensions and trailers are too large"],
  [
    "endless trailers",
    "0\r\n" + "A: b\r\n".repeat(5_000),
    "Chunk extensions and trailers are too large",
  ],
];

for (const [name, body, violation] of BAD) {
  test(`ChunkedDecoder refuses ${name} (RFC 9112 7.1)`, () => {
    const bytes = name === "a missing size" ? http(body) : new TextEncoder().encode(body);
    const ways = bytes.length > 100 ? [[bytes.slice()]] : chunkings(bytes);
    for (const chunks of ways) {
      const decoder = new ChunkedDecoder();
      decode(decoder, chunks);
      assertEquals(decoder.violation, violation);
      assertFalse(decoder.done);
    }
  });
}

test("ChunkedDecoder counts the extensions of all chunks together", () => {
  const decoder = new ChunkedDecoder();
  const chunk = http("1;" + "x".repeat(1000) + "\na\n");
  for (let i = 0; i < 16; i++) decode(decoder, [chunk.slice()]);
  assertEquals(decoder.violation, undefined);
  decode(decoder, [chunk.slice()]);
  assertEquals(decoder.violation, "Chunk extensions and trailers are too large");
});

test("ChunkedDecoder leaves alone what follows the body", () => {
  const decoder = new ChunkedDecoder();
  const chunk = http("1\na\n0\n\nGET /");
  assertEquals(decoder.decode(chunk), 1);
  assertEquals(new TextDecoder().decode(chunk.subarray(-5)), "GET /");
  assertEquals(decoder.decode(http("1\nb\n0\n\n")), 0);
});
