import { assertEquals } from "@std/assert";
import { certifiedName, unbracketed } from "../../src/adapters/dial_target.ts";
import { test } from "../harness.ts";

const target = { hostname: "[::1]", port: 443, secure: true };

test("unbracketed takes the brackets from an IPv6 address and leaves all else alone", () => {
  const cases = [["[::1]", "::1"], ["::1", "::1"], ["localhost", "localhost"], ["", ""]] as const;
  for (const [hostname, expected] of cases) assertEquals(unbracketed(hostname), expected);
});

test("certifiedName is the serverName, or else the hostname", () => {
  assertEquals(certifiedName(target), "::1");
  assertEquals(certifiedName({ ...target, serverName: "example.com" }), "example.com");
  assertEquals(certifiedName({ ...target, serverName: "[::2]" }), "::2");
});
