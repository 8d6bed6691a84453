import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { agreeOnUpgrade, returnTimeoutError } from "../../src/server/agreed_upgrade.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { upgradeRequest } from "../upgrade_fixture.ts";

test("agreeOnUpgrade tells what is agreed, and how the connection is to be", () => {
  const clock = new ManualClock();
  const request = upgradeRequest("/ws?a", { "sec-websocket-protocol": "a, b" });
  const agreed = agreeOnUpgrade(request, { subprotocols: ["b"], clock, idleTimeout: 5 });
  if ("response" in agreed) throw new Error("it was refused");
  assertEquals(agreed.agreement.protocol, "b");
  const { idleTimeout, pingInterval } = agreed.resolved;
  assertEquals([agreed.resolved.clock === clock, idleTimeout, pingInterval], [true, 5, 30_000]);
});

test("agreeOnUpgrade knows the scheme of the connection by that of the request", () => {
  const urls = [
    ["http://example.com/http:", "ws://example.com/http:"],
    ["https://example.com/", "wss://example.com/"],
    ["http+unix://%2Frun%2Fsocket/", "ws://%2Frun%2Fsocket/"],
  ] as const;
  for (const [from, to] of urls) {
    // A `Request` made here takes no scheme but those of HTTP.
    const request = Object.defineProperty(upgradeRequest(), "url", { value: from });
    const agreed = agreeOnUpgrade(request, {});
    assertEquals("url" in agreed && agreed.url, to);
  }
});

test("agreeOnUpgrade gives what is to be returned where it refuses", () => {
  const request = upgradeRequest("/", { origin: "https://evil.example" });
  const refused = agreeOnUpgrade(request, {});
  if (!("response" in refused)) throw new Error("it was agreed on");
  assertEquals(refused.response.status, 403);
  assertEquals([refused.connection, refused.request === request], [undefined, true]);
});

test("agreeOnUpgrade heeds what a head shows, and a request does not", () => {
  const head = { method: "GET", target: "/", minorVersion: 0, fields: [] } as const;
  const refused = agreeOnUpgrade(upgradeRequest(), {}, head);
  assertEquals("response" in refused && refused.response.status, 505);
});

test("agreeOnUpgrade tells of wrong options, whatever the request is", () => {
  const request = new Request("http://example.com/");
  assertThrows(() => agreeOnUpgrade(request, { maxMessageSize: -1 }), RangeError, "maxMessageSize");
  assertThrows(() => agreeOnUpgrade(request, { subprotocols: [" "] }), TypeError);
});

test("returnTimeoutError says what was not done, and in what time", () => {
  assertStringIncludes(returnTimeoutError().message, "was not returned within 30 seconds");
});
