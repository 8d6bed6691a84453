/** Rules of RFC 6455 that are left to a handler. */

import { assertEquals } from "@std/assert";
import { runHandler, WebSocketHandler } from "../src/handler.ts";
import { test } from "./harness.ts";
import { MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

test("WebSocketHandler.prepare may ask for credentials, redirect, or find nothing (RFC 6455 4.2.2)", async () => {
  const answers: [status: number, headers: Record<string, string>][] = [
    [401, { "www-authenticate": 'Basic realm="chat"' }],
    [302, { "location": "https://example.com/sign-in" }],
    [404, {}],
  ];
  for (const [status, headers] of answers) {
    class Elsewhere extends WebSocketHandler {
      override prepare(): Response {
        return new Response(null, { status, headers });
      }
      override onMessage(): void {}
    }
    const upgrade = new MemoryUpgrade();
    const response = await runHandler(new Elsewhere(), {
      request: upgradeRequest(),
      upgrade: upgrade.upgrade,
      options: {},
      given: {},
      groups: [],
    });
    assertEquals(response.status, status);
    for (const [name, value] of Object.entries(headers)) {
      assertEquals(response.headers.get(name), value);
    }
    assertEquals(upgrade.clients, []);
  }
});
