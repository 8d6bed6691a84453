/** The command-line client, as a program. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { WebSocketHandler, WebSocketRouter } from "@gale/websocket";
import { runtime, test } from "../harness.ts";
import { startExample } from "../tools/program.ts";

const { serveTcp, upgradeWebSocket } = runtime === "deno"
  ? await import("@gale/websocket/deno")
  : await import("@gale/websocket/bun");

/** A server with one handler; `url` is where. */
function serve(handler: new () => WebSocketHandler): AsyncDisposable & { readonly url: string } {
  const router = new WebSocketRouter([["/", handler]], {
    subprotocols: ["v2", "v1"],
    compression: true,
  });
  const server = serveTcp(
    { port: 0, hostname: "127.0.0.1" },
    async (request) =>
      await router.handle(request, upgradeWebSocket) ??
        new Response("Nothing here\x1b[2J", { status: 404 }),
  );
  return {
    url: `ws://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

class Echo extends WebSocketHandler {
  override onMessage(message: string | Uint8Array): Promise<void> {
    return this.writeMessage(message);
  }
}

test("client.ts sends lines and prints what arrives, and closes at the end of its input", async () => {
  await using server = serve(Echo);
  await using client = startExample("client.ts", server.url);
  await client.outputMatching(/^Connected to ws:.*\/$/m);
  client.write("hello");
  await client.outputMatching(/^hello$/m);
  client.write("Grüße 🌊");
  await client.outputMatching(/^Grüße 🌊$/m);
  client.endInput();
  assertEquals(await client.exited, 0);
  assertMatch(client.output, /\nClosed with 1000\n$/);
});

test("client.ts shows control characters instead of obeying them", async () => {
  class Hostile extends WebSocketHandler {
    override open(): void {
      void this.writeMessage("\x1b]0;title\x07 a\nb \x9b2J \u202eback \u2028");
      void this.writeMessage(Uint8Array.of(0x1b, 0x5b));
      void this.close(4000, "\x1b[31mred");
    }
    override onMessage(): void {}
  }
  await using server = serve(Hostile);
  await using client = startExample("client.ts", server.url);
  await client.exited;
  const lines = client.output.split("\n");
  assert(
    lines.includes(String.raw`\u001b]0;title\u0007 a\nb \u009b2J \u202eback \u2028`),
    client.output,
  );
  assert(lines.includes("[2 bytes] 1b 5b"), client.output);
  assert(lines.includes(String.raw`Closed with 4000 (\u001b[31mred)`), client.output);
});

test("client.ts offers subprotocols and compression, sends headers and measures round trips", async () => {
  const requests: Request[] = [];
  class Curious extends Echo {
    override open(): void {
      requests.push(this.request);
    }
  }
  await using server = serve(Curious);
  await using client = startExample(
    "client.ts",
    ...["--subprotocol", "v1", "--subprotocol", "v2", "--header", "X-Colour: blue: dark"],
    ...["--compression", "--ping", "50", server.url],
  );
  await client.outputMatching(/^Connected to ws:.*, v2, permessage-deflate/m);
  await client.outputMatching(/^Round trip: [\d.]+ ms$/m);
  assertEquals(requests[0]?.headers.get("x-colour"), "blue: dark");
  assertEquals(await client.stop("SIGINT"), 0);
});

test("client.ts says how the connection ended, and why it could not be opened", async () => {
  class Leaving extends WebSocketHandler {
    override open(): void {
      void this.close(1001, "gone");
    }
    override onMessage(): void {}
  }
  await using server = serve(Leaving);
  await using left = startExample("client.ts", server.url);
  assertEquals(await left.exited, 0);
  assertMatch(left.output, /^Closed with 1001 \(gone\)$/m);

  await using refused = startExample("client.ts", `${server.url}other`);
  assertEquals(await refused.exited, 2);
  assertMatch(refused.output, /^Cannot open the WebSocket: the server answered 404/);

  await using without = startExample("client.ts");
  assertEquals(await without.exited, 2);
  assertMatch(without.output, /^Give one URL/);
});
