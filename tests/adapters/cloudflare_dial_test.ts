import { assertEquals, assertRejects } from "@std/assert";
import { dial } from "../../src/adapters/cloudflare_dial.ts";
import type { DialTarget } from "../../src/connection/dial.ts";
import { test } from "../harness.ts";

const target: DialTarget = { hostname: "127.0.0.1", port: 1, secure: false };
const never = new AbortController().signal;

test("cloudflare dial refuses what a Worker has no say in, before it connects", async () => {
  for (
    const [options, message] of [
      [{ caCerts: ["pem"] }, "caCerts: a Worker trusts the platform's authorities"],
      [{ cert: "pem", key: "pem" }, "a client certificate"],
      [{ unixPath: "/run/socket" }, "unixPath: a Worker has no Unix sockets"],
      [{ noDelay: false }, "noDelay false"],
    ] as const
  ) {
    await assertRejects(
      async () => await dial({ ...target, ...options }, never),
      Error,
      `Cannot connect with ${message}`,
    );
  }
});

test("cloudflare dial does not begin once the signal is aborted", async () => {
  const reason = new Error("changed my mind");
  const refused = await assertRejects(async () => await dial(target, AbortSignal.abort(reason)));
  assertEquals(refused, reason);
});
