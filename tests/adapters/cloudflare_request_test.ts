import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  asHandshake,
  remoteAddressOf,
  type WorkersRequest,
} from "../../src/adapters/cloudflare_request.ts";
import { negotiateUpgrade } from "../../src/handshake/server.ts";
import { test } from "../harness.ts";
import { upgradeRequest } from "../upgrade_fixture.ts";

/** A request as a Worker's, of which the runtime says this. */
function workersRequest(
  cf: NonNullable<WorkersRequest["cf"]> | undefined,
  connectingIp?: string,
): WorkersRequest {
  const headers = connectingIp === undefined ? {} : { "cf-connecting-ip": connectingIp };
  return Object.assign(upgradeRequest("/", headers), cf && { cf });
}

test("remoteAddressOf believes the runtime, and the header on Cloudflare's network alone", () => {
  const tcp = "tcp" as const;
  for (
    const [cf, header, expected] of [
      [undefined, undefined, undefined],
      [undefined, "192.0.2.1", undefined],
      [{}, "192.0.2.1", undefined],
      [{ colo: "FRA" }, undefined, undefined],
      [{ colo: "FRA" }, "192.0.2.1", { transport: tcp, hostname: "192.0.2.1", port: 0 }],
      [{ colo: "FRA" }, "2001:db8::1", { transport: tcp, hostname: "2001:db8::1", port: 0 }],
      [
        { clientIp: "192.0.2.7:4711" },
        "192.0.2.1",
        { transport: tcp, hostname: "192.0.2.7", port: 4711 },
      ],
      [{ clientIp: "unix:" }, "192.0.2.1", undefined],
    ] as const
  ) {
    assertEquals(remoteAddressOf(workersRequest(cf, header)), expected);
  }
});

test("asHandshake leaves a request that came over HTTP as it is", () => {
  for (const name of ["host", "connection", "sec-websocket-version", "sec-websocket-key"]) {
    const request = new Request("http://host/", { headers: { upgrade: "websocket", [name]: "x" } });
    assertStrictEquals(asHandshake(request), request);
  }
});

test("asHandshake leaves no Upgrade where the runtime would not take it", () => {
  for (const [upgrade, status] of [["WebSocket", undefined], ["h2c, websocket", 426]] as const) {
    const result = negotiateUpgrade(asHandshake(upgradeRequest("/", { upgrade })), {});
    assertEquals(result instanceof Response ? result.status : undefined, status);
  }
});

test("asHandshake completes what came through a binding, whose origin is still looked at", () => {
  const ask = (headers: Record<string, string>) =>
    negotiateUpgrade(asHandshake(new Request("https://room/x", { headers })), {});
  const status = (headers: Record<string, string>) => {
    const result = ask({ upgrade: "websocket", ...headers });
    return result instanceof Response ? result.status : 101;
  };
  assertEquals(status({}), 101);
  assertEquals(status({ origin: "https://room" }), 101);
  assertEquals(status({ origin: "https://evil.example" }), 403);
  assertEquals((ask({}) as Response).status, 426);
});
