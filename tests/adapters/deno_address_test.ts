import { assertEquals } from "@std/assert";
import { toAddress } from "../../src/adapters/deno_address.ts";
import { test } from "../harness.ts";

test("toAddress tells host and port, or the path of a Unix socket", () => {
  const tcp = { transport: "tcp", hostname: "192.0.2.1", port: 80 } as const;
  const cases: [address: unknown, expected: ReturnType<typeof toAddress>][] = [
    [tcp, tcp],
    // As startTls gives it.
    [{ hostname: tcp.hostname, port: tcp.port }, tcp],
    [{ transport: "unix", path: "/run/gale" }, {
      transport: "unix",
      hostname: "/run/gale",
      port: 0,
    }],
    [{ transport: "unix", path: null }, { transport: "unix", hostname: "", port: 0 }],
    [{ transport: "vsock", cid: 1, port: 80 }, undefined],
  ];
  for (const [address, expected] of cases) {
    assertEquals(toAddress(address as Deno.Addr), expected);
  }
});
