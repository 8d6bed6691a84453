import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { connectWebSocket } from "../../src/adapters/connect.ts";
import { createWebSocketHandlers, websocket } from "../../src/adapters/bun_handlers.ts";
import {
  type BunUpgradeOptions,
  guardUpgrades,
  upgradeBunRequest,
} from "../../src/adapters/bun_upgrade.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import { WebSocketProtocolError } from "../../src/errors.ts";
import type { UpgradeResult } from "../../src/server/upgrade.ts";
import type { CompressionOptions } from "../../src/types.ts";
import { CLOSE, PING, PONG, RawClient, requestText, TEXT } from "../conformance/raw_client.ts";
import { settled } from "../connection/transport_battery.ts";
import { runtime, test } from "../harness.ts";
import { captureConsole } from "../upgrade_fixture.ts";
import { serving, type TestServer } from "./bun_serving.ts";
import { pem } from "./raw_client.ts";

const skip = runtime === "bun" ? undefined : "it needs Bun";

/** Serves WebSockets while `run` runs, which is given the connections as they are made. */
async function upgrading<Data>(
  options: Omit<BunUpgradeOptions<Data>, "server"> & { readonly websocket?: unknown },
  run: (port: number, accepted: () => WebSocketConnection<Data>) => Promise<void>,
): Promise<void> {
  const connections: WebSocketConnection<Data>[] = [];
  await serving({
    fetch(request, server) {
      const { response, connection } = upgradeBunRequest(request, server, options);
      if (connection !== undefined) connections.push(connection);
      return response;
    },
    websocket: options.websocket ?? websocket,
  }, (port) => run(port, () => connections.shift()!));
}

async function echo(connection: WebSocketConnection): Promise<void> {
  for await (const message of connection) await connection.send(message);
}

/** What the handshake is answered with where the upgrade throws, and Bun makes a 500 of that. */
async function answerTo(
  fetch: (request: Request, server: TestServer) => UpgradeResult,
  handlers?: typeof websocket,
): Promise<string> {
  let answer = "";
  await serving(
    { fetch: (request, server) => fetch(request, server).response, websocket: handlers },
    async (port) => {
      const { status, body } = await RawClient.exchange({ port }, requestText("/"));
      answer = `${status} ${body}`;
    },
  );
  return answer;
}

test(
  "upgradeBunRequest adds headers and cookies to the 101, and no subprotocol of Bun's choice",
  async () => {
    const headers = new Headers({ "x-own": "1" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    await upgrading({ headers }, async (port) => {
      const fields = { "Sec-WebSocket-Protocol": "a, b" };
      const { client, response } = await RawClient.open({ port }, "/", { fields });
      assertEquals(response.headers.get("x-own"), "1");
      assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assertEquals(response.headers.has("sec-websocket-protocol"), false);
      await client[Symbol.asyncDispose]();
    });
  },
  { skip },
);

test("upgradeBunRequest selects the subprotocol", async () => {
  await upgrading({ subprotocols: ["b"] }, async (port, accepted) => {
    await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`, {
      subprotocols: ["a", "b"],
    });
    assertEquals([client.protocol, accepted().protocol], ["b", "b"]);
  });
}, { skip });

test(
  "upgradeBunRequest makes a connection that knows its URL, its peer, its host and its data",
  async () => {
    await upgrading({ data: { user: "ada" } }, async (port, accepted) => {
      await using client = await connectWebSocket(`ws://127.0.0.1:${port}/room?x=1`);
      const { url, remoteAddress, capabilities, data, extensions } = accepted();
      const user: string = data.user;
      assertEquals([url, user, extensions], [`ws://127.0.0.1:${port}/room?x=1`, "ada", ""]);
      assertEquals([remoteAddress?.transport, remoteAddress?.hostname], ["tcp", "127.0.0.1"]);
      assert(remoteAddress!.port > 0 && remoteAddress!.port !== port);
      assertEquals(capabilities, {
        ping: true,
        compression: false,
        inboundBackpressure: true,
        outboundBackpressure: true,
        noDelay: false,
      });
      assertEquals(client.protocol, "");
    });
  },
  { skip },
);

test("upgradeBunRequest knows TLS by its scheme", async () => {
  const urls: string[] = [];
  await serving({
    fetch(request, server) {
      const { response, connection } = upgradeBunRequest(request, server, {});
      urls.push(connection!.url);
      return response;
    },
    websocket,
    tls: { cert: pem("server"), key: pem("server.key") },
  }, async (port) => {
    const url = `wss://localhost:${port}/`;
    await using _client = await connectWebSocket(url, { caCerts: [pem("ca")] });
    assertEquals(urls, [url]);
  });
}, { skip });

test("upgradeBunRequest knows a Unix socket", async () => {
  const folder = mkdtempSync(`${tmpdir()}/bun-upgrade-`);
  const addresses: unknown[] = [];
  const unix = `${folder}/socket`;
  await serving({
    fetch(request, server) {
      const { response, connection } = upgradeBunRequest(request, server, {});
      addresses.push(connection!.remoteAddress);
      return response;
    },
    websocket,
    unix,
  }, async () => {
    const socket = connect(unix);
    socket.write(requestText("/"));
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    assertEquals(addresses, [{ transport: "unix", hostname: "", port: 0 }]);
  });
  rmSync(folder, { recursive: true });
}, { skip });

test("upgradeBunRequest refuses as the raw server does, and lets the peer try again", async () => {
  await upgrading({}, async (port) => {
    const fields = { "Origin": "https://evil.example" };
    const refusal = await RawClient.exchange({ port }, requestText("/", { fields }));
    assertEquals(refusal.status, 403);
    assertStringIncludes(refusal.body, "evil.example");
    await (await RawClient.open({ port }, "/")).client[Symbol.asyncDispose]();
  });
}, { skip });

test(
  "upgradeBunRequest keeps the connection whatever the application throws after it",
  async () => {
    await serving({
      fetch(request, server) {
        void echo(upgradeBunRequest(request, server, {}).connection!);
        throw new Error("too late");
      },
      websocket,
    }, async (port) => {
      await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`);
      await client.send("still here");
      assertEquals(await client.receive(), "still here");
    });
  },
  { skip },
);

test("upgradeBunRequest says that the `websocket` object is missing or another one", async () => {
  const upgrade = (request: Request, server: TestServer) => upgradeBunRequest(request, server, {});
  assertStringIncludes(await answerTo(upgrade), 'the "websocket" object');

  let thrown: unknown;
  await serving({
    fetch(request, server) {
      try {
        upgradeBunRequest(request, server, {});
      } catch (error) {
        thrown = error;
      }
      return new Response();
    },
    websocket: { message() {} },
  }, async (port) => {
    await (await RawClient.open({ port }, "/")).client[Symbol.asyncDispose]();
  });
  assertInstanceOf(thrown, TypeError);
  assertStringIncludes(thrown.message, "is not the one of this module");
}, { skip });

test(
  "upgradeBunRequest refuses a maxMessageSize that the `websocket` object does not have",
  async () => {
    let thrown: unknown;
    await serving({
      fetch(request, server) {
        try {
          upgradeBunRequest(request, server, { maxMessageSize: 101 });
        } catch (error) {
          thrown = error;
        }
        return new Response();
      },
      websocket: createWebSocketHandlers({ maxMessageSize: 100 }),
    }, async (port) => {
      const { client } = await RawClient.open({ port }, "/");
      assertEquals(await client.nextClose(), "dropped");
      await client[Symbol.asyncDispose]();
    });
    assertInstanceOf(thrown, RangeError);
    assertStringIncludes(thrown.message, "createWebSocketHandlers");
  },
  { skip },
);

test("upgradeBunRequest refuses a request that is not there to be upgraded", async () => {
  const copied = await answerTo(
    (request, server) => upgradeBunRequest(new Request(request), server, {}),
    websocket,
  );
  assertStringIncludes(copied, "500 TypeError: Cannot upgrade the request");

  let thrown: unknown;
  await serving({
    fetch(request, server) {
      const result = upgradeBunRequest(request, server, {});
      try {
        upgradeBunRequest(request, server, {});
      } catch (error) {
        thrown = error;
      }
      void echo(result.connection!);
      return result.response;
    },
    websocket,
  }, async (port) => {
    await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`);
    assertInstanceOf(thrown, TypeError);
    await client.send("the first one lives");
    assertEquals(await client.receive(), "the first one lives");
  });
}, { skip });

test("upgradeBunRequest gives an ended connection for a peer that has gone", async () => {
  const arrived = Promise.withResolvers<void>();
  const upgraded = Promise.withResolvers<UpgradeResult>();
  await serving({
    async fetch(request, server) {
      arrived.resolve();
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      const result = upgradeBunRequest(request, server, {});
      upgraded.resolve(result);
      return result.response;
    },
    websocket,
  }, async (port) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(requestText("/"));
    await arrived.promise;
    socket.destroy();
    const { connection } = await upgraded.promise;
    assertEquals((await connection!.closed).code, 1006);
  });
}, { skip });

test(
  "upgradeBunRequest agrees to compression as the connection says, and Bun to the same",
  async () => {
    const offers: string[] = [];
    for (const flags of ["", "; server_no_context_takeover", "; client_no_context_takeover"]) {
      for (const server of ["", "; server_max_window_bits=15", "; server_max_window_bits=10"]) {
        for (const client of ["", "; client_max_window_bits", "; client_max_window_bits=9"]) {
          offers.push(`permessage-deflate${flags}${server}${client}`);
        }
      }
    }
    offers.push("other", "permessage-deflate; bad, permessage-deflate; client_max_window_bits");
    const options: (boolean | CompressionOptions)[] = [
      true,
      false,
      { serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      { serverMaxWindowBits: 9, clientMaxWindowBits: 12 },
    ];
    const seen = new Set<string>();
    for (const compression of options) {
      await upgrading({ compression }, async (port, accepted) => {
        for (const offer of offers) {
          const fields = { "Sec-WebSocket-Extensions": offer };
          const { client, response } = await RawClient.open({ port }, "/", { fields });
          const answer = response.headers.get("sec-websocket-extensions") ?? "";
          const { extensions, capabilities } = accepted();
          const what = `${JSON.stringify(compression)} ${offer}`;
          assertEquals(extensions, answer, what);
          assertEquals(capabilities.compression, answer !== "", what);
          if (compression === false) assertEquals(answer, "", what);
          if (offer.includes("server_max_window_bits") && answer !== "") {
            assertStringIncludes(answer, "server_max_window_bits", what);
          }
          seen.add(answer);
          await client[Symbol.asyncDispose]();
        }
      });
    }
    assert(seen.size > 12, `only ${seen.size} answers`);
  },
  { skip },
);

test("upgradeBunRequest leaves the request's headers as they were", async () => {
  let offer: string | null = null;
  await serving({
    fetch(request, server) {
      const { response } = upgradeBunRequest(request, server, {});
      offer = request.headers.get("sec-websocket-extensions");
      return response;
    },
    websocket,
  }, async (port) => {
    const fields = { "Sec-WebSocket-Extensions": "permessage-deflate; x=1" };
    await (await RawClient.open({ port }, "/", { fields })).client[Symbol.asyncDispose]();
    assertEquals(offer, "permessage-deflate; x=1");
  });
}, { skip });

test("upgradeBunRequest compresses both ways, in the windows agreed (RFC 7692 7.1)", async () => {
  const text = Array.from({ length: 3000 }, (_, at) => `${at * at % 997} `).join("");
  const options: CompressionOptions[] = [
    {},
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { clientMaxWindowBits: 9 },
    ...[8, 9, 10, 12, 14].map((serverMaxWindowBits) => ({ serverMaxWindowBits })),
  ];
  for (const compression of options) {
    await upgrading({ compression: true }, async (port, accepted) => {
      await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`, { compression });
      assertStringIncludes(client.extensions, "permessage-deflate");
      void echo(accepted());
      for (let round = 0; round < 3; round++) {
        await client.send(text);
        assertEquals(await client.receive(), text, JSON.stringify(compression));
      }
      assert(client.stats().bytesReceived < 3 * text.length * 0.7, JSON.stringify(compression));
    });
  }
}, { skip });

test("upgradeBunRequest takes messages up to the limit, and no larger one", async () => {
  const cases = [
    { websocket: createWebSocketHandlers({ maxMessageSize: 1000 }) },
    { maxMessageSize: 1000 },
  ];
  for (const options of cases) {
    await upgrading(options, async (port, accepted) => {
      await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`);
      const connection = accepted();
      await client.send(new Uint8Array(1000));
      assertEquals((await connection.receive())?.length, 1000);
      await client.send(new Uint8Array(1001));
      assertEquals((await client.closed).code, 1009);
      const { error } = await connection.closed;
      assertInstanceOf(error, WebSocketProtocolError);
      assertEquals(error.closeCode, 1009);
    });
  }
}, { skip });

test("upgradeBunRequest stops a message that inflates beyond the limit", async () => {
  await upgrading({ compression: true }, async (port, accepted) => {
    await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`, { compression: true });
    const connection = accepted();
    client.send(new Uint8Array(20_000_000)).catch(() => {});
    assertEquals((await client.closed).code, 1009);
    assertInstanceOf((await connection.closed).error, WebSocketProtocolError);
  });
}, { skip });

test(
  "upgradeBunRequest loses nothing to a peer that reads late, and holds little of it",
  async () => {
    await upgrading({}, async (port, accepted) => {
      const { client } = await RawClient.open({ port }, "/");
      client.pause();
      const connection = accepted();
      // The first is more than the kernel takes, and Bun queues before it drops.
      const sizeOf = (at: number) => at === 0 ? 16_777_216 : 1_048_576;
      let most = 0;
      const sent = (async () => {
        for (let at = 0; at < 100; at++) {
          const taken = connection.send(new Uint8Array(sizeOf(at)).fill(at));
          most = Math.max(most, connection.bufferedAmount);
          await taken;
        }
        await connection.close(4000, "done");
      })();
      assert(connection.bufferedAmount > 1_048_576, "the kernel took it all");
      client.resume();
      for (let at = 0; at < 100; at++) {
        const frame = await client.nextData();
        assertEquals([frame?.payload.length, frame?.payload[0], frame?.payload.at(-1)], [
          sizeOf(at),
          at,
          at,
        ]);
      }
      assertEquals(await client.nextClose(), 4000);
      await sent;
      assert(most < sizeOf(0) + 65_536, `${most} bytes were held`);
      await client[Symbol.asyncDispose]();
    });
  },
  { skip },
);

test("upgradeBunRequest does not read on while the application does not", async () => {
  await upgrading({}, async (port, accepted) => {
    await using client = await connectWebSocket(`ws://127.0.0.1:${port}/`);
    const connection = accepted();
    const sent = (async () => {
      for (let at = 0; at < 100; at++) await client.send(new Uint8Array(1_048_576));
    })();
    // Until the client feels it as well.
    while (client.bufferedAmount < 65_536) await new Promise((resolve) => setTimeout(resolve, 10));
    await settled(() => connection.stats().bytesReceived, 100);
    assert(connection.stats().bytesReceived < 4_000_000, `${connection.stats().bytesReceived}`);
    for (let at = 0; at < 100; at++) await connection.receive();
    await sent;
  });
}, { skip });

test("upgradeBunRequest closes a connection whose reading is stopped", async () => {
  await upgrading({ receiveHighWaterMark: 0 }, async (port, accepted) => {
    const { client } = await RawClient.open({ port }, "/");
    const connection = accepted();
    client.send(TEXT, "stops the reading");
    client.send(PING, "answered");
    assertEquals((await client.next())?.opcode, PONG);
    const closed = connection.close(4001, "enough");
    assertEquals(await client.nextClose(), 4001);
    assertEquals((await closed).code, 4001);
    await client[Symbol.asyncDispose]();
  });
}, { skip });

test(
  "upgradeBunRequest reports our own code where both sides close, and closes with none",
  async () => {
    await upgrading({}, async (port, accepted) => {
      const { client } = await RawClient.open({ port }, "/");
      const closed = accepted().close(4001, "ours");
      client.sendClose(4002, "theirs");
      assertEquals((await client.next())?.opcode, CLOSE);
      assertEquals(await closed, { code: 4001, reason: "ours", wasClean: true });
      await client[Symbol.asyncDispose]();
    });
  },
  { skip },
);

test("bun.guardUpgrades keeps the process where fetch rejects after the upgrade", async () => {
  const error = new Error("mine");
  const fetch = guardUpgrades(async (request: Request, server: TestServer): Promise<Response> => {
    await Promise.resolve();
    upgradeBunRequest(request, server, {});
    await Promise.resolve();
    throw error;
  });
  const lines = await captureConsole(() =>
    serving({ fetch, websocket }, async (port) => {
      const connection = await connectWebSocket(`ws://127.0.0.1:${port}/`);
      assertEquals((await connection.closed).code, 1011);
    })
  );
  assertEquals(lines, [error]);
}, { skip });

test("bun.guardUpgrades keeps the process where the upgrade itself rejects after it", async () => {
  const fetch = guardUpgrades(async (request: Request, server: TestServer): Promise<Response> => {
    await Promise.resolve();
    return upgradeBunRequest(request, server, { maxMessageSize: 2 ** 40 }).response;
  });
  const lines = await captureConsole(() =>
    serving({ fetch, websocket }, async (port) => {
      const connection = await connectWebSocket(`ws://127.0.0.1:${port}/`);
      assertEquals((await connection.closed).code, 1006);
    })
  );
  assertEquals(lines.map((line) => (line as Error).name), ["RangeError"]);
}, { skip });

test("bun.guardUpgrades leaves alone what needs no guard", async () => {
  const fetch = guardUpgrades((request: Request, server: TestServer): Response => {
    const { pathname } = new URL(request.url);
    if (pathname === "/page") return new Response("page");
    if (pathname === "/throw") throw new TypeError("mine");
    const { response, connection } = upgradeBunRequest(request, server, {});
    if (connection !== undefined) void echo(connection);
    return response;
  });
  await serving({ fetch, websocket }, async (port) => {
    const page = await globalThis.fetch(`http://127.0.0.1:${port}/page`);
    assertEquals(await page.text(), "page");
    const failed = await globalThis.fetch(`http://127.0.0.1:${port}/throw`);
    assertEquals([failed.status, await failed.text()], [500, "TypeError: mine"]);
    const connection = await connectWebSocket(`ws://127.0.0.1:${port}/ws`);
    await connection.send("a");
    assertEquals(await connection.receive(), "a");
    assertEquals((await connection.close()).wasClean, true);
  });
}, { skip });
