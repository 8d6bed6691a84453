import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { connectWebSocket, upgradeWebSocket } from "../../src/adapters/deno.ts";
import { attachDenoSocket, DENO_CAPABILITIES } from "../../src/adapters/deno_host_socket.ts";
import { connectionOver, type WebSocketConnection } from "../../src/connection/connection.ts";
import { HostLink } from "../../src/connection/host_link.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { WebSocketClosedError } from "../../src/errors.ts";
import { stateOf } from "../connection/fake_transport.ts";
import { settled } from "../connection/transport_battery.ts";
import { runtime, test } from "../harness.ts";
import { connectRaw, serve } from "./deno_serving.ts";
import { HI } from "./raw_client.ts";

const skip = runtime === "deno" ? undefined : "it needs Deno";

/** A masked pong that nobody asked for. */
const PONG = "\x8a\x80\0\0\0\0";

/** A masked Close frame, the mask being zero. */
function closeFrame(code: number): string {
  return `\x88\x82\0\0\0\0${String.fromCharCode(code >> 8, code & 0xff)}`;
}

/** A connection between `Deno.serve` and our own client; `onConnection` has the server's end. */
function connectPair(
  onConnection: (connection: WebSocketConnection) => void,
): Promise<{ readonly client: WebSocketConnection } & AsyncDisposable> {
  const fixture = serve((request) => {
    const { response, connection } = upgradeWebSocket(request);
    if (connection !== undefined) onConnection(connection);
    return response;
  });
  return connectWebSocket(`ws://127.0.0.1:${fixture.port}/`).then((client) => ({
    client,
    async [Symbol.asyncDispose]() {
      client.abort();
      await fixture[Symbol.asyncDispose]();
    },
  }));
}

test("DenoHostSocket says what Deno.serve lacks", async () => {
  await using pair = await connectRaw();
  const { connection } = pair;
  assertEquals(connection.capabilities, DENO_CAPABILITIES);
  const error = await assertRejects(() => connection.ping(), DOMException, "serveTcp of");
  assertEquals(error.name, "NotSupportedError");
  assertThrows(() => connection.setNoDelay(true), DOMException, "Deno.serve does not support it");
  await pair.client.destroy();
}, { skip });

test("DenoHostSocket sends shared memory, which Deno takes none of", async () => {
  await using pair = await connectPair((connection) => {
    void connection.send("first").then(() =>
      connection.send(new Uint8Array(new SharedArrayBuffer(3)).fill(7).subarray(1))
    );
  });
  assertEquals(await pair.client.receive(), "first");
  assertEquals(await pair.client.receive(), Uint8Array.of(7, 7));
}, { skip });

test("DenoHostSocket sends what was sent before it opened, in order with a Blob", async () => {
  await using pair = await connectPair((connection) => {
    void connection.send("first");
    void connection.send(new Blob(["second"]));
    void connection.send(new Uint8Array([3]));
    void connection.send({ fourth: 4 });
  });
  const { client } = pair;
  assertEquals(await client.receive(), "first");
  assertEquals(await client.receive(), new TextEncoder().encode("second"));
  assertEquals(await client.receive(), new Uint8Array([3]));
  assertEquals(await client.receive(), '{"fourth":4}');
}, { skip });

test("DenoHostSocket calls no end clean where Deno has dropped what was sent behind the peer's Close", async () => {
  for (const data of ["x", "", new Uint8Array(1)]) {
    const sent: unknown[] = [];
    const socket = {
      readyState: WebSocket.OPEN as number,
      bufferedAmount: 0,
      send: (message: unknown) => void sent.push(message),
      onopen: () => {},
      onclose: (_event: object) => {},
    };
    const init = {
      host: "Deno.serve",
      alternative: "serveTcp",
      url: "ws://localhost/",
      protocol: "",
      extensions: "",
      remoteAddress: undefined,
      capabilities: DENO_CAPABILITIES,
    };
    const resolved = resolveConnectionOptions({});
    const link = new HostLink(init, resolved);
    const connection = connectionOver(link, resolved, {});
    attachDenoSocket(socket as unknown as WebSocket, link, () => {});
    socket.onopen();
    await connection.send("before");
    socket.readyState = WebSocket.CLOSED;
    await connection.send(data);
    socket.onclose({ code: 1000, reason: "", wasClean: true });
    const { code, wasClean } = await connection.closed;
    assertEquals([sent[0], code, wasClean], ["before", 1000, false]);
  }
});

test("DenoHostSocket keeps messages that come before they are asked for", async () => {
  const ended = Promise.withResolvers<WebSocketConnection>();
  await using pair = await connectPair((connection) => {
    void connection.closed.then(() => ended.resolve(connection));
  });
  for (let i = 0; i < 100; i++) await pair.client.send(`${i}`);
  await pair.client.send(new Uint8Array([1, 2]));
  await pair.client.close(4000, "all");
  const connection = await ended.promise;
  for (let i = 0; i < 100; i++) assertEquals(await connection.receive(), `${i}`);
  assertEquals(await connection.receive(), new Uint8Array([1, 2]));
  assertEquals(await connection.receive(), null);
  assertEquals(await connection.closed, { code: 4000, reason: "all", wasClean: true });
}, { skip });

test("DenoHostSocket sends a part of a buffer, which may change at once", async () => {
  await using pair = await connectPair((connection) => {
    void connection.receive().then(() => {
      const buffer = new Uint8Array([1, 2, 3, 4]);
      void connection.send(buffer.subarray(1, 3));
      void connection.send(buffer);
      buffer.fill(9);
    });
  });
  await pair.client.send("now");
  assertEquals(await pair.client.receive(), new Uint8Array([2, 3]));
  assertEquals(await pair.client.receive(), new Uint8Array([1, 2, 3, 4]));
}, { skip });

test("DenoHostSocket tells the code of the peer's Close (RFC 6455 7.1.5)", async () => {
  for (
    const [frame, code] of [[closeFrame(1000), 1000], [closeFrame(4999), 4999], [
      "\x88\x80\0\0\0\0",
      1005,
    ]] as const
  ) {
    await using pair = await connectRaw();
    pair.client.send(frame);
    assertEquals(await pair.connection.closed, { code, reason: "", wasClean: true });
    await pair.client.destroy();
  }
}, { skip });

test("DenoHostSocket reports 1006 for a peer that vanishes, which Deno calls 0", async () => {
  await using pair = await connectRaw();
  const waiting = pair.connection.receive();
  await pair.client.destroy();
  assertEquals(await waiting, null);
  const { code, wasClean, error } = await pair.connection.closed;
  assertEquals([code, wasClean], [1006, false]);
  assert(error instanceof Error);
  await assertRejects(() => pair.connection.send("late"), WebSocketClosedError);
}, { skip });

test("DenoHostSocket closes with code and reason, and waits for the answer", async () => {
  await using pair = await connectRaw();
  const closed = pair.connection.close(4001, "enough");
  assertStringIncludes(await pair.client.receive("enough"), "\x88\x08\x0f\xa1enough");
  pair.client.send(closeFrame(4001));
  assertEquals(await closed, { code: 4001, reason: "", wasClean: true });
  await pair.client.destroy();
}, { skip });

test(
  "DenoHostSocket reports 1006 for a Close that is not answered, which Deno calls 1005",
  async () => {
    await using pair = await connectRaw();
    const closed = pair.connection.close(1000);
    await pair.client.receive("\x88\x02\x03\xe8");
    pair.client.end();
    const { code, wasClean } = await closed;
    assertEquals([code, wasClean], [1006, false]);
    await pair.client.destroy();
  },
  { skip },
);

test(
  "DenoHostSocket says why a message or a pong before the answer to Close ends in 1006",
  async () => {
    for (const frame of [HI, PONG]) {
      await using pair = await connectRaw();
      const closed = pair.connection.close(1000);
      await pair.client.receive("\x88\x02\x03\xe8");
      pair.client.send(frame + closeFrame(1000));
      const { code, error } = await closed;
      assertEquals(code, 1006);
      assertStringIncludes(String(error), "before the answer to its Close frame");
      assertStringIncludes(String(error), "a message or a pong");
      await pair.client.destroy();
    }
  },
  { skip },
);

test(
  "DenoHostSocket gives a silent peer up after closeTimeout, and is freed by its next frame",
  async () => {
    await using pair = await connectRaw({ closeTimeout: 20 });
    const { code } = await pair.connection.close(1000);
    assertEquals(code, 1006);
    pair.client.send(HI);
    // The server ends the transport.
    await pair.client.receive();
    await pair.client.destroy();
  },
  { skip },
);

test("DenoHostSocket.terminate sends a Close frame, the nearest to dropping", async () => {
  await using pair = await connectRaw();
  pair.connection.abort(new Error("enough"));
  const { code, error } = await pair.connection.closed;
  assertEquals([code, String(error)], [1006, "Error: enough"]);
  await pair.client.receive("\x88\x02\x03\xe9");
  await pair.client.destroy();
}, { skip });

test("DenoHostSocket gives up a peer that answers no ping, once", async () => {
  await using pair = await connectRaw({ pingInterval: 50, pingTimeout: 50 });
  let ends = 0;
  void pair.connection.closed.then(() => ends++);
  // The peer sees a ping, and then the end.
  assertStringIncludes(await pair.client.receive(), "\x89\x00");
  const { code, reason, wasClean } = await pair.connection.closed;
  assertEquals([code, reason, wasClean, ends], [1006, "", false, 1]);
  await pair.client.destroy();
}, { skip });

test("DenoHostSocket sends no pings where either of the two times is 0", async () => {
  for (
    const options of [{ pingInterval: 0, pingTimeout: 20 }, { pingInterval: 20, pingTimeout: 0 }]
  ) {
    await using pair = await connectRaw(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 100);
    await promise;
    await pair.connection.send("end");
    assertEquals((await pair.client.receive("end")).includes("\x89\x00"), false);
    await pair.client.destroy();
  }
}, { skip });

test("DenoHostSocket closes with 1013 a peer that sends more than may wait", async () => {
  await using pair = await connectRaw({ receiveHighWaterMark: 4, maxQueuedAmount: 100 });
  // The first is more than the mark, the second waits, the third is too much.
  pair.client.send(HI.repeat(3));
  assertStringIncludes(await pair.client.receive("wait"), "\x03\xf5too many messages wait");
  pair.client.send(closeFrame(1013));
  assertStringIncludes(String((await pair.connection.closed).error), "too many messages wait");
  assertEquals(await pair.connection.receive(), "Hi");
  await pair.client.destroy();
}, { skip });

test("DenoHostSocket closes with 1009 a message above maxMessageSize", async () => {
  await using pair = await connectRaw({ maxMessageSize: 1 });
  pair.client.send(HI);
  assertStringIncludes(
    await pair.client.receive("larger"),
    "\x03\xf1message is larger than 1 bytes",
  );
  pair.client.send(closeFrame(1009));
  await pair.connection.closed;
  await pair.client.destroy();
}, { skip });

test("DenoHostSocket makes send wait for a slow peer, and no longer", async () => {
  const SIZE = 8_388_608;
  const sent = Promise.withResolvers<void>();
  await using pair = await connectPair((connection) => {
    void (async () => {
      const sending = connection.send(new Uint8Array(SIZE));
      assert(connection.bufferedAmount > 65_536);
      let waits = true;
      void sending.then(() => waits = false);
      await Promise.resolve();
      assert(waits);
      await sending;
      assert(connection.bufferedAmount <= 16_384);
    })().then(sent.resolve, sent.reject);
  });
  const message = await pair.client.receive();
  assertEquals(message?.length, SIZE);
  await sent.promise;
}, { skip });

/** A connection whose peer reads nothing, and messages that wait for it. */
async function connectBlocked() {
  const pair = await connectRaw();
  pair.client.pause();
  const sent = Array.from({ length: 8 }, () => pair.connection.send(new Uint8Array(1_048_576)));
  await settled(() => pair.connection.bufferedAmount);
  return { ...pair, sent: sent.at(-1)! };
}

test(
  "DenoHostSocket has what waits before its Close frame wait until the peer has taken it",
  async () => {
    await using pair = await connectBlocked();
    const { client, connection, sent } = pair;
    const { bufferedAmount } = connection;
    const closed = connection.close(4000);
    await settled(() => connection.bufferedAmount);
    assertEquals(await stateOf(sent), "pending");
    assertEquals(connection.bufferedAmount, bufferedAmount);
    client.resume();
    await client.receive("\x88\x02\x0f\xa0");
    client.send(closeFrame(4000));
    await sent;
    assertEquals(await closed, { code: 4000, reason: "", wasClean: true });
    assertEquals(connection.bufferedAmount, 0);
    await client.destroy();
  },
  { skip },
);

test(
  "DenoHostSocket rejects what waits before its Close frame where the peer vanishes",
  async () => {
    await using pair = await connectBlocked();
    const { connection } = pair;
    const closed = connection.close(4000);
    const rejected = assertRejects(() => pair.sent, WebSocketClosedError);
    await settled(() => connection.bufferedAmount);
    await pair.client.destroy();
    assertEquals((await closed).code, 1006);
    await rejected;
  },
  { skip },
);

test(
  "DenoHostSocket has a send wait whose peer closes and reads nothing, until it vanishes",
  async () => {
    await using pair = await connectBlocked();
    const { client, connection, sent } = pair;
    const { bufferedAmount } = connection;
    // Deno answers it behind what waits, and tells it only then.
    client.send(closeFrame(1000));
    await settled(() => connection.bufferedAmount);
    assertEquals([await stateOf(sent), await stateOf(connection.closed)], ["pending", "pending"]);
    assertEquals(connection.bufferedAmount, bufferedAmount);
    await client.destroy();
    assertEquals((await connection.closed).code, 1006);
    await assertRejects(() => sent, WebSocketClosedError);
  },
  { skip },
);

test("DenoHostSocket is ended with 1001 by shutdown of Deno.serve", async () => {
  await using pair = await connectRaw();
  await pair.server.shutdown();
  assertStringIncludes(await pair.client.receive(), "\x03\xe9Server shutting down");
  // Deno does not tell this from a Close frame without a code.
  assertEquals((await pair.connection.closed).code, 1005);
  await pair.client.destroy();
}, { skip });
