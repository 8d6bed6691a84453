import { assertStrictEquals, assertThrows } from "@std/assert";
import type { Link } from "../../src/connection/link.ts";
import { linkOver, LinkSource } from "../../src/connection/link_source.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { test } from "../harness.ts";

test("linkOver unwraps a link, which cannot be read as a stream", () => {
  const link = {} as Link;
  const source = new LinkSource(link, resolveConnectionOptions({}));
  assertStrictEquals(linkOver(source, { role: "server" }).link, link);
  assertThrows(() => source.readable, TypeError, "no streams");
  assertThrows(() => source.writable, TypeError, "no streams");
});
