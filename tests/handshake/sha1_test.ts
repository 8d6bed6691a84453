import { assertEquals } from "@std/assert";
import { sha1 } from "../../src/handshake/sha1.ts";
import { randomSource, test } from "../harness.ts";

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

test("sha1 answers the samples of RFC 3174 7.3", () => {
  const samples: [string, number, string][] = [
    ["", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
    ["abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      1,
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    ],
    ["a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
    [
      "0123456701234567012345670123456701234567012345670123456701234567",
      10,
      "dea356a2cddd90c7a7ecedc5ebb563934f460452",
    ],
  ];
  for (const [text, count, digest] of samples) {
    assertEquals(toHex(sha1(new TextEncoder().encode(text.repeat(count)))), digest);
  }
});

test("sha1 equals WebCrypto's at every length around the blocks", async () => {
  const random = randomSource(0x5a1);
  for (let length = 0; length <= 260; length++) {
    const message = Uint8Array.from({ length }, () => random(256));
    const before = message.slice();
    const expected = new Uint8Array(await crypto.subtle.digest("SHA-1", message));
    assertEquals(sha1(message), expected, `length ${length}`);
    assertEquals(message, before);
  }
});
