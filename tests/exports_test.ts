/**
 * The public interface by name. A change here is a change for users: tell it in CHANGELOG.md, then
 * correct the table by the difference that the failing test prints.
 */

import { assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { readProjectFile } from "./tools/files.ts";
import { exportsOf } from "./tools/source_text.ts";

/** What an entry point exports: what exists at run time, and types alone. Both sorted. */
interface Exports {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

const expected: Readonly<Record<string, Exports>> = {
  ".": {
    values: [
      "CloseCode",
      "Opcode",
      "WebSocketClosedError",
      "WebSocketConnection",
      "WebSocketHandler",
      "WebSocketHandshakeError",
      "WebSocketProtocolError",
      "WebSocketRouter",
      "connectWebSocket",
    ],
    types: [
      "ByteStream",
      "ByteTransport",
      "Capabilities",
      "ClientHandshakeOptions",
      "Clock",
      "CloseInfo",
      "CompressionOptions",
      "ConnectOptions",
      "ConnectionOptions",
      "ConnectionStats",
      "Dial",
      "DialTarget",
      "HandshakeOptions",
      "HeadLimits",
      "Message",
      "ReceiveOptions",
      "RemoteAddress",
      "SendOptions",
      "Sendable",
      "TransportSink",
      "Upgrade",
      "UpgradeOptions",
      "UpgradeResult",
      "WebSocketClosedErrorInit",
      "WebSocketConnectionOptions",
      "WebSocketFunction",
      "WebSocketHandlerClass",
      "WebSocketHandshakeErrorInit",
      "WebSocketRoute",
      "WebSocketRouterOptions",
      "WriteMessageOptions",
    ],
  },
  "./deno": {
    values: ["connectWebSocket", "serveTcp", "upgradeWebSocket"],
    types: [
      "ByteStream",
      "ByteTransport",
      "Capabilities",
      "ClientHandshakeOptions",
      "Clock",
      "CloseInfo",
      "CompressionOptions",
      "ConnectOptions",
      "ConnectionOptions",
      "ConnectionStats",
      "Dial",
      "DialTarget",
      "HandshakeOptions",
      "HeadLimits",
      "ListenAddress",
      "Message",
      "PeerInfo",
      "ReceiveOptions",
      "RemoteAddress",
      "RequestHandler",
      "SendOptions",
      "Sendable",
      "ServeOptions",
      "ServeTcpOptions",
      "TcpServer",
      "TransportSink",
      "Upgrade",
      "UpgradeOptions",
      "UpgradeResult",
      "WebSocketConnection",
      "WebSocketConnectionOptions",
    ],
  },
  "./bun": {
    values: ["connectWebSocket", "serveTcp", "upgradeWebSocket"],
    types: [
      "ByteStream",
      "ByteTransport",
      "Capabilities",
      "ClientHandshakeOptions",
      "Clock",
      "CloseInfo",
      "CompressionOptions",
      "ConnectOptions",
      "ConnectionOptions",
      "ConnectionStats",
      "Dial",
      "DialTarget",
      "HandshakeOptions",
      "HeadLimits",
      "ListenAddress",
      "Message",
      "PeerInfo",
      "ReceiveOptions",
      "RemoteAddress",
      "RequestHandler",
      "SendOptions",
      "Sendable",
      "ServeOptions",
      "ServeTcpOptions",
      "TcpServer",
      "TransportSink",
      "Upgrade",
      "UpgradeOptions",
      "UpgradeResult",
      "WebSocketConnection",
      "WebSocketConnectionOptions",
    ],
  },
  "./tcp": {
    values: ["WebSocketHandshakeError", "acceptWebSocket", "serveStream", "upgradeWebSocket"],
    types: [
      "AcceptOptions",
      "ByteStream",
      "Capabilities",
      "Clock",
      "CloseInfo",
      "CompressionOptions",
      "ConnectionOptions",
      "ConnectionStats",
      "HandshakeOptions",
      "HeadLimits",
      "Message",
      "PeerInfo",
      "ReceiveOptions",
      "RemoteAddress",
      "RequestHandler",
      "SendOptions",
      "Sendable",
      "ServeOptions",
      "ServeStreamOptions",
      "StreamOptions",
      "Upgrade",
      "UpgradeOptions",
      "UpgradeResult",
      "WebSocketConnection",
      "WebSocketConnectionOptions",
    ],
  },
  "./testing": {
    values: ["ManualClock", "createChunker", "createPair", "createStreamPair"],
    types: [
      "ByteStream",
      "Clock",
      "CloseInfo",
      "CompressionOptions",
      "ConnectionOptions",
      "ConnectionPair",
      "Message",
      "PairOptions",
      "WebSocketConnection",
    ],
  },
};

const entryPoints: Readonly<Record<string, string>> = JSON.parse(readProjectFile("deno.json"))
  .exports;

for (const [name, target] of Object.entries(entryPoints)) {
  test(`the entry point "${name}" exports what is written down`, async () => {
    const path = target.replace(/^\.\//, "");
    // Imported under both runtimes, so that one that needs its host to load fails under the other.
    const values = Object.keys(await import(`../${path}`)).sort();
    const types = exportsOf(path, readProjectFile).filter((type) => !values.includes(type));
    assertEquals({ values, types }, expected[name]);
  });
}

test("the table of exports names every entry point and no other", () => {
  assertEquals(Object.keys(expected), Object.keys(entryPoints));
});
