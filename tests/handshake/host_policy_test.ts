import { assertEquals, assertThrows } from "@std/assert";
import { parseAuthority } from "../../src/handshake/authority.ts";
import { HostPolicy, matchesHostname } from "../../src/handshake/host_policy.ts";
import { test } from "../harness.ts";

function allows(policy: HostPolicy, host: string, secure = false): boolean {
  return policy.allows({ host: parseAuthority(host)!, secure });
}

test("HostPolicy allows the hosts that are listed (RFC 9110 7.4)", () => {
  const policy = new HostPolicy(["Example.com", "localhost:8000", "*.internal", "[::1]"]);
  const cases: [host: string, allowed: boolean][] = [
    ["example.com", true],
    ["EXAMPLE.COM:8080", true],
    ["localhost:8000", true],
    ["localhost", false],
    ["localhost:8001", false],
    ["a.internal:1", true],
    ["internal", false],
    ["[0::1]:9", true],
    ["evil.example", false],
  ];
  for (const [host, allowed] of cases) {
    assertEquals(allows(policy, host), allowed, host);
  }
  assertEquals(allows(new HostPolicy([]), "a"), false);
});

test("HostPolicy takes the port of the scheme where Host has none (RFC 9110 4.2)", () => {
  const cases: [entry: string, host: string, clear: boolean, secure: boolean][] = [
    ["a:443", "a", true, true], // In the clear, a proxy may have ended TLS.
    ["a:80", "a", true, false],
    ["a:8000", "a", false, false],
    ["a:443", "a:443", true, true],
    ["a:80", "a:443", false, false],
    ["a:443", "a:80", false, false],
    ["*.a:443", "b.a", true, true],
    ["*.a:443", "a", false, false],
  ];
  for (const [entry, host, clear, secure] of cases) {
    const policy = new HostPolicy([entry]);
    const allowed = [allows(policy, host), allows(policy, host, true)];
    assertEquals(allowed, [clear, secure], `${entry} ${host}`);
  }
});

test("HostPolicy refuses entries that are no hosts", () => {
  for (const entry of ["", "https://a", "a/b", "a:b"]) {
    assertThrows(() => new HostPolicy([entry]), TypeError, "allowedHosts");
  }
});

test("matchesHostname takes *. for any subdomain, not for the domain", () => {
  const cases: [hostname: string, pattern: string, matches: boolean][] = [
    ["a.example", "a.example", true],
    ["b.example", "a.example", false],
    ["a.b.example", "*.example", true],
    ["example", "*.example", false],
    [".example", "*.example", false],
    ["notexample", "*.example", false],
  ];
  for (const [hostname, pattern, matches] of cases) {
    assertEquals(matchesHostname(hostname, pattern), matches, `${hostname} ${pattern}`);
  }
});
