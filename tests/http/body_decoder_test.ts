import { assertEquals } from "@std/assert";
import { type BodyFraming, createBodyDecoder } from "../../src/http/body_decoder.ts";
import { chunkings, test } from "../harness.ts";

/** What a decoder makes of a body and of what follows it, and whether it knows the end. */
function decode(framing: BodyFraming, pieces: readonly Uint8Array[]): [string, boolean] {
  const decoder = createBodyDecoder(framing);
  let content = "";
  for (const piece of pieces) {
    content += new TextDecoder().decode(piece.subarray(0, decoder.decode(piece)));
  }
  assertEquals(decoder.violation, undefined);
  return [content, decoder.done];
}

test("createBodyDecoder reads what each framing delimits, cut anywhere (RFC 9112 6)", () => {
  const cases: [BodyFraming, string, content: string, done: boolean][] = [
    [0, "next", "", true],
    [5, "hello, next", "hello", true],
    [9, "hello", "hello", false],
    [Infinity, "hello", "hello", false],
    ["chunked", "5\r\nhello\r\n0\r\n\r\nnext", "hello", true],
    ["chunked", "5\r\nhello\r\n", "hello", false],
  ];
  for (const [framing, bytes, content, done] of cases) {
    for (const pieces of chunkings(new TextEncoder().encode(bytes))) {
      assertEquals(decode(framing, pieces), [content, done], `${framing}: ${bytes}`);
    }
  }
});

test("createBodyDecoder tells what is wrong with the chunked coding (RFC 9112 7.1)", () => {
  const decoder = createBodyDecoder("chunked");
  assertEquals(decoder.decode(new TextEncoder().encode("x\r\n")), 0);
  assertEquals([decoder.violation, decoder.done], ["A chunk has no size", false]);
});
