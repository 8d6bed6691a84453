import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  createWebSocketHandlers,
  type OtherWebSocketHandlers,
  websocket,
} from "../../src/adapters/bun_handlers.ts";
import { connectWebSocket } from "../../src/adapters/connect.ts";
import { upgradeBunRequest } from "../../src/adapters/bun_upgrade.ts";
import { runtime, test } from "../harness.ts";
import { serving } from "./bun_serving.ts";

const skip = runtime === "bun" ? undefined : "it needs Bun";

test("websocket takes 10 MiB, and leaves pings and timeouts to the connections", () => {
  const { maxPayloadLength, idleTimeout, sendPings, perMessageDeflate } = websocket;
  assertEquals({ maxPayloadLength, idleTimeout, sendPings, perMessageDeflate }, {
    maxPayloadLength: 10_485_760,
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: { compress: "dedicated", decompress: "dedicated" },
  });
});

test("createWebSocketHandlers sets the largest message", () => {
  for (const maxMessageSize of [0, 1, 2 ** 32 - 1]) {
    assertStrictEquals(
      createWebSocketHandlers({ maxMessageSize }).maxPayloadLength,
      maxMessageSize,
    );
  }
  assertEquals(createWebSocketHandlers().maxPayloadLength, websocket.maxPayloadLength);
});

test("createWebSocketHandlers refuses a size that Bun cannot set", () => {
  for (const maxMessageSize of [-1, 1.5, NaN, Infinity, 2 ** 32]) {
    const error = assertThrows(() => createWebSocketHandlers({ maxMessageSize }), RangeError);
    assertEquals(
      error.message,
      `maxMessageSize must be an integer from 0 to 4294967295, not ${maxMessageSize}`,
    );
  }
});

/** A socket of an application's own, as far as the tests use it. */
interface OwnSocket {
  readonly data: string;
  send(message: string): void;
  close(code: number, reason: string): void;
}

/** Serves "/ours" by this library, and the rest by sockets of the application's own. */
function servingBoth(
  others: OtherWebSocketHandlers,
  run: (url: string) => Promise<void>,
): Promise<void> {
  return serving({
    fetch(request, server) {
      const { pathname } = new URL(request.url);
      if (pathname !== "/ours") {
        (server as unknown as OwnServer).upgrade(request, { data: pathname });
        return new Response();
      }
      const { response, connection } = upgradeBunRequest(request, server, {});
      void connection?.forEach((message) => connection.send(`ours: ${message}`));
      return response;
    },
    websocket: createWebSocketHandlers({ others }),
  }, (port) => run(`ws://127.0.0.1:${port}`));
}

interface OwnServer {
  upgrade(request: Request, options: { readonly data: string }): boolean;
}

test("createWebSocketHandlers leaves others the sockets that are theirs", async () => {
  const calls: unknown[] = [];
  const closed = Promise.withResolvers<void>();
  const others = {
    open(socket: OwnSocket) {
      calls.push(["open", socket.data, this === others]);
    },
    message(socket: OwnSocket, message: string | Uint8Array) {
      if (message === "bye") socket.close(4000, "as asked");
      else socket.send(`theirs: ${message}`);
    },
    ping: ({ data }: OwnSocket, payload: Uint8Array) => calls.push(["ping", data, payload.length]),
    pong: ({ data }: OwnSocket, payload: Uint8Array) => calls.push(["pong", data, payload.length]),
    close({ data }: OwnSocket, code: number, reason: string) {
      calls.push(["close", data, code, reason]);
      closed.resolve();
    },
  };
  await servingBoth(others, async (url) => {
    await using ours = await connectWebSocket(`${url}/ours`);
    await using theirs = await connectWebSocket(`${url}/theirs`);
    for (const [client, prefix] of [[ours, "ours"], [theirs, "theirs"]] as const) {
      await client.send("hello");
      assertEquals(await client.receive(), `${prefix}: hello`);
      await client.ping("123");
    }
    await theirs.send("bye");
    const { code, reason } = await theirs.closed;
    assertEquals([code, reason], [4000, "as asked"]);
    await closed.promise;
  });
  assertEquals(calls, [
    ["open", "/theirs", true],
    ["ping", "/theirs", 3],
    ["close", "/theirs", 4000, "as asked"],
  ]);
}, { skip });

test("createWebSocketHandlers needs of others no more than they have", async () => {
  await servingBoth({}, async (url) => {
    await using client = await connectWebSocket(`${url}/theirs`);
    await client.send("nobody listens");
    await client.ping();
    assertEquals((await client.close()).wasClean, true);
  });
}, { skip });

test("createWebSocketHandlers lets its own settings hold, and calls of others nothing else", () => {
  const others = { idleTimeout: 5, maxPayloadLength: 1, sendPings: true, message() {} };
  const { message: _, ...handlers } = createWebSocketHandlers({ others, maxMessageSize: 1_000 });
  const settings = JSON.stringify(handlers);
  assertEquals(settings, JSON.stringify(createWebSocketHandlers({ maxMessageSize: 1_000 })));
});

test("createWebSocketHandlers refuses others that are no functions", () => {
  const others = { message: "hello" } as unknown as OtherWebSocketHandlers;
  assertThrows(
    () => createWebSocketHandlers({ others }),
    TypeError,
    'others.message must be a function, not "hello"',
  );
});
