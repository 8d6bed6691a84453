import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { WebSocketConnection } from "../../mod.ts";
import { connectWebSocket } from "../../src/adapters/cloudflare_connect.ts";
import type { ConnectOptions } from "../../src/client.ts";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import type { TcpServer } from "../../src/server/tcp_server.ts";
import type { ServeTcpOptions } from "../../src/server/serve_options.ts";
import { authority, server as certificate } from "../deps/tls/certificates.ts";
import { runtime, test } from "../harness.ts";
import { type RunningWorker, startWorker, workerdMissing } from "../tools/workerd.ts";

const skip = workerdMissing();
const WORKER = "tests/adapters/cloudflare_worker.ts";

const { serveTcp, upgradeWebSocket } = runtime === "deno"
  ? await import("../../src/adapters/deno.ts")
  : await import("../../src/adapters/bun.ts");

/** A server of this library's on raw TCP: echoes, and lets nobody in without `authorization`. */
function serveEcho(options: ServeTcpOptions = {}): TcpServer {
  return serveTcp({ port: 0, hostname: "127.0.0.1", ...options }, (request) => {
    if (!request.headers.has("authorization")) return new Response("who?", { status: 401 });
    const { response, connection } = upgradeWebSocket(request, {
      compression: true,
      subprotocols: ["echo"],
    });
    if (connection !== undefined) void echo(connection);
    return response;
  });
}

async function echo(connection: WebSocketConnection): Promise<void> {
  for await (const message of connection) await connection.send(message);
}

/** What a client in the worker reports. */
interface Report {
  readonly [fact: string]: unknown;
  readonly name?: string;
  readonly message?: string;
  readonly cause?: string;
}

/** Lets the worker connect to a port, and reports. */
async function report(
  worker: RunningWorker,
  target: string,
  options: ConnectOptions = {},
  query: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const url = new URL("/connect", worker.url);
  url.searchParams.set("url", target);
  url.searchParams.set("connect", JSON.stringify(options));
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return await (await fetch(url)).json();
}

const portOf = ({ addr }: TcpServer) => (addr as { readonly port: number }).port;

const headers = { authorization: "Bearer token" };

for (const by of ["cloudflare", "mod"]) {
  test(
    `connectWebSocket of ${by} has headers, pings, compression and codes in a Worker`,
    async () => {
      await using worker = await startWorker(WORKER);
      await using server = serveEcho();
      const port = portOf(server);
      const options = { headers, compression: true, subprotocols: ["echo"] };
      const result = await report(worker, `ws://127.0.0.1:${port}/`, options, { by });
      assertEquals(result, {
        protocol: "echo",
        extensions: "permessage-deflate",
        remoteAddress: { transport: "tcp", hostname: "127.0.0.1", port },
        capabilities: {
          ping: true,
          compression: true,
          inboundBackpressure: true,
          outboundBackpressure: true,
          noDelay: false,
        },
        echoes: [true, true, true, true],
        ponged: true,
        code: 4001,
        reason: "bye",
        wasClean: true,
      });
    },
    { skip },
  );
}

test("cloudflare.connectWebSocket connects to an IPv6 address", async () => {
  await using worker = await startWorker(WORKER);
  await using server = serveEcho({ hostname: "::1" });
  const { echoes, message } = await report(worker, `ws://[::1]:${portOf(server)}/`, { headers });
  assertEquals(echoes, [true, true, true, true], message);
}, { skip });

test("cloudflare.connectWebSocket gives the response of a server that refuses", async () => {
  await using worker = await startWorker(WORKER);
  await using server = serveEcho();
  const result = await report(worker, `ws://127.0.0.1:${portOf(server)}/`);
  assertEquals([result.name, result.status, result.body], ["WebSocketHandshakeError", 401, "who?"]);
}, { skip });

test("cloudflare.connectWebSocket speaks TLS, and checks the name in the certificate", async () => {
  await using worker = await startWorker(WORKER, { trustedCertificates: [authority] });
  await using server = serveEcho(certificate);
  const port = portOf(server);
  for (
    const [hostname, options] of [
      ["localhost", {}],
      ["127.0.0.1", {}],
      ["127.0.0.1", { serverName: "localhost" }],
    ] as const
  ) {
    const { echoes, message } = await report(worker, `wss://${hostname}:${port}/`, {
      headers,
      ...options,
    });
    assertEquals(echoes, [true, true, true, true], message);
  }
  const other = { headers, serverName: "other.example" };
  const { name } = await report(worker, `wss://127.0.0.1:${port}/`, other);
  assertEquals(name, "WebSocketHandshakeError");
}, { skip });

test("cloudflare.connectWebSocket trusts no authority that is unknown", async () => {
  await using worker = await startWorker(WORKER);
  await using server = serveEcho({ ...certificate, onError: () => {} });
  const { name, cause } = await report(worker, `wss://localhost:${portOf(server)}/`, { headers });
  assertEquals(name, "WebSocketHandshakeError");
  assert(cause !== undefined);
}, { skip });

/** A server that takes connections, and says nothing. */
async function listenSilently() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    sockets.push(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    port,
    sockets,
    /**
     * How many others have connected until now: whoever did so before is accepted before a
     * connection of our own.
     */
    async reached(): Promise<number> {
      const own = connect(port, "127.0.0.1");
      await once(own, "connect");
      const isOwn = ({ remotePort }: Socket) => remotePort === own.localPort;
      while (!sockets.some(isOwn)) await once(server, "connection");
      sockets.splice(sockets.findIndex(isOwn), 1);
      own.destroy();
      return sockets.length;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("cloudflare.connectWebSocket gives up where nobody listens", async () => {
  await using worker = await startWorker(WORKER);
  const server = await listenSilently();
  await server[Symbol.asyncDispose]();
  const result = await report(worker, `ws://127.0.0.1:${server.port}/`);
  assertEquals(result.name, "WebSocketHandshakeError");
  assertStringIncludes(result.message!, `Cannot connect to ws://127.0.0.1:${server.port}: `);
  assertStringIncludes(result.cause!, "Error: ");
}, { skip });

test("cloudflare.connectWebSocket gives a silent server up, in time or when aborted", async () => {
  await using worker = await startWorker(WORKER, { trustedCertificates: [authority] });
  await using server = await listenSilently();
  const { sockets } = server;
  const attempts = [
    async (url: string, time: number) => {
      const late = await report(worker, url, { connectTimeout: time });
      assertEquals(late.name, "WebSocketHandshakeError");
      assertStringIncludes(late.cause!, "TimeoutError");
    },
    async (url: string, time: number) => {
      const aborted = await report(worker, url, {}, { abort: String(time) });
      assertEquals(aborted.name, "TimeoutError");
    },
  ];
  for (const scheme of ["ws", "wss"]) {
    for (const attempt of attempts) {
      const before = sockets.length;
      // A worker that is held up for so long gives up before it dials, which is not what is tested.
      for (let time = 50; await server.reached() === before; time *= 2) {
        await attempt(`${scheme}://127.0.0.1:${server.port}/`, time);
      }
    }
  }
  for (const socket of sockets) {
    if (!socket.closed) await once(socket, "close");
  }
}, { skip });

test("cloudflare.connectWebSocket refuses options that a Worker has no say in", async () => {
  const error = await assertRejects(
    () => connectWebSocket("wss://host/", { unixPath: "/run/socket" }),
    WebSocketHandshakeError,
  );
  assertEquals(
    String(error.cause),
    "Error: Cannot connect with unixPath: a Worker has no Unix sockets",
  );
});

test("cloudflare.connectWebSocket dials by the option dial where it is given", async () => {
  const dial = () => Promise.reject(new Error("no"));
  await assertRejects(
    () => connectWebSocket("ws://host/", { dial }),
    WebSocketHandshakeError,
    "Cannot connect to ws://host: no",
  );
});
