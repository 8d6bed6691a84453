import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseAuthority } from "../../src/handshake/authority.ts";
import { OriginPolicy, type OriginPolicyOptions } from "../../src/handshake/origin_policy.ts";
import { test } from "../harness.ts";

/** Why the policy refuses `origin` for a request to `host`; `undefined` when it does not. */
function judge(
  origin: string,
  host: string,
  { secure = false, ...options }: OriginPolicyOptions & { secure?: boolean } = {},
): string | undefined {
  return new OriginPolicy(options).judge(origin, { host: parseAuthority(host)!, secure });
}

test("OriginPolicy allows the host that the request is for (RFC 6455 10.2)", () => {
  const cases: [origin: string, host: string][] = [
    ["http://example.com", "example.com"],
    ["https://example.com", "example.com"],
    ["https://EXAMPLE.com", "example.COM"],
    ["http://example.com", "example.com:80"],
    ["http://example.com:80", "example.com"],
    ["https://example.com", "example.com:443"],
    ["http://localhost:8000", "localhost:8000"],
    ["http://[::1]:8000", "[0:0::1]:8000"],
  ];
  for (const [origin, host] of cases) assertEquals(judge(origin, host), undefined, origin);
});

test("OriginPolicy refuses another host, and names both (RFC 6455 10.2)", () => {
  const cases: [origin: string, host: string][] = [
    ["http://evil.example", "example.com"],
    ["http://sub.example.com", "example.com"],
    ["http://example.com", "sub.example.com"],
    ["http://example.com.evil.example", "example.com"],
    ["http://example.com:8080", "example.com"],
    ["http://example.com", "example.com:8080"],
    ["http://example.com", "example.com:443"],
    ["https://example.com", "example.com:80"],
    ["http://127.0.0.1", "localhost"],
    ["app://example.com", "example.com"],
  ];
  for (const [origin, host] of cases) {
    assertEquals(
      judge(origin, host),
      `The origin "${origin}" is not allowed: the request is for "${host}"`,
    );
  }
});

test("OriginPolicy counts the scheme where TLS is known (RFC 6455 10.2)", () => {
  assertEquals(judge("https://example.com", "example.com", { secure: true }), undefined);
  assertEquals(
    judge("http://example.com", "example.com", { secure: true }),
    'The origin "http://example.com" is not allowed: the request is for "https://example.com"',
  );
});

test("OriginPolicy refuses what is malformed and never throws (RFC 6454 7.1)", () => {
  for (const origin of ["", "example.com", "https://", "https://a/b", "http://a, http://a"]) {
    assertEquals(judge(origin, "a"), "The Origin header is malformed", origin);
  }
});

test('OriginPolicy refuses "null" unless it is listed (RFC 6455 10.2)', () => {
  assertEquals(judge("null", "example.com"), 'The origin "null" is not allowed');
  assert(judge("null", "example.com", { allowedOrigins: ["https://a.example"] }) !== undefined);
  assert(judge("null", "example.com", { allowedOrigins: [/.*/] }) !== undefined);
  assertEquals(judge("null", "example.com", { allowedOrigins: ["null"] }), undefined);
});

test('OriginPolicy allows any with "*" (RFC 6455 10.2)', () => {
  for (const origin of ["https://a.example", "null", "app:///", ""]) {
    assertEquals(judge(origin, "example.com", { allowedOrigins: "*" }), undefined);
  }
});

test("OriginPolicy compares listed origins normalised (RFC 6454 5)", () => {
  const allowedOrigins = ["HTTPS://A.example:443", "http://b.example:8080", "app://c"];
  const cases: [origin: string, allowed: boolean][] = [
    ["https://a.example", true],
    ["https://a.example:443", true],
    ["http://a.example", false],
    ["https://a.example:8443", false],
    ["http://b.example:8080", true],
    ["http://b.example", false],
    ["app://c", true],
    ["http://example.com", true],
    ["https://x.a.example", false],
  ];
  for (const [origin, allowed] of cases) {
    assertEquals(judge(origin, "example.com", { allowedOrigins }) === undefined, allowed, origin);
  }
});

test("OriginPolicy takes *. for any subdomain, not for the domain (RFC 6455 10.2)", () => {
  const allowedOrigins = ["https://*.example.com"];
  const cases: [origin: string, allowed: boolean][] = [
    ["https://a.example.com", true],
    ["https://a.b.example.com", true],
    ["https://example.com", false],
    ["https://.example.com", false],
    ["https://evilexample.com", false],
    ["https://a.example.com.evil.example", false],
    ["http://a.example.com", false],
    ["https://a.example.com:8443", false],
  ];
  for (const [origin, allowed] of cases) {
    assertEquals(judge(origin, "other.example", { allowedOrigins }) === undefined, allowed, origin);
  }
});

test("OriginPolicy has a regular expression match whole origins (RFC 6455 10.2)", () => {
  const cases: [pattern: RegExp, origin: string, allowed: boolean][] = [
    [/https:\/\/a\.example/, "https://a.example", true],
    [/https:\/\/a\.example/, "https://a.example.evil.example", false],
    [/a\.example/, "https://a.example", false],
    [/https:\/\/a\.example|https:\/\/a\.example\.org/, "https://a.example.org", true],
    [/^https:\/\/[a-z]+\.example$/, "https://A.example:443", true],
    [/HTTPS:\/\/A\.EXAMPLE/i, "https://a.example", true],
    [/https:\/\/a\.example$|x/m, "https://a.example", true],
  ];
  for (const [pattern, origin, allowed] of cases) {
    const reason = judge(origin, "example.com", { allowedOrigins: [pattern] });
    assertEquals(reason === undefined, allowed, `${pattern} ${origin}`);
  }
});

test("OriginPolicy judges alike each time, whatever the flags of an expression", () => {
  for (const pattern of [/https:\/\/a\.example/g, /https:\/\/a\.example/y]) {
    const policy = new OriginPolicy({ allowedOrigins: [pattern] });
    const target = { host: parseAuthority("example.com")!, secure: false };
    for (let round = 0; round < 3; round++) {
      assertEquals(policy.judge("https://a.example", target), undefined);
    }
    assertEquals(pattern.lastIndex, 0);
  }
});

test("OriginPolicy compares with publicOrigin instead of the host (RFC 6455 10.2)", () => {
  const options = { publicOrigin: "https://Example.com:443" };
  assertEquals(judge("https://example.com", "10.0.0.1:8000", options), undefined);
  assertEquals(
    judge("http://10.0.0.1:8000", "10.0.0.1:8000", options),
    'The origin "http://10.0.0.1:8000" is not allowed: the request is for "https://example.com"',
  );
  assert(judge("http://example.com", "example.com", options) !== undefined);
});

test("OriginPolicy refuses options that are no origins", () => {
  for (const text of ["*", "example.com", "https://example.com/", "https://", ""]) {
    const inList = assertThrows(() => new OriginPolicy({ allowedOrigins: [text] }), TypeError);
    assertStringIncludes((inList as Error).message, "in allowedOrigins");
    const own = assertThrows(() => new OriginPolicy({ publicOrigin: text }), TypeError);
    assertStringIncludes((own as Error).message, "as publicOrigin");
  }
  assertThrows(() => new OriginPolicy({ publicOrigin: "null" }), TypeError);
});

test('OriginPolicy says of "*" in an array where it belongs', () => {
  for (const allowedOrigins of [["*"], ["https://a.example", "*"]]) {
    assertThrows(() => new OriginPolicy({ allowedOrigins }), TypeError, "in place of the array");
  }
});

test("OriginPolicy refuses an option with the scheme of a WebSocket, which no page has (RFC 6454 4)", () => {
  for (const [scheme, own] of [["ws", "http"], ["WSS", "https"]] as const) {
    const text = `${scheme}://example.com`;
    const message = `whose scheme is ${own}, not ${scheme.toLowerCase()}`;
    const options = [
      { allowedOrigins: ["https://a.example", text] },
      { allowedOrigins: [`${scheme}://*.example.com`] },
      { publicOrigin: text },
    ];
    for (const option of options) assertThrows(() => new OriginPolicy(option), TypeError, message);
  }
});

test("OriginPolicy refuses allowedOrigins that are no list of strings and patterns", () => {
  for (const origins of ["https://example.com", [new URL("https://example.com")], [null], 1]) {
    const allowedOrigins = origins as unknown as string[];
    assertThrows(() => new OriginPolicy({ allowedOrigins }), TypeError, "allowedOrigins must be");
  }
});
