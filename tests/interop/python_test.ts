/** Python's `websockets` and Tornado, as clients of ours and as servers to our client. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connectWebSocket, WebSocketHandshakeError } from "@gale/websocket";
import { randomSource, test } from "../harness.ts";
import { missingPython, startExample, startPython } from "../tools/program.ts";

const packages = ["websockets", "tornado"] as const;
const missing = Object.fromEntries(packages.map((name) => [name, missingPython(name)]));

/** What a client sees of an echo server that is in order. */
const echoFacts = {
  websockets: {
    echoes: {
      "empty": true,
      "text": true,
      "binary": true,
      "large text": true,
      "large binary": true,
      "text in fragments": true,
      "binary in fragments": true,
    },
    pong: true,
    close: [1000, ""],
    "close with reason": [4001, "bye"],
    "too large": 1009,
  },
  tornado: {
    echoes: {
      "empty": true,
      "text": true,
      "binary": true,
      "large text": true,
      "large binary": true,
    },
    pong: true,
    end: null,
    close: [1000, ""],
    "close with reason": [4001, "bye"],
    "too large": 1009,
    origins: [101, 403, 403],
  },
};

for (const name of packages) {
  for (const compression of [false, true]) {
    const title = `${name} as a client understands our server${compression ? ", compressed" : ""}`;
    test(title, async () => {
      const options = compression ? ["--compression"] : [];
      await using echo = startExample(
        "echo.ts",
        ...["--port", "0", "--max-message-size", String(2 * 1024 * 1024), ...options],
      );
      const [, url] = await echo.outputMatching(/^Listening on (\S+)$/m);
      await using client = startPython(`${name}_client.py`, url!, ...options);
      assertEquals(await client.exited, 0, client.output);
      assertEquals(
        JSON.parse(client.output),
        {
          ...echoFacts[name],
          extensions: compression ? ["permessage-deflate"] : [],
          compressed: { sent: compression, received: compression },
        } as object,
      );
      assertMatch(echo.output, /^Listening on \S+\n$/);
    }, { skip: missing[name] });
  }

  test(`our client understands ${name} as a server`, async () => {
    await using server = startPython(`${name}_server.py`);
    const [, port] = await server.outputMatching(/^port (\d+)$/m);
    const pings: Uint8Array[] = [];
    const connection = await connectWebSocket(`ws://127.0.0.1:${port}/path`, {
      subprotocols: ["v1", "v2"],
      headers: { "X-Colour": "blue" },
      compression: true,
      onPing: (payload) => void pings.push(payload.slice()),
    });
    assertEquals(connection.protocol, "v2");
    assertMatch(connection.extensions, /^permessage-deflate/);

    const random = randomSource(7);
    const messages = [
      "",
      "Grüße 🌊",
      Uint8Array.from({ length: 256 }, (_, i) => i),
      "wave after wave, ".repeat(60_000),
      Uint8Array.from({ length: 1 << 20 }, () => random(256)),
    ];
    for (const message of messages) {
      await connection.send(message);
      assertEquals(await connection.receive(), message);
    }
    await connection.send(ReadableStream.from(["in ", "fragments, ", "Grüße"]));
    assertEquals(await connection.receive(), "in fragments, Grüße");

    assert(await connection.ping() >= 0);
    await connection.send("!ping");
    assertEquals(await connection.receive(), "ponged");
    assertEquals(pings, [Uint8Array.of(0x00, 0xff)]);

    if (name === "websockets") {
      await connection.send("!fragments");
      assertEquals(await connection.receive(), "one two Grüße");
    }
    await connection.send("!facts");
    const facts = JSON.parse(await connection.receive() as string);
    assertEquals([facts.path, facts.header], ["/path", "blue"]);
    if (name === "websockets") {
      assert(facts.compressed.sent > 0 && facts.compressed.received > 0, JSON.stringify(facts));
    } else {
      // Two messages of a megabyte went each way, of which one shrinks to nearly nothing.
      assert(facts.wire.sent < 1_200_000 && facts.wire.received < 1_200_000, JSON.stringify(facts));
    }

    await connection.send("!close");
    assertEquals(await connection.receive(), null);
    const end = await connection.closed;
    assertEquals([end.code, end.reason, end.wasClean], [4002, "as you wish", true]);

    const second = await connectWebSocket(`ws://127.0.0.1:${port}/`);
    assertEquals([second.protocol, second.extensions], ["", ""]);
    const info = await second.close(4001, "bye");
    // Tornado gives back the code alone.
    const reason = name === "websockets" ? "bye" : "";
    assertEquals([info.code, info.reason, info.wasClean], [4001, reason, true]);

    server.endInput();
    assertEquals(await server.exited, 0, server.output);
  }, { skip: missing[name] });
}

test("our client tells what Tornado answers to another origin", async () => {
  await using server = startPython("tornado_server.py");
  const [, port] = await server.outputMatching(/^port (\d+)$/m);
  const error = await assertRejects(
    () => connectWebSocket(`ws://127.0.0.1:${port}/`, { origin: "https://example.com" }),
    WebSocketHandshakeError,
  );
  assertEquals(error.status, 403);
  assertMatch(await error.response!.text(), /origin/);
}, { skip: missing["tornado"] });
