import { assertEquals } from "@std/assert";
import type { RequestHead } from "../../src/handshake/http1.ts";
import { interpretHead } from "../../src/server/incoming_request.ts";
import { test } from "../harness.ts";

type Field = readonly [string, string];

interface Variation {
  readonly method?: string;
  readonly target?: string;
  readonly minorVersion?: 0 | 1;
  readonly fields?: readonly Field[];
}

const HOST: Field = ["Host", "example.com"];

function headOf(
  { method = "GET", target = "/", minorVersion = 1, fields = [HOST] }: Variation,
): RequestHead {
  return { method, target, minorVersion, fields };
}

function interpret(variation: Variation, secure = false) {
  const result = interpretHead(headOf(variation), secure);
  if ("status" in result) throw new Error(`refused: ${result.status} ${result.message}`);
  return result;
}

const URLS: [name: string, variation: Variation, secure: boolean, url: string][] = [
  ["a path", { target: "/a/b?c=d" }, false, "http://example.com/a/b?c=d"],
  ["a path under TLS", { target: "/a" }, true, "https://example.com/a"],
  ["a port", { fields: [["host", "example.com:8080"]] }, false, "http://example.com:8080/"],
  ["an IPv6 host", { fields: [["HOST", "[::1]:80"]] }, false, "http://[::1]/"],
  [
    "a path that looks like a host",
    { target: "//evil.test/x" },
    false,
    "http://example.com//evil.test/x",
  ],
  ["an absolute target", { target: "http://example.com/a?b" }, false, "http://example.com/a?b"],
  [
    "an absolute target that names the default port",
    { target: "HTTP://EXAMPLE.com:80" },
    false,
    "http://example.com/",
  ],
  [
    "an absolute target with a query alone",
    { target: "http://example.com?a" },
    false,
    "http://example.com/?a",
  ],
  [
    "an absolute target that names the default port, under TLS",
    { target: "https://example.com:443/a" },
    true,
    "https://example.com/a",
  ],
  [
    "an absolute target with another one in its query",
    { target: "http://EXAMPLE.com:80/a?b=http://c/" },
    false,
    "http://example.com/a?b=http://c/",
  ],
  [
    "an absolute target from HTTP/1.0 without Host",
    { target: "http://example.com:8080/a?b", minorVersion: 0, fields: [] },
    false,
    "http://example.com:8080/a?b",
  ],
  ["HTTP/1.0 without Host", { minorVersion: 0, fields: [] }, false, "http://localhost/"],
];

for (const [name, variation, secure, url] of URLS) {
  test(`interpretHead makes a URL of ${name} (RFC 9112 3.3)`, () => {
    assertEquals(interpret(variation, secure).url, url);
  });
}

const REFUSED: [name: string, variation: Variation, status: number][] = [
  ["CONNECT", { method: "CONNECT", target: "/" }, 501],
  ["TRACE", { method: "TRACE" }, 501],
  ["an unknown method", { method: "BREW" }, 501],
  ["a method in lower case", { method: "get" }, 501],
  ["a missing Host (RFC 9112 3.2)", { fields: [] }, 400],
  ["an empty Host", { fields: [["Host", ""]] }, 400],
  ["a Host with userinfo", { fields: [["Host", "a@example.com"]] }, 400],
  ["a Host with a path", { fields: [["Host", "example.com/x"]] }, 400],
  ["a Host that is no host", { fields: [["Host", "exa mple"]] }, 400],
  ["a Host with a port out of range", { fields: [["Host", "example.com:99999"]] }, 400],
  ["the asterisk form (RFC 9112 3.2.4)", { method: "OPTIONS", target: "*" }, 501],
  ["the asterisk form of another method (RFC 9112 3.2.4)", { target: "*" }, 400],
  ["the asterisk form without a Host", { method: "OPTIONS", target: "*", fields: [] }, 400],
  ["another scheme", { target: "ftp://example.com/" }, 400],
  ["an absolute target for another host", { target: "http://other.test/" }, 400],
  [
    "an absolute target for another host, from HTTP/1.0",
    { target: "http://other.test/", minorVersion: 0 },
    400,
  ],
  ["an absolute target for another port", { target: "http://example.com:81/" }, 400],
  ["an absolute target for a longer host", { target: "http://example.com.evil.test/" }, 400],
  ["an absolute target that hides its host", { target: "http://example.com@evil.test/" }, 400],
  [
    "an absolute target that hides its host in a query",
    { target: "http://evil.test?http://example.com/" },
    400,
  ],
  ["an absolute target with userinfo", { target: "http://a:b@example.com/" }, 400],
  ["an absolute target that is no URL", { target: "http://[/" }, 400],
  ["a Content-Length that is no number", { fields: [HOST, ["Content-Length", "1x"]] }, 400],
  ["a negative Content-Length", { fields: [HOST, ["Content-Length", "-1"]] }, 400],
  ["an empty Content-Length", { fields: [HOST, ["Content-Length", ""]] }, 400],
  ["a list of Content-Lengths", { fields: [HOST, ["Content-Length", "5, 5"]] }, 400],
  [
    "two Content-Lengths",
    { fields: [HOST, ["Content-Length", "5"], ["Content-Length", "5"]] },
    400,
  ],
  [
    "a Content-Length beyond reckoning",
    { fields: [HOST, ["Content-Length", "9".repeat(20)]] },
    400,
  ],
  [
    "Content-Length and Transfer-Encoding together (RFC 9112 6.1)",
    { fields: [HOST, ["Content-Length", "5"], ["Transfer-Encoding", "chunked"]] },
    400,
  ],
  ["Transfer-Encoding in HTTP/1.0", {
    minorVersion: 0,
    fields: [HOST, ["Transfer-Encoding", "chunked"]],
  }, 400],
  ["another transfer coding", { fields: [HOST, ["Transfer-Encoding", "gzip, chunked"]] }, 501],
  [
    "identity as transfer coding (RFC 9112 6.3)",
    { fields: [HOST, ["Transfer-Encoding", "identity"]] },
    400,
  ],
  [
    "a transfer coding after chunked",
    { fields: [HOST, ["Transfer-Encoding", "chunked, gzip"]] },
    400,
  ],
  [
    "a transfer coding behind what is no space (RFC 9110 5.6.3)",
    { fields: [HOST, ["Transfer-Encoding", "\xa0chunked"]] },
    400,
  ],
  ["an empty transfer coding", { fields: [HOST, ["Transfer-Encoding", ""]] }, 400],
  [
    "two fields of transfer codings",
    { fields: [HOST, ["Transfer-Encoding", "gzip"], ["Transfer-Encoding", "Chunked"]] },
    501,
  ],
  [
    "two Transfer-Encodings",
    { fields: [HOST, ["Transfer-Encoding", "chunked"], ["Transfer-Encoding", "chunked"]] },
    501,
  ],
  ["an unknown expectation (RFC 9110 10.1.1)", { fields: [HOST, ["Expect", "tea"]] }, 417],
];

for (const [name, variation, status] of REFUSED) {
  test(`interpretHead refuses ${name}`, () => {
    const result = interpretHead(headOf(variation), false);
    assertEquals("status" in result ? result.status : undefined, status);
  });
}

const FRAMINGS: [fields: readonly Field[], framing: number | "chunked"][] = [
  [[], 0],
  [[["Content-Length", "0"]], 0],
  [[["Content-Length", "0123"]], 123],
  [[["Transfer-Encoding", "Chunked"]], "chunked"],
];

for (const [fields, framing] of FRAMINGS) {
  test(`interpretHead delimits a body by ${framing} for ${JSON.stringify(fields)}`, () => {
    assertEquals(interpret({ method: "POST", fields: [HOST, ...fields] }).framing, framing);
  });
}

test("interpretHead carries all fields, and joins cookies by semicolons (RFC 6265 4.2.1)", () => {
  const { headers: pairs } = interpret({
    fields: [HOST, ["Cookie", "a=1"], ["X-A", "1"], ["Upgrade", "websocket"], ["cookie", "b=2"], [
      "X-A",
      "2",
    ]],
  });
  const headers = new Headers(pairs);
  assertEquals([...headers].sort(), [
    ["cookie", "a=1; b=2"],
    ["host", "example.com"],
    ["upgrade", "websocket"],
    ["x-a", "1, 2"],
  ]);
});

test("interpretHead heeds 100-continue from HTTP/1.1 only (RFC 9110 10.1.1)", () => {
  const fields: Field[] = [HOST, ["Expect", "100-Continue"], ["Content-Length", "1"]];
  assertEquals(interpret({ method: "POST", fields }).expectsContinue, true);
  assertEquals(interpret({ method: "POST", fields, minorVersion: 0 }).expectsContinue, false);
  assertEquals(interpret({}).expectsContinue, false);
});
