/** What `serveTcp` and `upgradeWebSocket` must do on every host, over real sockets. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { connect as connectTls } from "node:tls";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import type { TcpServer } from "../../src/server/tcp_server.ts";
import type { RequestHandler } from "../../src/server/http_exchange.ts";
import type { ServeTcpOptions } from "../../src/server/serve_options.ts";
import type { Upgrade } from "../../src/server/upgrade.ts";
import { test } from "../harness.ts";
import { CLOSE_ANSWER, HI, HI_ECHOED, pem, RawClient, UPGRADE } from "./raw_client.ts";

/** The entry point of a host. */
export interface ServeModule {
  readonly serveTcp: (options: ServeTcpOptions, handler: RequestHandler) => TcpServer;
  readonly upgradeWebSocket: Upgrade;
}

/** Defines the tests; `skip` says why they cannot run here. */
export function testServeTcp(
  name: string,
  { serveTcp, upgradeWebSocket }: ServeModule,
  skip?: string,
): void {
  const connections: WebSocketConnection[] = [];

  async function echo(connection: WebSocketConnection): Promise<void> {
    for await (const message of connection) await connection.send(message);
  }

  function site(request: Request): Response {
    if (new URL(request.url).pathname !== "/ws") return new Response(`page of ${request.url}`);
    const { response, connection } = upgradeWebSocket(request, { compression: true });
    if (connection !== undefined) {
      connections.push(connection);
      echo(connection).catch(() => {});
    }
    return response;
  }

  function testServer(
    title: string,
    options: ServeTcpOptions,
    run: (server: TcpServer) => Promise<void>,
    handler: RequestHandler = site,
  ): void {
    test(`${name}.serveTcp ${title}`, async () => {
      const where = options.path === undefined ? { port: 0, hostname: "127.0.0.1" } : {};
      const server = serveTcp({ ...where, ...options }, handler);
      try {
        await run(server);
      } finally {
        await server.shutdown();
      }
    }, { skip });
  }

  const openRaw = ({ addr }: TcpServer) => new RawClient(connectTcp(addr.port, addr.hostname));

  testServer("answers a page and a WebSocket on one port", {}, async (server) => {
    const base = `127.0.0.1:${server.addr.port}`;
    const page = await fetch(`http://${base}/page`);
    assertEquals(await page.text(), `page of http://${base}/page`);

    const socket = new WebSocket(`ws://${base}/ws`);
    const { promise, resolve, reject } = Promise.withResolvers<[string, number]>();
    let echoed = "";
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => {
      echoed = data;
      socket.close(1000);
    };
    socket.onclose = ({ code }) => resolve([echoed, code]);
    socket.onerror = reject;
    assertEquals(await promise, ["hello", 1000]);
  });

  testServer("tells who asks", {}, async (server) => {
    const page = await fetch(`http://127.0.0.1:${server.addr.port}/`);
    const { remoteAddress, secure } = await page.json();
    assertEquals([remoteAddress.hostname, remoteAddress.transport, secure], [
      "127.0.0.1",
      "tcp",
      false,
    ]);
    assert(remoteAddress.port > 0 && remoteAddress.port !== server.addr.port);
  }, (_request, peer) => Response.json(peer));

  testServer("takes a large body and sends it back", {}, async (server) => {
    const body = new Uint8Array(3_000_000).map((_, at) => at);
    const response = await fetch(`http://127.0.0.1:${server.addr.port}/`, { method: "POST", body });
    const echoed = new Uint8Array(await response.arrayBuffer());
    assertEquals(echoed.length, body.length);
    assert(echoed.every((byte, at) => byte === body[at]));
  }, (request) => new Response(request.body));

  testServer("takes a request byte by byte, and frames with its end", {}, async (server) => {
    const client = openRaw(server);
    for (const byte of UPGRADE.slice(0, -1)) client.send(byte);
    client.send("\n" + HI);
    const received = await client.receive(HI_ECHOED);
    assertStringIncludes(received, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    await client.destroy();
  });

  testServer("answers a client that has ended its direction", {}, async (server) => {
    const client = openRaw(server);
    client.send("GET /half HTTP/1.0\r\n\r\n");
    client.end();
    assertStringIncludes(await client.receive(), "page of http://localhost/half");
    await client.destroy();
  });

  testServer("answers a bad request and ends", {}, async (server) => {
    const client = openRaw(server);
    client.send("nonsense\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const received = await client.receive();
    assertStringIncludes(received, "HTTP/1.1 400 Bad Request\r\n");
    assertEquals(received.match(/HTTP\/1\.1/g)?.length, 1);
    await client.destroy();
  });

  const started = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();

  testServer("aborts the signal of a request whose client goes away", {}, async (server) => {
    const client = openRaw(server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await started.promise;
    await client.destroy();
    await aborted.promise;
  }, (request) => {
    started.resolve();
    request.signal.addEventListener("abort", () => aborted.resolve());
    return aborted.promise.then(() => new Response());
  });
  testServer("shuts down with 1001 and waits for the answer", {}, async (server) => {
    const client = openRaw(server);
    client.send(UPGRADE + HI);
    await client.receive(HI_ECHOED);
    const connection = connections.at(-1)!;
    const finished = server.shutdown();
    assertStringIncludes(await client.receive("\x88"), "\x88\x13\x03\xe9Server shuts down");
    client.send(CLOSE_ANSWER);
    await client.receive();
    client.end();
    await finished;
    assertEquals((await connection.closed).wasClean, true);
    await assertRejects(() => fetch(`http://127.0.0.1:${server.addr.port}/`));
    await client.destroy();
  });

  testServer(
    "drops what is open after shutdownTimeout",
    { shutdownTimeout: 50 },
    async (server) => {
      const client = openRaw(server);
      client.send(UPGRADE + HI);
      await client.receive(HI_ECHOED);
      const connection = connections.at(-1)!;
      await server.shutdown();
      assertEquals((await connection.closed).code, 1006);
      await client.receive();
      await client.destroy();
    },
  );

  testServer(
    "drops a connection whose head does not come in time",
    { handshakeTimeout: 50 },
    async (server) => {
      const client = openRaw(server);
      client.send("GET / HT");
      assertStringIncludes(await client.receive(), "HTTP/1.1 408 Request Timeout\r\n");
      await client.destroy();
    },
  );

  testServer("has no more than maxConnections open", { maxConnections: 1 }, async (server) => {
    const first = openRaw(server);
    first.send(UPGRADE + HI);
    await first.receive(HI_ECHOED);
    const second = openRaw(server);
    assertEquals(await second.receive(), "");
    first.send(HI);
    await first.receive(HI_ECHOED + HI_ECHOED);
    await Promise.all([first.destroy(), second.destroy()]);
  });

  testServer("speaks TLS", { cert: pem("server"), key: pem("server.key") }, async (server) => {
    const socket = connectTls({
      port: server.addr.port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: pem("ca"),
    });
    const client = new RawClient(socket);
    client.send(UPGRADE + HI);
    await client.receive(HI_ECHOED);
    assertEquals(connections.at(-1)!.url, "wss://example.com/ws");
    await client.destroy();

    // Not TLS at all: dropped, and the server lives on.
    const stray = openRaw(server);
    stray.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await stray.receive();
    await stray.destroy();
    const page = new RawClient(
      connectTls({
        port: server.addr.port,
        host: "127.0.0.1",
        servername: "localhost",
        ca: pem("ca"),
      }),
    );
    page.send("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assertStringIncludes(await page.receive(), "page of https://localhost/page");
    await page.destroy();
  });

  test(`${name}.serveTcp listens on a Unix socket, and removes it`, async () => {
    const folder = mkdtempSync(`${tmpdir()}/serve-`);
    const path = `${folder}/socket`;
    try {
      await using server = serveTcp({ path }, site);
      assertEquals(server.addr, { transport: "unix", hostname: path, port: 0 });
      const client = new RawClient(connectTcp(path));
      client.send(UPGRADE + HI);
      await client.receive(HI_ECHOED);
      assertEquals(connections.at(-1)!.remoteAddress?.transport, "unix");
      await client.destroy();
      await server.shutdown();
      assertEquals(existsSync(path), false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, { skip });

  test(`${name}.serveTcp throws where it cannot listen, or is not to`, async () => {
    await using server = serveTcp({ port: 0, hostname: "127.0.0.1" }, site);
    const { port } = server.addr;
    assertThrows(() => serveTcp({ port, hostname: "127.0.0.1" }, site), Error);
    assertThrows(() => serveTcp({ port: 70_000 }, site), RangeError, "port must be");
    assertThrows(() => serveTcp({ cert: "x" }, site), TypeError, "cert and key");
  }, { skip });

  test(`${name}.serveTcp shuts down by its signal`, async () => {
    const controller = new AbortController();
    const server = serveTcp({ port: 0, hostname: "127.0.0.1", signal: controller.signal }, site);
    controller.abort();
    await server.finished;
  }, { skip });

  test(`${name}.upgradeWebSocket refuses a request that did not come from serveTcp`, () => {
    const request = new Request("http://example.com/");
    assertThrows(() => upgradeWebSocket(request), TypeError, "serveTcp of this module");
  }, { skip });
}
