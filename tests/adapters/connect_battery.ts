/** What `connectWebSocket` of every entry point must do with real sockets. */

import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { createServer as createTlsServer } from "node:tls";
import type { ConnectOptions } from "../../src/client.ts";
import type { WebSocketConnection } from "../../src/connection/connection.ts";
import type { Dial } from "../../src/connection/dial.ts";
import { WebSocketHandshakeError } from "../../src/errors.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { encodeLatin1 } from "../../src/handshake/latin1.ts";
import { settled } from "../connection/transport_battery.ts";
import { authority, client, server as serverCertificate } from "../deps/tls/certificates.ts";
import { runtime, test } from "../harness.ts";
import { serveNatively } from "./native_server.ts";

type Connect = (
  url: string | URL | Request,
  options?: ConnectOptions,
) => Promise<WebSocketConnection>;

/** How a raw server listens. */
interface ListenOptions {
  /** The path of a Unix socket. */
  readonly path?: string;
  /** Whether with TLS, by the tests' certificate. */
  readonly secure?: boolean;
  /** Whether a client certificate by the tests' authority is demanded. */
  readonly demandCertificate?: boolean;
}

interface RawServer {
  readonly port: number;
  /** Connections accepted and not yet ended. */
  open(): number;
  stop(): void;
}

/** A server that calls `answer` with the head of each request. */
async function listen(
  answer: (socket: Socket, head: string) => void,
  options: ListenOptions = {},
): Promise<RawServer> {
  const accepted = new Set<Socket>();
  const accept = (socket: Socket) => {
    accepted.add(socket);
    socket.on("close", () => accepted.delete(socket));
    socket.on("error", () => {});
    let head = "";
    socket.on("data", (data) => {
      if (head.endsWith("\r\n\r\n")) return;
      head += data.toString("latin1");
      if (head.endsWith("\r\n\r\n")) answer(socket, head);
    });
  };
  const certificates = {
    ...serverCertificate,
    ca: [authority],
    requestCert: options.demandCertificate ?? false,
    rejectUnauthorized: options.demandCertificate ?? false,
  };
  const server = options.secure ? createTlsServer(certificates, accept) : createServer(accept);
  await new Promise<void>((resolve) => {
    if (options.path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(options.path, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    open: () => accepted.size,
    stop() {
      server.close();
      for (const socket of accepted) socket.destroy();
    },
  };
}

const HELLO = "\x81\x05hello";
const CLOSE = "\x88\x02\x03\xe8";

/** Answers by a 101, a text message and a Close frame in one write, and ends. */
function greet(socket: Socket, head: string): void {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1] ?? "";
  const response = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${computeAccept(key)}`,
    "\r\n",
  ].join("\r\n");
  socket.end(encodeLatin1(response + HELLO + CLOSE));
}

/** Takes what {@linkcode greet} sends. */
async function takeGreeting(connection: WebSocketConnection): Promise<void> {
  assertEquals(await connection.receive(), "hello");
  assertEquals(await connection.receive(), null);
  assertEquals(await connection.closed, { code: 1000, reason: "", wasClean: true });
}

/** Registers the battery for one `connectWebSocket`. */
export function connectBattery(name: string, connect: Connect, skip?: string): void {
  const withServer = (
    behaviour: string,
    answer: (socket: Socket, head: string) => void,
    options: ListenOptions,
    body: (port: number, server: RawServer) => Promise<void>,
  ) => {
    test(`${name} ${behaviour}`, async () => {
      const server = await listen(answer, options);
      try {
        await body(server.port, server);
        await settled(server.open);
        assertEquals(server.open(), 0);
      } finally {
        server.stop();
      }
    }, { skip });
  };

  withServer("takes what comes with the head of the response", greet, {}, async (port) => {
    await takeGreeting(await connect(`ws://127.0.0.1:${port}/`));
  });

  withServer(
    "rejects with the response of a server that refuses",
    (socket) => socket.write("HTTP/1.1 401 No\r\nX: y\r\nContent-Length: 4\r\n\r\nwho?"),
    {},
    async (port) => {
      const error = await assertRejects(
        () => connect(`ws://127.0.0.1:${port}/`),
        WebSocketHandshakeError,
      );
      assertEquals(error.status, 401);
      assertEquals(error.response?.headers.get("x"), "y");
      assertEquals(await error.response?.text(), "who?");
    },
  );

  withServer("gives up a server that is silent", () => {}, {}, async (port) => {
    const error = await assertRejects(
      () => connect(`ws://127.0.0.1:${port}/`, { connectTimeout: 50 }),
      WebSocketHandshakeError,
    );
    assertInstanceOf(error.cause, DOMException);
    assertEquals(error.cause.name, "TimeoutError");
  });

  test(`${name} rejects with the signal's reason once it is aborted`, async () => {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const server = await listen(() => controller.abort(reason));
    try {
      const { signal } = controller;
      const connecting = connect(`ws://127.0.0.1:${server.port}/`, { signal });
      assertEquals(await assertRejects(() => connecting), reason);
      await settled(server.open);
      assertEquals(server.open(), 0);
    } finally {
      server.stop();
    }
  }, { skip });

  test(`${name} rejects where nobody listens`, async () => {
    const server = await listen(() => {});
    server.stop();
    const error = await assertRejects(
      () => connect(`ws://127.0.0.1:${server.port}/`),
      WebSocketHandshakeError,
      `Cannot connect to ws://127.0.0.1:${server.port}: `,
    );
    assertInstanceOf(error.cause, Error);
  }, { skip });

  test(`${name} connects over a Unix socket`, async () => {
    const folder = mkdtempSync(`${tmpdir()}/gale-`);
    const path = `${folder}/socket`;
    const server = await listen(greet, { path });
    try {
      await takeGreeting(await connect("ws://localhost/", { unixPath: path }));
    } finally {
      server.stop();
      rmSync(folder, { recursive: true });
    }
  }, { skip });

  const secure = { secure: true };
  const caCerts = [authority];

  withServer("trusts an authority that it is given", greet, secure, async (port) => {
    await takeGreeting(await connect(`wss://localhost:${port}/`, { caCerts }));
    await takeGreeting(await connect(`wss://127.0.0.1:${port}/`, { caCerts }));
  });

  withServer("trusts no authority that is unknown", greet, secure, async (port) => {
    await assertRejects(() => connect(`wss://localhost:${port}/`), WebSocketHandshakeError);
  });

  withServer("trusts no certificate for another name", greet, secure, async (port) => {
    await assertRejects(
      () => connect(`wss://127.0.0.1:${port}/`, { caCerts, serverName: "other.example" }),
      WebSocketHandshakeError,
    );
  });

  withServer(
    "shows the client certificate that it is given",
    greet,
    { ...secure, demandCertificate: true },
    async (port) => {
      await takeGreeting(await connect(`wss://localhost:${port}/`, { caCerts, ...client }));
      await assertRejects(
        () => connect(`wss://localhost:${port}/`, { caCerts }),
        WebSocketHandshakeError,
      );
    },
  );

  const withNativeServer = (
    behaviour: string,
    body: (url: string) => Promise<void>,
    unless?: string,
  ) => {
    test(`${name} ${behaviour}`, async () => {
      const server = serveNatively();
      try {
        await body(`ws://127.0.0.1:${server.port}/`);
      } finally {
        await server.stop();
      }
    }, { skip: skip ?? unless });
  };

  withNativeServer("talks to the runtime's own server", async (url) => {
    const connection = await connect(url, { subprotocols: ["echo"] });
    assertEquals(connection.protocol, "echo");
    assertEquals(connection.url, url);
    const binary = new Uint8Array(70_000).map((_, index) => index);
    for (const message of ["text", "ünïcödé", "", binary, new Uint8Array(0), "x".repeat(70_000)]) {
      await connection.send(message);
      assertEquals(await connection.receive(), message);
    }
    const { code, wasClean } = await connection.close(4001, "bye");
    assertEquals([code, wasClean], [4001, true]);
  });

  withNativeServer("sees the close code of the runtime's own server", async (url) => {
    const connection = await connect(url, { subprotocols: ["echo"] });
    await connection.send("close");
    assertEquals(await connection.receive(), null);
    assertEquals(await connection.closed, { code: 4002, reason: "asked", wasClean: true });
  });

  withNativeServer("compresses with Bun.serve", async (url) => {
    const connection = await connect(url, { subprotocols: ["echo"], compression: true });
    assert(connection.extensions.startsWith("permessage-deflate"), connection.extensions);
    for (const size of [0, 1, 300, 5_000, 100_000]) {
      const message = "compressible ".repeat(size).slice(0, size);
      await connection.send(message, { compress: true });
      assertEquals(await connection.receive(), message);
    }
    const { bytesSent, bytesReceived } = connection.stats();
    assert(bytesSent < 10_000 && bytesReceived < 10_000, `${bytesSent}, ${bytesReceived}`);
    await connection.close();
  }, runtime === "bun" ? undefined : "Deno.serve does not compress");

  test(`${name} dials by the option dial where it is given`, async () => {
    const dialled: string[] = [];
    const dial: Dial = (target) => {
      dialled.push(target.hostname);
      return Promise.reject(new Error("no"));
    };
    await assertRejects(() => connect("ws://host/", { dial }), WebSocketHandshakeError);
    assertEquals(dialled, ["host"]);
  }, { skip });
}
