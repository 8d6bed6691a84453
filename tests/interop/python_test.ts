/** Python's `websockets`, Tornado, aiohttp and Autobahn, as clients of ours and as servers. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connectWebSocket, WebSocketHandshakeError } from "@gale/websocket";
import { test } from "../harness.ts";
import { missingPython, startPython } from "../tools/program.ts";
import { type Peer, testPeer } from "./peer_battery.ts";

function python(name: string): Required<Pick<Peer, "name" | "startClient" | "startServer">> & Peer {
  return {
    name,
    missing: missingPython(name),
    startClient: (...args) => startPython(`peers/${name}_client.py`, ...args),
    startServer: () => startPython(`peers/${name}_server.py`),
  };
}

testPeer({
  ...python("websockets"),
  makesOffers: true,
  acceptsOffers: true,
  sendsFragments: ["text", "binary"],
  serverFragments: /^one two Grüße$/,
});
// Tornado gives back the code of a Close alone.
testPeer({ ...python("tornado"), closeAnswer: (code) => [code, ""] });
// aiohttp answers any Close with 1000, and its client does not tell the reason in an answer.
testPeer({
  ...python("aiohttp"),
  closeAnswer: () => [1000, ""],
  facts: { "close with reason": [4001, ""] },
});
testPeer({
  ...python("autobahn"),
  makesOffers: true,
  acceptsOffers: true,
  sendsFragments: ["text", "large text"],
  serverFragments: /^one two Grüße$/,
});

test("our client tells what Tornado answers to another origin", async () => {
  await using server = startPython("peers/tornado_server.py");
  const [, port] = await server.outputMatching(/^port (\d+)$/m);
  const error = await assertRejects(
    () => connectWebSocket(`ws://127.0.0.1:${port}/`, { origin: "https://example.com" }),
    WebSocketHandshakeError,
  );
  assertEquals(error.status, 403);
  assertMatch(await error.response!.text(), /origin/);
}, { skip: missingPython("tornado") });
