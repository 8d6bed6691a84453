import { assertEquals, assertThrows } from "@std/assert";
import { WebSocketConnection } from "../../src/connection/stream_link.ts";
import type { ByteStream, RemoteAddress, WebSocketConnectionOptions } from "../../src/types.ts";
import { test } from "../harness.ts";

/** Two ends of a pair of byte streams. */
function streamPair(): [ByteStream, ByteStream] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: there.readable, writable: back.writable },
    { readable: back.readable, writable: there.writable },
  ];
}

function connect(options: Partial<WebSocketConnectionOptions>) {
  const [mine, theirs] = streamPair();
  const server = new WebSocketConnection(mine, { ...options, role: "server" });
  const client = new WebSocketConnection(theirs, { ...options, role: "client" });
  return { client, server };
}

const agreed: readonly string[] = [
  "",
  "permessage-deflate",
  "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
];

for (const extensions of agreed) {
  test(`WebSocketConnection carries out "${extensions}" (RFC 7692 7)`, async () => {
    const { client, server } = connect({ extensions, compression: { threshold: 0 } });
    assertEquals([client.extensions, server.extensions], [extensions, extensions]);
    assertEquals(server.capabilities.compression, extensions !== "");
    const text = "again and ".repeat(2_000);
    for (let round = 0; round < 3; round++) {
      await client.send(text);
      assertEquals(await server.receive(), text);
      await server.send(text);
      assertEquals(await client.receive(), text);
    }
    const compressed = server.stats().bytesReceived < text.length;
    assertEquals(compressed, extensions !== "");
    await Promise.all([client.close(), server.closed]);
  });
}

const refused: readonly string[] = [
  "permessage-foo",
  "permessage-deflate, permessage-deflate",
  "permessage-deflate; server_max_window_bits=7",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; unknown",
  ";",
];

for (const extensions of refused) {
  test(`WebSocketConnection refuses "${extensions}", which cannot have been agreed`, () => {
    const [stream] = streamPair();
    const options = { role: "server", extensions } as const;
    assertThrows(
      () => new WebSocketConnection(stream, options),
      TypeError,
      "Cannot use extensions",
    );
  });
}

test("WebSocketConnection shows what it is told of a byte stream", async () => {
  const remoteAddress: RemoteAddress = { transport: "tcp", hostname: "192.0.2.1", port: 7 };
  const data = { user: "ada" };
  const [mine, theirs] = streamPair();
  const told = { url: "wss://example.com/", protocol: "chat", remoteAddress, data };
  const server = new WebSocketConnection(mine, { role: "server", ...told });
  const client = new WebSocketConnection(theirs, { role: "client" });
  assertEquals(server.data.user, "ada");
  assertEquals([server.url, server.protocol, client.url, client.protocol], [
    "wss://example.com/",
    "chat",
    "",
    "",
  ]);
  await client.send("a");
  await server.receive();
  assertEquals([server.remoteAddress, client.remoteAddress], [remoteAddress, undefined]);
  await Promise.all([client.close(), server.closed]);
});

test("WebSocketConnection refuses compression that is out of its range", () => {
  for (const extensions of ["", "permessage-deflate"]) {
    for (const compression of [{ level: 10 }, { level: 0 }, { threshold: NaN }]) {
      const [stream] = streamPair();
      assertThrows(
        () => new WebSocketConnection(stream, { role: "server", extensions, compression }),
        RangeError,
        Object.keys(compression)[0],
      );
      assertEquals(stream.readable.locked, false);
    }
  }
});
