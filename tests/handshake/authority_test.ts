import { assertEquals } from "@std/assert";
import {
  formatAuthority,
  formatOrigin,
  isSameAuthority,
  parseAuthority,
  parseOrigin,
  portUnder,
} from "../../src/handshake/authority.ts";
import { randomSource, test } from "../harness.ts";

test("parseAuthority reads and normalises a host and port (RFC 9110 7.2)", () => {
  const cases: [text: string, hostname: string, port?: number][] = [
    ["example.com", "example.com"],
    ["EXAMPLE.com:8080", "example.com", 8080],
    ["example.com:80", "example.com", 80],
    ["example.com:0443", "example.com", 443],
    ["example.com:", "example.com"],
    ["localhost", "localhost"],
    ["a_b.example", "a_b.example"],
    ["127.0.0.1:1", "127.0.0.1", 1],
    ["[::1]", "[::1]"],
    ["[0:0::0:1]:65535", "[::1]", 65535],
    ["[::FFFF:1.2.3.4]", "[::ffff:102:304]"],
    ["*.example.com", "*.example.com"],
  ];
  for (const [text, hostname, port] of cases) {
    assertEquals(parseAuthority(text), { hostname, port }, text);
  }
});

const MALFORMED_AUTHORITIES = [
  "",
  ":80",
  "a b",
  "a, b",
  " a",
  "a\n",
  "a:b",
  "a:65536",
  "a:999999",
  "a:-1",
  "a:80:80",
  "a/",
  "a?b",
  "a#b",
  "a\\b",
  "user@a",
  "user:password@a",
  "::1",
  "[::1",
  "[::1]a",
  "[]",
  "[a]",
  "[::1%25eth0]",
  "a[b]",
  "%",
  "%00",
  "a%2fb",
  "a<b",
  "256.256.256.256",
  "\0",
];

test("parseAuthority refuses what is malformed and never throws (RFC 9110 7.2)", () => {
  for (const text of MALFORMED_AUTHORITIES) assertEquals(parseAuthority(text), undefined, text);
});

test("parseOrigin reads and normalises an origin (RFC 6454 6.2)", () => {
  const cases = {
    "https://example.com": "https://example.com",
    "HTTPS://Example.COM": "https://example.com",
    "https://example.com:443": "https://example.com",
    "http://example.com:80": "http://example.com",
    "http://example.com:443": "http://example.com:443",
    "https://example.com:8443": "https://example.com:8443",
    "http://[0::1]:80": "http://[::1]",
    "chrome-extension://abcdef": "chrome-extension://abcdef",
    "app://example.com:443": "app://example.com:443",
    "file://": "file://",
  };
  for (const [text, written] of Object.entries(cases)) {
    const origin = parseOrigin(text);
    assertEquals(origin && formatOrigin(origin), written, text);
  }
});

test("parseOrigin refuses what is malformed and never throws (RFC 6454 7.1)", () => {
  const texts = [
    "",
    "null",
    "*",
    "example.com",
    "//example.com",
    "://example.com",
    "https:example.com",
    "https:/example.com",
    "https://",
    "https:///",
    "https://example.com/",
    "https://example.com https://other.example",
    "https://a.example, https://b.example",
    "1://a",
    "ht tp://a",
    "javascript:alert(1)",
    ...MALFORMED_AUTHORITIES.map((authority) => `https://${authority}`),
  ];
  for (const text of texts) assertEquals(parseOrigin(text), undefined, text);
});

test("isSameAuthority takes a default port as written or not (RFC 9110 4.2.3)", () => {
  const cases: [one: string, other: string, scheme: string, same: boolean][] = [
    ["a", "a", "http", true],
    ["a", "A:80", "http", true],
    ["a:443", "a", "https", true],
    ["a:80", "a", "wss", false],
    ["a", "a:443", "http", false],
    ["a:1", "a:2", "http", false],
    ["a", "b", "http", false],
    ["a", "a", "app", true],
    ["a", "a:80", "app", false],
  ];
  for (const [one, other, scheme, same] of cases) {
    const [left, right] = [parseAuthority(one)!, parseAuthority(other)!];
    assertEquals(isSameAuthority(left, right, scheme), same, `${one} ${other} ${scheme}`);
    assertEquals(isSameAuthority(right, left, scheme), same, `${other} ${one} ${scheme}`);
  }
});

test("portUnder knows the default ports, and no other scheme's (RFC 9110 4.2)", () => {
  const cases: [scheme: string, text: string, port: number | undefined][] = [
    ["http", "a", 80],
    ["https", "a", 443],
    ["https", "a:80", 80],
    ["app", "a", undefined],
    ["app", "a:0", 0],
  ];
  for (const [scheme, text, port] of cases) {
    assertEquals(portUnder(scheme, parseAuthority(text)!), port, `${scheme} ${text}`);
  }
});

test("formatAuthority writes the port where there is one (RFC 9110 7.2)", () => {
  assertEquals(formatAuthority({ hostname: "a", port: undefined }), "a");
  assertEquals(formatAuthority({ hostname: "[::1]", port: 0 }), "[::1]:0");
});

test("parseOrigin and parseAuthority read their own writing of random text (RFC 6454 6.2)", () => {
  const seed = 0x0416;
  const random = randomSource(seed);
  const pieces = [..."ab.:/@#?[]%* \0\u00e9\\", "://", "https", "80", "::1", "xn--", "%41", "0x7f"];
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: random(8) }, () => pieces[random(pieces.length)]).join("");
    const authority = parseAuthority(text);
    if (authority !== undefined) {
      assertEquals(parseAuthority(formatAuthority(authority)), authority, `seed ${seed}: ${text}`);
    }
    const origin = parseOrigin(`https://${text}`);
    if (origin !== undefined) {
      assertEquals(parseOrigin(formatOrigin(origin)), origin, `seed ${seed}: ${text}`);
    }
    parseOrigin(text);
  }
});

test("parseAuthority tells one text from the next, whatever came of the last", () => {
  for (
    const [text, expected] of [
      ["a.example:1", { hostname: "a.example", port: 1 }],
      ["a.example:1", { hostname: "a.example", port: 1 }],
      ["a b", undefined],
      ["a b", undefined],
      ["a.example:2", { hostname: "a.example", port: 2 }],
      ["", undefined],
      ["a.example:1", { hostname: "a.example", port: 1 }],
    ] as const
  ) assertEquals(parseAuthority(text), expected, text);
});
