/**
 * An option that is `undefined` is one that is not given: the types say so where
 * `exactOptionalPropertyTypes` is on, as it is here, and nothing comes of it.
 */

import { assertEquals } from "@std/assert";
import {
  type BunUpgradeOptions,
  createWebSocketHandlers,
  type WebSocketHandlersOptions,
} from "../src/adapters/bun.ts";
import type { AcceptSocketOptions, ServeSocketOptions } from "../src/adapters/cloudflare.ts";
import type { DenoUpgradeOptions } from "../src/adapters/deno.ts";
import {
  type AcceptOptions,
  acceptWebSocket,
  type ServeStreamOptions,
  upgradeWebSocket,
} from "../src/adapters/tcp.ts";
import { connectBy, type ConnectOptions } from "../src/client.ts";
import type {
  ForEachOptions,
  ReceiveOptions,
  SendOptions,
  WebSocketConnectionOptions,
} from "../src/connection/connection.ts";
import { resolveConnectionOptions } from "../src/connection/options.ts";
import { WebSocketConnection } from "../src/connection/stream_link.ts";
import { WebSocketHandshakeError, type WebSocketHandshakeErrorInit } from "../src/errors.ts";
import { resolveCompression } from "../src/extensions/permessage_deflate_negotiation.ts";
import { ClientHandshake, type ClientHandshakeOptions } from "../src/handshake/client.ts";
import { type HeadLimits, resolveHeadLimits } from "../src/handshake/head_limits.ts";
import { type HandshakeOptions, negotiateUpgrade } from "../src/handshake/server.ts";
import { WebSocketRouter, type WebSocketRouterOptions } from "../src/router.ts";
import {
  resolveListenOptions,
  resolveServeOptions,
  type ServeOptions,
  type ServeTcpOptions,
} from "../src/server/serve_options.ts";
import type { UpgradeOptions } from "../src/server/upgrade.ts";
import {
  connectTo,
  type ConnectToOptions,
  createPair,
  createStreamPair,
  type PairOptions,
} from "../src/testing.ts";
import type { CompressionOptions, ConnectionOptions } from "../src/types.ts";
import { test } from "./harness.ts";
import { MemoryUpgrade, upgradeRequest } from "./upgrade_fixture.ts";

/** Each option, as `undefined`. */
type Unsaid<Options> = { readonly [Name in keyof Options]-?: undefined };

const compression: Unsaid<CompressionOptions> = {
  level: undefined,
  threshold: undefined,
  serverNoContextTakeover: undefined,
  clientNoContextTakeover: undefined,
  serverMaxWindowBits: undefined,
  clientMaxWindowBits: undefined,
};

const connection: Unsaid<ConnectionOptions> = {
  maxMessageSize: undefined,
  maxFragments: undefined,
  receiveHighWaterMark: undefined,
  receiveLowWaterMark: undefined,
  sendHighWaterMark: undefined,
  sendLowWaterMark: undefined,
  maxBufferedAmount: undefined,
  maxQueuedAmount: undefined,
  pingInterval: undefined,
  pingTimeout: undefined,
  idleTimeout: undefined,
  closeTimeout: undefined,
  signal: undefined,
  onPing: undefined,
  onPong: undefined,
  clock: undefined,
};

const headLimits: Unsaid<HeadLimits> = {
  maxHeadSize: undefined,
  maxFields: undefined,
  maxLineSize: undefined,
};

const handshake: Unsaid<HandshakeOptions> = {
  subprotocols: undefined,
  selectSubprotocol: undefined,
  allowedOrigins: undefined,
  publicOrigin: undefined,
  checkOrigin: undefined,
  allowedHosts: undefined,
  compression: undefined,
  headers: undefined,
};

const clientHandshake: Unsaid<ClientHandshakeOptions> = {
  subprotocols: undefined,
  headers: undefined,
  compression: undefined,
  requireSubprotocol: undefined,
  origin: undefined,
};

const connect: Unsaid<ConnectOptions> = {
  ...connection,
  ...clientHandshake,
  connectTimeout: undefined,
  maxRedirects: undefined,
  maxErrorBodySize: undefined,
  headLimits: undefined,
  onResponse: undefined,
  data: undefined,
  caCerts: undefined,
  cert: undefined,
  key: undefined,
  serverName: undefined,
  noDelay: undefined,
  unixPath: undefined,
  dial: undefined,
};

const upgrade: Unsaid<UpgradeOptions> = { ...connection, ...handshake, data: undefined };

const serve: Unsaid<ServeOptions> = {
  handshakeTimeout: undefined,
  stallTimeout: undefined,
  shutdownTimeout: undefined,
  maxConnections: undefined,
  headLimits: undefined,
  onError: undefined,
  onRefuse: undefined,
  clock: undefined,
};

const serveTcp: Unsaid<ServeTcpOptions> = {
  ...serve,
  port: undefined,
  hostname: undefined,
  path: undefined,
  cert: undefined,
  key: undefined,
  noDelay: undefined,
  signal: undefined,
  onListen: undefined,
};

const serveOneStream: Unsaid<ServeStreamOptions> = {
  handshakeTimeout: undefined,
  stallTimeout: undefined,
  headLimits: undefined,
  onError: undefined,
  onRefuse: undefined,
  clock: undefined,
  secure: undefined,
  remoteAddress: undefined,
  signal: undefined,
};

const accept: Unsaid<AcceptOptions> = {
  ...upgrade,
  handshakeTimeout: undefined,
  headLimits: undefined,
  secure: undefined,
  remoteAddress: undefined,
  onRequest: undefined,
};

const pair: Unsaid<PairOptions> = {
  client: undefined,
  server: undefined,
  compression: undefined,
  url: undefined,
  protocol: undefined,
  chunkSize: undefined,
  capacity: undefined,
};

const overStream: Unsaid<Omit<WebSocketConnectionOptions, "role">> = {
  ...connection,
  url: undefined,
  protocol: undefined,
  extensions: undefined,
  compression: undefined,
  remoteAddress: undefined,
  data: undefined,
};

const send: Unsaid<SendOptions> = { compress: undefined, binary: undefined };

/** What options come to, shown by values that can be compared. */
const takers: Readonly<Record<string, (unsaid: boolean) => unknown>> = {
  CompressionOptions: (unsaid) => resolveCompression(unsaid ? compression : {}),
  ConnectionOptions: (unsaid) => resolveConnectionOptions(unsaid ? connection : {}),
  HeadLimits: (unsaid) => resolveHeadLimits(unsaid ? headLimits : {}),
  HandshakeOptions: (unsaid) => {
    const agreement = negotiateUpgrade(upgradeRequest(), unsaid ? handshake : {});
    return { ...agreement, headers: [...agreement.headers] };
  },
  ClientHandshakeOptions: (unsaid) => {
    const url = new URL("ws://example.com/");
    return new ClientHandshake(url, unsaid ? clientHandshake : {}, "a key").encodeRequest();
  },
  ServeTcpOptions: (unsaid) => {
    const options: ServeTcpOptions = unsaid ? serveTcp : {};
    resolveListenOptions(options);
    return { ...resolveServeOptions(options), onError: undefined, onRefuse: undefined };
  },
  WebSocketHandlersOptions: (unsaid) => {
    const unlimited: Unsaid<WebSocketHandlersOptions> = {
      maxMessageSize: undefined,
      others: undefined,
    };
    return createWebSocketHandlers(unsaid ? unlimited : {}).maxPayloadLength;
  },
  WebSocketHandshakeErrorInit: (unsaid) => {
    const init: Unsaid<WebSocketHandshakeErrorInit> = { response: undefined, cause: undefined };
    const error = new WebSocketHandshakeError("no", unsaid ? init : {});
    return [error.response, "cause" in error];
  },
  WebSocketConnectionOptions: (unsaid) => {
    const [stream] = createStreamPair();
    const made = new WebSocketConnection(stream, {
      ...unsaid && overStream,
      role: "client",
    });
    made.abort();
    return [made.url, made.protocol, made.extensions, made.remoteAddress, made.data];
  },
  PairOptions: async (unsaid) => {
    const { client, server } = createPair(unsaid ? pair : {});
    await client.close();
    return [client.url, server.url, client.protocol, client.extensions];
  },
  "SendOptions, ReceiveOptions and ForEachOptions": async (unsaid) => {
    const wait: Unsaid<ReceiveOptions> = { signal: undefined };
    const each: Unsaid<ForEachOptions> = wait;
    const { client, server } = createPair();
    await client.send("text", unsaid ? send : {});
    const received: unknown[] = [await server.receive(unsaid ? wait : {})];
    await client.send(Uint8Array.of(1), unsaid ? send : {});
    void client.close();
    await server.forEach((message) => received.push(message), unsaid ? each : {});
    return received;
  },
  "ConnectToOptions, ServeStreamOptions and UpgradeOptions": async (unsaid) => {
    const options: Unsaid<Omit<ConnectToOptions, "url" | "server">> = { ...connect };
    const { signal: _signal, ...server } = serveOneStream;
    const connected = await connectTo(
      (request, peer) => {
        const { response, connection } = upgradeWebSocket(request, unsaid ? upgrade : {});
        void connection?.send([request.url, peer.secure]);
        return response;
      },
      unsaid ? { ...options, url: "wss://example.com/", server } : { url: "wss://example.com/" },
    );
    const told = await connected.receive();
    await connected.close();
    return [told, connected.url, connected.protocol, connected.extensions];
  },
  "ConnectOptions and AcceptOptions": async (unsaid) => {
    const [near, far] = createStreamPair();
    const url = "ws://example.com/";
    const connecting = connectBy(() => Promise.resolve(near), url, unsaid ? connect : {});
    const accepted = await acceptWebSocket(far, unsaid ? accept : {});
    const connected = await connecting;
    await connected.close();
    return [accepted.url, accepted.remoteAddress, connected.url, connected.extensions];
  },
  WebSocketRouterOptions: async (unsaid) => {
    const options: Unsaid<WebSocketRouterOptions> = { ...upgrade, onError: undefined };
    const router = new WebSocketRouter([["/", () => {}]], unsaid ? options : {});
    const memory = new MemoryUpgrade();
    const response = await router.handle(upgradeRequest(), memory.upgrade, unsaid ? upgrade : {});
    await memory.client.close();
    return [response?.status, resolveConnectionOptions(memory.options[0]!)];
  },
};

for (const [name, take] of Object.entries(takers)) {
  test(`${name}: undefined is not given`, async () => {
    assertEquals(await take(true), await take(false));
  });
}

test("Options that only a host can be asked with may be undefined as well", () => {
  const options: readonly [
    DenoUpgradeOptions,
    BunUpgradeOptions,
    AcceptSocketOptions,
    ServeSocketOptions,
  ] = [
    { ...upgrade, info: undefined },
    { ...upgrade, server: undefined },
    { ...accept } satisfies Unsaid<AcceptSocketOptions>,
    { ...serveOneStream } satisfies Unsaid<ServeSocketOptions>,
  ];
  assertEquals(options.length, 4);
});
