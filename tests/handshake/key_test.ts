import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { computeAccept, createKey, isKey } from "../../src/handshake/key.ts";
import { test } from "../harness.ts";

test("computeAccept answers the sample key (RFC 6455 1.3)", () => {
  assertEquals(computeAccept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("createKey draws 16 bytes, new ones each time (RFC 6455 4.1)", () => {
  const keys = new Set(Array.from({ length: 50 }, createKey));
  assertEquals(keys.size, 50);
  for (const key of keys) {
    assert(isKey(key), key);
    assertEquals(atob(key).length, 16);
  }
  assertNotEquals(createKey(), createKey());
});

test("isKey takes the base64 of 16 bytes only (RFC 6455 4.2.1)", () => {
  for (
    const key of ["dGhlIHNhbXBsZSBub25jZQ==", "++++++++++++++//////AA==", `${"A".repeat(22)}==`]
  ) {
    assert(isKey(key), key);
  }
  const others = [
    "",
    "dGhlIHNhbXBsZSBub25jZQ",
    "dGhlIHNhbXBsZSBub25jZQ=",
    "dGhlIHNhbXBsZSBub25jZQ==\n",
    " dGhlIHNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZSBub25j",
    "dGhlIHNhbXBsZSBub25jZSE=",
    "dGhlIHNhbXBsZSBub25jZSEh",
    "dGhlIHNhbXBsZ-_ub25jZQ==",
    "dGhl HNhbXBsZSBub25jZQ==",
    "=".repeat(24),
    "A".repeat(65_536),
  ];
  for (const other of others) assert(!isKey(other), other);
});
