/** Rules of RFC 6455 about the client's opening handshake, over transports in memory. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectBy } from "../src/client.ts";
import { WebSocketHandshakeError } from "../src/errors.ts";
import { ManualClock } from "../src/testing.ts";
import { ScriptedServer } from "./client/scripted_server.ts";
import { test } from "./harness.ts";

const QUIET = { pingInterval: 0 };

test("connectBy dials at once, whoever else is connecting to the host (RFC 6455 4.1)", async () => {
  const server = new ScriptedServer();
  const connecting = [1, 2, 3].map(() => connectBy(server.dial, "ws://host/", QUIET));
  // All are asked for before the first is answered.
  for (const index of [0, 1, 2]) await (await server.peer(index)).request();
  for (const index of [2, 1, 0]) await (await server.peer(index)).upgrade();
  for (const connection of await Promise.all(connecting)) connection.abort();
});

test("connectBy leaves the way to the host to its dial, TLS and all (RFC 6455 4.1)", async () => {
  const server = new ScriptedServer();
  const secured = Promise.withResolvers<void>();
  const connecting = connectBy(
    async (target, signal) => {
      await secured.promise; // a proxy's tunnel and TLS
      return await server.dial(target, signal);
    },
    "wss://chat.example:8443/",
    QUIET,
  );
  secured.resolve();
  const peer = await server.peer(0);
  const { hostname, port, secure, serverName } = peer.target;
  // The dial's name for SNI and the certificate is the URL's unless another one is given.
  assertEquals([hostname, port, secure, serverName], ["chat.example", 8443, true, undefined]);
  assertEquals(await peer.header("host"), "chat.example:8443");
  await peer.upgrade();
  (await connecting).abort();
});

test("connectBy writes nothing behind its request before the 101 is judged (RFC 6455 4.1)", async () => {
  const server = new ScriptedServer();
  const connecting = connectBy(server.dial, "ws://host/", QUIET);
  const peer = await server.peer(0);
  const { fields } = await peer.request();
  assertEquals(fields.filter(([name]) => /^content-length|^transfer-encoding/i.test(name)), []);
  // `request` fails where anything stands behind the empty line.
  peer.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
  await peer.request();
  peer.write("Connection: Upgrade\r\nSec-WebSocket-Accept: none\r\n\r\n");
  await assertRejects(() => connecting, WebSocketHandshakeError);
  await peer.request();
  assert(server.released);
});

test("connectBy leaves nothing open behind a timeout and an abort (RFC 6455 4.1)", async () => {
  const stages = {
    "nothing": "",
    "half a head": "HTTP/1.1 101 Switching Protocols\r\n",
    "the head of a refusal": "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n",
  };
  for (const [stage, text] of Object.entries(stages)) {
    for (const abort of [false, true]) {
      const server = new ScriptedServer();
      const clock = new ManualClock();
      const controller = new AbortController();
      const connecting = connectBy(server.dial, "ws://host/", {
        ...QUIET,
        clock,
        connectTimeout: 1000,
        signal: controller.signal,
      });
      const rejected = assertRejects(() => connecting);
      const peer = await server.peer(0);
      await peer.request();
      if (text !== "") peer.write(text);
      if (abort) controller.abort();
      else await clock.advance(1000);
      await rejected;
      assert(server.released, stage);
      assertEquals(clock.pending, 0, stage);
    }
  }
});
