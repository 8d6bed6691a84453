import { assertEquals, assertThrows } from "@std/assert";
import {
  createSocketPair,
  hasCompatibilityFlag,
  parseAddress,
} from "../../src/adapters/cloudflare_types.ts";
import { test } from "../harness.ts";

test("parseAddress reads addresses as workerd writes them", () => {
  for (
    const [address, hostname, port] of [
      ["127.0.0.1:80", "127.0.0.1", 80],
      ["[2001:db8::1]:65535", "2001:db8::1", 65535],
      ["host.example:1", "host.example", 1],
    ] as const
  ) {
    assertEquals(parseAddress(address), { transport: "tcp", hostname, port });
  }
  for (const address of ["", "127.0.0.1", "2001:db8::1:80", "unix:/run/socket", ":80", "a:b"]) {
    assertEquals(parseAddress(address), undefined);
  }
});

test("what only Workers have is missing elsewhere, and says so", () => {
  assertThrows(createSocketPair, TypeError, "this host is not Cloudflare Workers");
  assertEquals(hasCompatibilityFlag("web_socket_compression"), false);
});
