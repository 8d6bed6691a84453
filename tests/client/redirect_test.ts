import { assertEquals, assertThrows } from "@std/assert";
import {
  isSameOrigin,
  redirectLocation,
  resolveRedirect,
  withoutCredentials,
} from "../../src/client/redirect.ts";
import type { ResponseHead } from "../../src/handshake/http1.ts";
import { test } from "../harness.ts";

function head(status: number, ...locations: string[]): ResponseHead {
  const fields = locations.map((location) => ["Location", location] as const);
  return { status, statusText: "", minorVersion: 1, fields };
}

test("redirectLocation knows the redirects that name another place (RFC 9110 15.4)", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    assertEquals(redirectLocation(head(status, "/there")), "/there");
  }
  for (const status of [200, 201, 300, 304, 305, 306, 401]) {
    assertEquals(redirectLocation(head(status, "/there")), undefined);
  }
});

test("redirectLocation takes no redirect without exactly one Location", () => {
  assertEquals(redirectLocation(head(302)), undefined);
  assertEquals(redirectLocation(head(302, "/a", "/b")), undefined);
});

for (
  const [location, from, to] of [
    ["/there?x=1", "ws://a/here?y=2", "ws://a/there?x=1"],
    ["there", "ws://a/b/here", "ws://a/b/there"],
    ["//b:81/", "wss://a/", "wss://b:81/"],
    ["http://a/x", "ws://a/", "ws://a/x"],
    ["https://a/x", "wss://a/", "wss://a/x"],
    ["wss://a/x", "ws://a/", "wss://a/x"],
    ["/there#part", "ws://a/", "ws://a/there"],
    ["/there#", "ws://a/", "ws://a/there"],
    ["/there", "ws://me:secret@a/", "ws://me:secret@a/there"],
    ["ws://a/there", "ws://me:secret@a/", "ws://me:secret@a/there"],
    ["ws://you@a/there", "ws://a/", "ws://a/there"],
    ["ws://b/", "ws://me:secret@a/", "ws://b/"],
    ["ws://a:81/", "ws://me:secret@a/", "ws://a:81/"],
    ["wss://a/", "ws://me:secret@a/", "wss://a/"],
    ["ws://you@b/", "ws://me:secret@a/", "ws://b/"],
  ] as const
) {
  test(`resolveRedirect leads from ${from} by ${location} to ${to}`, () => {
    assertEquals(resolveRedirect(location, new URL(from)).href, to);
  });
}

for (
  const [location, from, message] of [
    ["ws://a/", "wss://a/", "from wss to ws"],
    ["http://a/", "wss://a/", "from wss to ws"],
    ["ftp://a/", "ws://a/", "scheme is not ws or wss"],
    ["javascript:0", "ws://a/", "scheme is not ws or wss"],
    ["ws://", "ws://a/", "not a URL"],
    ["http://[", "ws://a/", "not a URL"],
  ] as const
) {
  test(`resolveRedirect refuses to go from ${from} by ${location}`, () => {
    assertThrows(() => resolveRedirect(location, new URL(from)), TypeError, message);
  });
}

test("isSameOrigin compares scheme, host and port", () => {
  const url = new URL("ws://a/");
  assertEquals(isSameOrigin(new URL("ws://A:80/x?y"), url), true);
  for (const other of ["wss://a/", "ws://a:81/", "ws://b/", "ws://a.b/"]) {
    assertEquals(isSameOrigin(new URL(other), url), false);
  }
});

test("withoutCredentials leaves out what was meant for one origin, and changes no other object", () => {
  const given = new Headers({
    AUTHORIZATION: "Basic eA==",
    Cookie: "a=1",
    "Proxy-Authorization": "Basic eA==",
    "User-Agent": "test",
  });
  assertEquals([...withoutCredentials(given)], [["user-agent", "test"]]);
  assertEquals([...given].length, 4);
  assertEquals([...withoutCredentials(undefined)], []);
});
